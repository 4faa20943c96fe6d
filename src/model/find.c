// Where a model's name leads.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/folder.h"
#include "format/gguf.h"
#include "format/hf_cache.h"
#include "model/model.h"

// Short names that people know, and where the hub keeps them.
static const char *const aliases[][2] = {
    { "gpt2", "openai-community/gpt2" },
    { "gpt2-medium", "openai-community/gpt2-medium" },
    { "gpt2-large", "openai-community/gpt2-large" },
    { "gpt2-xl", "openai-community/gpt2-xl" },
    { "distilgpt2", "distilbert/distilgpt2" },
    { "pythia-14m", "EleutherAI/pythia-14m" },
    { "pythia-70m", "EleutherAI/pythia-70m" },
    { "pythia-160m", "EleutherAI/pythia-160m" },
    { "pythia-410m", "EleutherAI/pythia-410m" },
    { "pythia-1b", "EleutherAI/pythia-1b" },
    { "pythia-1.4b", "EleutherAI/pythia-1.4b" },
    { "pythia-2.8b", "EleutherAI/pythia-2.8b" },
    { "pythia-6.9b", "EleutherAI/pythia-6.9b" },
    { "pythia-12b", "EleutherAI/pythia-12b" },
    { "llama-2-7b", "meta-llama/Llama-2-7b-hf" },
    { "llama-3.1-8b", "meta-llama/Llama-3.1-8B" },
    { "llama-3.2-1b", "meta-llama/Llama-3.2-1B" },
    { "llama-3.2-3b", "meta-llama/Llama-3.2-3B" },
    { "mistral-7b", "mistralai/Mistral-7B-v0.1" },
    { "qwen2-0.5b", "Qwen/Qwen2-0.5B" },
    { "qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B" },
    { "qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B" },
    { "qwen3-0.6b", "Qwen/Qwen3-0.6B" },
    { "smollm2-135m", "HuggingFaceTB/SmolLM2-135M" },
    { "smollm2-360m", "HuggingFaceTB/SmolLM2-360M" },
    { "smollm2-1.7b", "HuggingFaceTB/SmolLM2-1.7B" },
};

const char *model_alias(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i][0], name) == 0)
            return aliases[i][1];
    return NULL;
}

static char *bundled_path(const char *data_dir, const char *name)
{
    char *models = file_join(data_dir, "models");
    char *path = models ? file_join(models, name) : NULL;
    free(models);
    return path;
}

// A name without '/' may also be a folder here that has nothing to do with models:
// that is not meant.
static bool is_path(const char *name)
{
    size_t len = strlen(name);
    bool is_safetensors = len > 12 && strcmp(name + len - 12, ".safetensors") == 0;
    return gguf_is(name) || (is_safetensors && file_exists(name))
           || (file_is_dir(name) && (strchr(name, '/') || file_exists_in(name, "config.json")));
}

static bool bundled_names(const char *data_dir, struct names *out, struct abl_err *err)
{
    char *path = file_join(data_dir, "models");
    bool ok = path ? folder_names(path, file_is_dir_in, out, err) : abl_no_memory(err);
    free(path);
    return ok;
}

static bool cached_names(const struct model_places *p, struct names *out, struct abl_err *err)
{
    *out = (struct names){ 0 };
    return !p->hf_cache || hf_cache_list(p->hf_cache, out, err);
}

