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

static bool has_config(const char *folder)
{
    char *path = file_join(folder, "config.json");
    bool there = path && file_exists(path);
    free(path);
    return there;
}

// A name without '/' may also be a folder here that has nothing to do with models: that is not meant.
static bool is_path(const char *name)
{
    size_t len = strlen(name);
    bool is_safetensors = len > 12 && strcmp(name + len - 12, ".safetensors") == 0;
    return gguf_is(name) || (is_safetensors && file_exists(name))
           || (file_is_dir(name) && (strchr(name, '/') || has_config(name)));
}

static bool is_folder(const char *path, const char *name)
{
    char *child = file_join(path, name);
    bool is = child && file_is_dir(child);
    free(child);
    return is;
}

static bool bundled_names(const char *data_dir, struct names *out, struct abl_err *err)
{
    char *path = file_join(data_dir, "models");
    bool ok = path ? folder_names(path, is_folder, out, err) : abl_no_memory(err);
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
    return hf_id_valid(r->id);
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
    buf_str(&list, "bundled are ");
    add_names(&list, &bundled, "none");
    buf_str(&list, ", in the Hugging Face cache ");
    add_names(&list, &cached, "none");
    if (is_id && (strchr(r->id, '/') || model_alias(r->parts)))
        buf_printf(&list, "; 'abltui pull %s' fetches it", r->name);
    abl_fail(err, ABL_BAD_MODEL,
             "no model '%s': expected a folder with config.json, a .gguf file, or a name; %s",
             r->name, list.data ? list.data : "");
    buf_release(&list);
    names_release(&bundled);
    names_release(&cached);
    return false;
}

// The one GGUF file of a snapshot, or the one asked for. *out stays NULL where the snapshot is a folder for model_open.
static bool choose_gguf(const struct request *r, const char *snapshot, char **out,
                        struct abl_err *err)
{
    struct names files;
    struct buf list = { 0 };
    *out = NULL;
    if (!r->file && has_config(snapshot))
        return true;
    if (!hf_gguf_files(snapshot, &files, err))
        return false;
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < files.n; i++)
        if (r->file ? strcmp(files.items[i], r->file) == 0 : files.n == 1)
            found = i;
    add_names(&list, &files, "none");
    bool ok = true;
    if (found != SIZE_MAX) {
        *out = file_join(snapshot, files.items[found]);
        ok = *out || abl_no_memory(err);
    } else if (r->file || files.n)
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "which file of '%s': found %s, expected one of them, as in %s:FILE", r->id,
                      list.data ? list.data : "", r->id);
    buf_release(&list);
    names_release(&files);
    return ok;
}

static bool use_snapshot(const struct request *r, char *snapshot, char **out, struct abl_err *err)
{
    char missing[256], *file = NULL;
    bool ok = choose_gguf(r, snapshot, &file, err)
              && (file || hf_snapshot_missing(snapshot, missing, sizeof missing, err));
    if (ok && !file && *missing)
        ok = abl_fail(err, ABL_BAD_MODEL,
                      "the download of '%s' is not whole: in '%s' %s; fetch the rest with 'abltui "
                      "pull %s'",
                      r->id, snapshot, missing, r->name);
    if (ok)
        *out = file ? file : snapshot;
    if (!ok || file)
        free(snapshot);
    if (!ok)
        free(file);
    return ok;
}

static bool find_named(const char *name, const struct model_places *p, char **out,
                       struct abl_err *err)
{
    struct request r;
    char *path = strchr(name, '/') ? NULL : bundled_path(p->data_dir, name), *snapshot = NULL;
    if (path && *name && name[0] != '.' && file_is_dir(path)) {
        *out = path;
        return true;
    }
    free(path);
    bool is_id = parse_request(name, &r);
    if (is_id && p->hf_cache && !hf_cache_find(p->hf_cache, r.id, r.revision, &snapshot, err))
        return false;
    // Older downloads of an aliased model lie under the short name itself.
    if (is_id && p->hf_cache && !snapshot && model_alias(r.parts)
        && !hf_cache_find(p->hf_cache, r.parts, r.revision, &snapshot, err))
        return false;
    return snapshot ? use_snapshot(&r, snapshot, out, err) : not_found(&r, is_id, p, err);
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

// ------------------------------------------------------------------------------------------------- listing

// Open what a name stands for, as far as it goes. The name passes to the entry.
static bool describe(const struct model_places *p, enum model_source source, const char *name,
                     struct model_entry *out, struct abl_err *err)
{
    struct model *m;
    *out = (struct model_entry){ .source = source, .name = strdup(name) };
    if (!out->name)
        return abl_no_memory(err);
    if (!model_find(name, p, &out->path, NULL, &out->why) || !model_open(out->path, &m, &out->why))
        return true;
    out->usable = true;
    out->shape = m->shape;
    out->n_params = m->n_params;
    out->weight_bytes = m->weight_bytes;
    snprintf(out->dtype, sizeof out->dtype, "%s", m->dtype);
    model_free(m);
    return true;
}

bool model_list(const struct model_places *places, struct model_entry **out, size_t *n,
                struct abl_err *err)
{
    struct names bundled, cached = { 0 };
    if (!bundled_names(places->data_dir, &bundled, err))
        return false;
    bool ok = cached_names(places, &cached, err);
    size_t count = 0;
    struct model_entry *entries = calloc(bundled.n + cached.n + 1, sizeof *entries);
    ok = ok && (entries || abl_no_memory(err));
    for (size_t i = 0; ok && i < bundled.n; i++)
        ok = describe(places, MODEL_BUNDLED, bundled.items[i], &entries[count++], err);
    for (size_t i = 0; ok && i < cached.n; i++)
        ok = describe(places, MODEL_CACHED, cached.items[i], &entries[count++], err);
    names_release(&bundled);
    names_release(&cached);
    if (!ok) {
        model_entries_free(entries, entries ? count : 0);
        return false;
    }
    *out = entries;
    *n = count;
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
