#include "report/run_identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/config.h"
#include "report/doc.h"
#include "report/provenance.h"

struct journal_sizes run_identity_sizes(const struct run_identity *of)
{
    return (struct journal_sizes){ .n_variants = of->variants->n,
                                   .n_run = session_prompts(of->session)->n,
                                   .n_rows = of->session->prompts->n };
}

// ------------------------------------------------------------------------------------------- lines

static bool hash_of(const struct buf *text, char out[SHA256_HEX], struct abl_err *err)
{
    return text->failed ? abl_no_memory(err)
                        : sha256_bytes(text->data ? text->data : "", text->len, out, err);
}

static bool hash_variants(const struct variants *v, char out[SHA256_HEX], struct abl_err *err)
{
    struct buf text = { 0 };
    for (size_t i = 0; i < v->n; i++)
        buf_printf(&text, "%d %d %a %u %s\n", (int)v->items[i].role, (int)v->items[i].how.kind,
                   (double)v->items[i].how.scale, (unsigned)v->items[i].how.donor,
                   v->items[i].label);
    bool ok = hash_of(&text, out, err);
    buf_release(&text);
    return ok;
}

static void add_ids(struct buf *text, const uint32_t *ids, size_t n)
{
    buf_printf(text, " %zu ", n);
    if (n)
        buf_add(text, ids, n * sizeof *ids);
}

// Tokens and answers of what is run, and of what patches come from.
static bool hash_rows(const struct session *session, char out[SHA256_HEX], struct abl_err *err)
{
    const struct prompts *p = session_prompts(session);
    struct buf text = { 0 };
    for (size_t i = 0; i < p->n; i++) {
        const struct prompt *of = &p->items[i];
        struct id_list targets = prompt_targets(of), foils = prompt_foils(of);
        add_ids(&text, of->ids, of->n_ids);
        add_ids(&text, of->corrupt_ids, of->n_corrupt_ids);
        add_ids(&text, targets.ids, targets.n);
        add_ids(&text, foils.ids, foils.n);
    }
    bool ok = hash_of(&text, out, err);
    buf_release(&text);
    return ok;
}

static const char *engine_kind(const struct session *session)
{
    return session->device.kind == DEVICE_CPU ? "cpu" : "vulkan";
}

static void add_part(struct doc *d, struct journal_part part)
{
    if (!part.n) {
        doc_null(d, d->root, "shard");
        return;
    }
    cJSON *pair = doc_array(d, d->root, "shard");
    doc_uint(d, pair, NULL, part.i);
    doc_uint(d, pair, NULL, part.n);
}

static void add_words(struct doc *d, const struct run_words *words)
{
    char folder[4096];
    cJSON *list = doc_array(d, d->root, "arguments");
    for (size_t i = 0; i < words->n; i++)
        doc_name(d, list, NULL, words->items[i]);
    doc_name(d, d->root, "folder", getcwd(folder, sizeof folder));
}

bool run_identity_line(const struct run_identity *of, struct buf *out, struct abl_err *err)
{
    char variants[SHA256_HEX], rows[SHA256_HEX];
    struct journal_sizes sizes = run_identity_sizes(of);
    struct buf config = { 0 };
    if (!hash_variants(of->variants, variants, err) || !hash_rows(of->session, rows, err))
        return false;
    bool ok
        = config_write(of->session, &of->session->settings, of->model_sha256, false, &config, err);
    struct doc d = doc_new();
    doc_text(&d, d.root, "schema", "abltui.journal/1");
    doc_text(&d, d.root, "version", abl_version);
    add_part(&d, of->part);
    doc_text(&d, d.root, "engine", engine_kind(of->session));
    doc_uint(&d, d.root, "n_variants", sizes.n_variants);
    doc_uint(&d, d.root, "n_prompts", sizes.n_run);
    doc_uint(&d, d.root, "n_rows", sizes.n_rows);
    doc_text(&d, d.root, "variants_sha256", variants);
    doc_text(&d, d.root, "rows_sha256", rows);
    if (ok)
        doc_raw(&d, d.root, "config", config.data);
    add_words(&d, &of->words);
    ok = ok && doc_print(&d, DOC_COMPACT, out, err);
    doc_release(&d);
    buf_release(&config);
    return ok;
}

bool run_worker_line(const struct run_identity *of, struct buf *out, struct abl_err *err)
{
    struct doc d = doc_new();
    provenance_worker(&d, doc_object(&d, d.root, "worker"), of->session, of->command_line);
    bool ok = doc_print(&d, DOC_COMPACT, out, err);
    doc_release(&d);
    return ok;
}

// ----------------------------------------------------------------------------------------- compare

static bool differs(const cJSON *there, const cJSON *now, const char *name, const char *place,
                    struct abl_err *err)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(there, name);
    const cJSON *b = cJSON_GetObjectItemCaseSensitive(now, name);
    char *was = a ? cJSON_PrintUnformatted(a) : NULL, *is = b ? cJSON_PrintUnformatted(b) : NULL;
    bool same = was && is ? strcmp(was, is) == 0 : was == is;
    if (!same)
        abl_fail(err, ABL_USAGE,
                 "'%s' is another run: its %s is %.200s, not %.200s; go on as it was begun, or "
                 "choose another folder",
                 place, name, was ? was : "not said", is ? is : "unsaid");
    cJSON_free(was);
    cJSON_free(is);
    return !same;
}

// The device's name is no part of the work: what kind of engine it is stands beside it.
bool run_config_check(const cJSON *there, const cJSON *now, const char *place, struct abl_err *err)
{
    const cJSON *const of[] = { now, there }, *item;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        cJSON_ArrayForEach(item, of[i])
        {
            if (strcmp(item->string, "device") != 0
                && differs(there, now, item->string, place, err))
                return false;
        }
    return true;
}

bool run_identity_check(const cJSON *there, const cJSON *now, const char *place,
                        struct abl_err *err)
{
    static const char *const names[] = { "schema", "engine",      "n_variants",     "n_prompts",
                                         "n_rows", "rows_sha256", "variants_sha256" };
    const cJSON *was = cJSON_GetObjectItemCaseSensitive(there, "config");
    const cJSON *is = cJSON_GetObjectItemCaseSensitive(now, "config");
    const cJSON *weights = cJSON_GetObjectItemCaseSensitive(is, "model_sha256");
    if (!cJSON_IsString(weights) && !cJSON_IsRaw(weights))
        return abl_fail(err, ABL_USAGE,
                        "'%s' cannot be gone on with: the SHA-256 of the weights is not known",
                        place);
    if (!run_config_check(was, is, place, err))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (differs(there, now, names[i], place, err))
            return false;
    return true;
}