static void add_names(struct buf *out, const struct names *l, const char *none)
{
    for (size_t i = 0; i < l->n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", l->items[i]);
    if (!l->n)
        buf_str(out, none);
}

// What was asked for, and where the hub would have it.
struct request {
    const char *name; // as given
    char id[256];     // without revision and file
    const char *revision, *file;
    char parts[256];
};

// "id@revision:file.gguf"; false where the id is none.
static bool parse_request(const char *name, struct request *r)
{
    *r = (struct request){ .name = name };
    if (snprintf(r->parts, sizeof r->parts, "%s", name) >= (int)sizeof r->parts)
        return false;
    char *file = strchr(r->parts, ':'), *at;
    if (file) {
        *file++ = '\0';
        r->file = file;
    }
    if ((at = strchr(r->parts, '@'))) {
        *at++ = '\0';
        r->revision = at;
    }
    const char *alias = model_alias(r->parts);
    snprintf(r->id, sizeof r->id, "%s", alias ? alias : r->parts);
    return hf_id_valid(r->id) && (!r->revision || hf_revision_valid(r->revision));
}

static bool not_found(const struct request *r, bool is_id, const struct model_places *p,
                      struct abl_err *err)
{
    struct names bundled, cached;
    struct buf list = { 0 };
    if (!bundled_names(p->data_dir, &bundled, err))
        return false;
    if (!cached_names(p, &cached, err)) {
        names_release(&bundled);
        return false;
    }
    // The remedy comes first: what a full cache holds may be cut.
    if (is_id && (strchr(r->id, '/') || model_alias(r->parts)))
        buf_printf(&list, "'abltui pull %s' fetches it; ", r->name);
    buf_str(&list, "bundled are ");
    add_names(&list, &bundled, "none");
    buf_str(&list, ", in the Hugging Face cache ");
    add_names(&list, &cached, "none");
    abl_fail(err, ABL_BAD_MODEL,
             "no model '%s': expected a folder with config.json, a .gguf file, or a name; %s",
             r->name, list.data ? list.data : "");
    buf_release(&list);
    names_release(&bundled);
    names_release(&cached);
    return false;
}

// Which of a snapshot's files is meant by a request: SIZE_MAX where none is.
static size_t choose_file(const struct request *r, const struct names *files)
{
    for (size_t i = 0; r->file && i < files->n; i++)
        if (strcmp(files->items[i], r->file) == 0)
            return i;
    return !r->file && files->n == 1 ? 0 : SIZE_MAX;
}

static bool several_files(const struct request *r, const struct names *files, struct abl_err *err)
{
    struct buf list = { 0 };
    add_names(&list, files, "no GGUF files");
    abl_fail(err, ABL_BAD_MODEL, "which file of '%s': found %s, expected one of them, as in %s:%s",
             r->parts, list.data ? list.data : "", r->parts,
             files->n ? files->items[0] : "FILE.gguf");
    buf_release(&list);
    return false;
}

// The one GGUF file of a snapshot without safetensors, or the one asked for. *out stays NULL where
// the snapshot is a folder for model_open. missing: as hf_snapshot_missing says of what was chosen.
static bool choose(const struct request *r, const char *snapshot, char **out, char *missing,
                   size_t size, struct abl_err *err)
{
    struct names files;
    *out = NULL;
    if (!r->file && hf_has_safetensors(snapshot))
        return hf_snapshot_missing(snapshot, missing, size, err);
    if (!hf_gguf_files(snapshot, &files, err))
        return false;
    size_t chosen = choose_file(r, &files);
    bool ok = true;
    if (chosen != SIZE_MAX) {
        *out = file_join(snapshot, files.items[chosen]);
        ok = (*out || abl_no_memory(err))
             && hf_file_missing(snapshot, files.items[chosen], missing, size, err);
    } else if (r->file || files.n)
        ok = several_files(r, &files, err);
    else
        ok = hf_snapshot_missing(snapshot, missing, size, err);
    names_release(&files);
    return ok;
}

// The snapshot passes to *out, or is freed.
static bool use_snapshot(const struct request *r, char *snapshot, char **out, struct abl_err *err)
{
    char missing[384] = "", *file = NULL;
    bool ok = choose(r, snapshot, &file, missing, sizeof missing, err);
    if (ok && *missing)
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "'%s' is not whole in the cache: %s; 'abltui pull %s' mends that", r->name,
                      missing, r->name);
    if (ok)
        *out = file ? file : snapshot;
    if (!ok || file)
        free(snapshot);
    if (!ok)
        free(file);
    return ok;
}

// *out stays NULL where the cache has nothing of that name.
static bool find_cached(const struct request *r, const char *root, char **out, struct abl_err *err)
{
    char *snapshot = NULL;
    *out = NULL;
    if (!hf_cache_find(root, r->id, r->revision, &snapshot, err))
        return false;
    // Older downloads of an aliased model lie under the short name itself.
    if (!snapshot && !hf_cache_find(root, r->parts, r->revision, &snapshot, err))
        return false;
    return !snapshot || use_snapshot(r, snapshot, out, err);
}

static bool find_named(const char *name, const struct model_places *p, char **out,
                       struct abl_err *err)
{
    struct request r;
    bool is_name = !strchr(name, '/');
    char *path = is_name ? bundled_path(p->data_dir, name) : NULL;
    if (is_name && !path)
        return abl_no_memory(err);
    if (path && *name && name[0] != '.' && file_is_dir(path)) {
        *out = path;
        return true;
    }
    free(path);
    path = NULL;
    bool is_id = parse_request(name, &r);
    if (is_id && p->hf_cache && !find_cached(&r, p->hf_cache, &path, err))
        return false;
    *out = path;
    return path || not_found(&r, is_id, p, err);
}

bool model_find(const char *name, const struct model_places *places, char **out, bool *named,
                struct abl_err *err)
{
    bool path = is_path(name);
    if (named)
        *named = !path;
    if (!path)
        return find_named(name, places, out, err);
    *out = strdup(name);
    return *out || abl_no_memory(err);
}

// ----------------------------------------------------------------------------------------- listing

struct model_list {
    const struct model_places *places;
    struct model_entry *entries;
    size_t n;
};

// Messages name the model and its files by their whole path; in a list the model's name stands
// beside them.
static void shorten(struct model_entry *e)
{
    char *text = e->why.text, *slash = e->path ? strrchr(e->path, '/') : NULL;
    size_t name = strlen(e->name), folder = e->path ? strlen(e->path) : 0;
    if (slash && !file_is_dir(e->path)) // a GGUF file
        folder = (size_t)(slash - e->path);
    if (text[0] == '\'' && strncmp(text + 1, e->name, name) == 0
        && strncmp(text + 1 + name, "' is ", 5) == 0)
        memmove(text, text + name + 6, strlen(text + name + 6) + 1);
    for (char *at = text; folder && *at; at++)
        if (strncmp(at, e->path, folder) == 0 && at[folder] == '/')
            memmove(at, at + folder + 1, strlen(at + folder + 1) + 1);
}

// Open what lies at the entry's path, as far as it goes.
static void look_inside(struct model_entry *e)
{
    struct model *m;
    if (!model_open(e->path, OWNER_TRANSFORMERS_5, &m, &e->why)) {
        shorten(e);
        return;
    }
    e->usable = true;
    e->shape = m->shape;
    e->n_params = m->n_params;
    e->weight_bytes = m->weight_bytes;
    snprintf(e->dtype, sizeof e->dtype, "%s", m->dtype);
    model_free(m);
}

// Room for another entry; NULL when memory is out.
static struct model_entry *add_entry(struct model_list *l, enum model_source source,
                                     const char *name, struct abl_err *err)
{
    struct model_entry *grown = realloc(l->entries, (l->n + 1) * sizeof *grown);
    if (!grown) {
        abl_no_memory(err);
        return NULL;
    }
    l->entries = grown;
    l->entries[l->n] = (struct model_entry){ .source = source, .name = strdup(name) };
    if (!l->entries[l->n].name) {
        abl_no_memory(err);
        return NULL;
    }
    return &l->entries[l->n++];
}

static bool add_bundled(struct model_list *l, const char *name, struct abl_err *err)
{
    struct model_entry *e = add_entry(l, MODEL_BUNDLED, name, err);
    if (!e)
        return false;
    e->path = bundled_path(l->places->data_dir, name);
    if (!e->path)
        return abl_no_memory(err);
    look_inside(e);
    return true;
}

// Not through model_find: a folder here may have the same name.
static bool add_cached(struct model_list *l, const char *name, struct abl_err *err)
{
    struct request r;
    struct model_entry *e = add_entry(l, MODEL_CACHED, name, err);
    if (!e)
        return false;
    if (!parse_request(name, &r))
        abl_fail(&e->why, ABL_BAD_MODEL, "its name is none of the hub's");
    else if (find_cached(&r, l->places->hf_cache, &e->path, &e->why) && e->path)
        look_inside(e);
    else if (e->why.code)
        shorten(e);
    else
        abl_fail(&e->why, ABL_BAD_MODEL, "nothing of it is there; 'abltui pull %s' fetches it",
                 name);
    return true;
}

// A repository is one model, or a model a file where it holds several GGUF files and nothing else.
static bool add_repository(struct model_list *l, const char *id, struct abl_err *err)
{
    char *snapshot = NULL;
    struct names files = { 0 };
    if (!hf_cache_find(l->places->hf_cache, id, NULL, &snapshot, err))
        return false;
    bool ok = !snapshot || hf_has_safetensors(snapshot) || hf_gguf_files(snapshot, &files, err);
    free(snapshot);
    if (ok && files.n < 2)
        ok = add_cached(l, id, err);
    for (size_t i = 0; ok && files.n > 1 && i < files.n; i++) {
        struct buf name = { 0 };
        buf_printf(&name, "%s:%s", id, files.items[i]);
        ok = name.failed ? abl_no_memory(err) : add_cached(l, name.data, err);
        buf_release(&name);
    }
    names_release(&files);
    return ok;
}

bool model_list(const struct model_places *places, struct model_entry **out, size_t *n,
                struct abl_err *err)
{
    struct names bundled, cached = { 0 };
    struct model_list l = { .places = places };
    if (!bundled_names(places->data_dir, &bundled, err))
        return false;
    bool ok = cached_names(places, &cached, err);
    for (size_t i = 0; ok && i < bundled.n; i++)
        ok = add_bundled(&l, bundled.items[i], err);
    for (size_t i = 0; ok && i < cached.n; i++)
        ok = add_repository(&l, cached.items[i], err);
    names_release(&bundled);
    names_release(&cached);
    if (!ok) {
        model_entries_free(l.entries, l.n);
        return false;
    }
    *out = l.entries;
    *n = l.n;
    return true;
}

void model_entries_free(struct model_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].name);
        free(entries[i].path);
    }
    free(entries);
}
