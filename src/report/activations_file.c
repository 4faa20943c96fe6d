#include "report/activations_file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "experiments/saved.h"
#include "report/config.h"
#include "report/doc.h"
#include "report/provenance.h"

static const char file_name[] = "artifacts/activations.safetensors";

// ---------------------------------------------------------------------------------------- metadata

// All of it is texts: what is more goes in as JSON.
static void add_json(struct doc *d, cJSON *to, const char *key, cJSON *value)
{
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    d->failed |= !text;
    doc_text(d, to, key, text);
    cJSON_free(text);
    cJSON_Delete(value);
}

static cJSON *list_rows(struct doc *d, const struct session *session)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < session->prompts->n; i++) {
        const struct dataset_row *row = session->prompts->items[i].row;
        cJSON *o = doc_object(d, list, NULL);
        doc_uint(d, o, "row", row_number(row));
        doc_uint(d, o, "line", row->line);
        doc_text(d, o, "id", row->id);
    }
    return list;
}

static cJSON *list_positions(struct doc *d, const struct saved *saved)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < saved->n_positions; i++)
        doc_text(d, list, NULL, saved->positions[i].name);
    return list;
}

static cJSON *list_layers(struct doc *d, const struct saved *saved)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < saved->n_layers; i++)
        doc_uint(d, list, NULL, saved->layers[i]);
    return list;
}

// What a tensor's dimensions are.
static cJSON *list_axes(struct doc *d, const struct saved *saved)
{
    cJSON *all = cJSON_CreateObject();
    for (size_t k = 0; k < saved->n_sites; k++) {
        const struct saved_site *site = &saved->sites[k];
        cJSON *list = doc_array(d, all, site_name(site->site));
        doc_text(d, list, NULL, "layer");
        doc_text(d, list, NULL, "token");
        if (site->n_dims == SAVED_DIMS)
            doc_text(d, list, NULL, "head");
        doc_text(d, list, NULL,
                 site->site == SITE_PATTERN   ? "key"
                 : site->n_dims == SAVED_DIMS ? "d_head"
                                              : "d_model");
    }
    return all;
}

static bool add_metadata(struct doc *d, const struct report *r, const char *model_sha256,
                         struct abl_err *err)
{
    const struct session *session = r->session;
    const struct saved *saved = r->readings->saved;
    uint32_t bos = session->prompts->bos;
    cJSON *o = doc_object(d, d->root, "__metadata__");
    struct buf config = { 0 };
    bool ok = config_write(session, r->settings, model_sha256, r->interrupted, &config, err);
    doc_text(d, o, "schema", "abltui.activations/1");
    doc_text(d, o, "version", abl_version);
    doc_text(d, o, "model", session->model->name);
    doc_text(d, o, "model_sha256", model_sha256);
    doc_text(d, o, "data", session->data->name);
    doc_text(d, o, "data_sha256", session->data->sha256);
    doc_text(d, o, "tokenizer_sha256", tokenizer_sha256(session->tokenizer));
    doc_text(d, o, "bos", bos == TOKEN_NONE ? "" : tokenizer_text(session->tokenizer, bos));
    doc_text(d, o, "prompts", settings_run_corrupt(&session->settings) ? "corrupt" : "clean");
    add_json(d, o, "axes", list_axes(d, saved));
    add_json(d, o, "layers", list_layers(d, saved));
    add_json(d, o, "positions", list_positions(d, saved));
    add_json(d, o, "rows", list_rows(d, session));
    doc_text(d, o, "config", config.data);
    buf_release(&config);
    return ok;
}

// ------------------------------------------------------------------------------------------ header

static uint64_t add_tensor(struct doc *d, const char *name, const char *dtype, size_t size,
                           const size_t *dims, size_t n_dims, uint64_t begin)
{
    cJSON *o = doc_object(d, d->root, name);
    uint64_t end = size;
    doc_text(d, o, "dtype", dtype);
    cJSON *shape = doc_array(d, o, "shape");
    for (size_t i = 0; i < n_dims; i++) {
        doc_uint(d, shape, NULL, dims[i]);
        end *= dims[i];
    }
    end += begin;
    cJSON *range = doc_array(d, o, "data_offsets");
    doc_uint(d, range, NULL, begin);
    doc_uint(d, range, NULL, end);
    return end;
}

// What a token is, beside its activations.
static const char *const columns[] = { "row", "position", "token_id", "asked" };
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static int64_t column_of(const struct session *session, const struct saved_token *t, size_t column)
{
    const struct prompt *p = &session->prompts->items[t->row];
    const int64_t values[N_COLUMNS]
        = { row_number(p->row), t->position, p->ids[t->position], t->asked };
    return values[column];
}

// The lowest byte first.
static void put_bytes(struct buf *out, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_char(out, (char)(value >> 8 * i & 0xff));
}

// The length and the header, with spaces behind it so that the data begin at a multiple of eight.
static bool put_header(struct buf *out, const struct report *r, const char *model_sha256,
                       struct abl_err *err)
{
    const struct saved *saved = r->readings->saved;
    struct doc d = doc_new();
    struct buf json = { 0 };
    uint64_t at = 0;
    bool ok = add_metadata(&d, r, model_sha256, err);
    for (size_t i = 0; i < N_COLUMNS; i++)
        at = add_tensor(&d, columns[i], "I64", sizeof(int64_t), &saved->n_tokens, 1, at);
    for (size_t k = 0; k < saved->n_sites; k++) {
        const struct saved_site *s = &saved->sites[k];
        at = add_tensor(&d, site_name(s->site), "F32", sizeof(float), s->dims, s->n_dims, at);
    }
    ok = ok && doc_print(&d, DOC_COMPACT, &json, err);
    while (json.len % 8)
        buf_char(&json, ' ');
    put_bytes(out, json.len, 8);
    buf_add(out, json.data, json.len);
    ok = ok && (!(json.failed || out->failed) || abl_no_memory(err));
    buf_release(&json);
    doc_release(&d);
    return ok;
}

// -------------------------------------------------------------------------------------------- data

static void put_columns(struct rundir_pieces *file, const struct report *r, struct buf *scratch)
{
    const struct saved *saved = r->readings->saved;
    for (size_t column = 0; column < N_COLUMNS; column++) {
        scratch->len = 0;
        for (size_t i = 0; i < saved->n_tokens; i++)
            put_bytes(scratch, (uint64_t)column_of(r->session, &saved->tokens[i], column), 8);
        rundir_put(file, scratch);
    }
}

static void put_values(struct rundir_pieces *file, const struct saved_site *s, struct buf *scratch)
{
    enum { PIECE = 1 << 16 };
    size_t n = 1;
    for (size_t i = 0; i < s->n_dims; i++)
        n *= s->dims[i];
    for (size_t at = 0; at < n; at += PIECE) {
        scratch->len = 0;
        for (size_t i = at; i < n && i < at + PIECE; i++) {
            uint32_t bits;
            memcpy(&bits, &s->values[i], sizeof bits);
            put_bytes(scratch, bits, sizeof bits);
        }
        rundir_put(file, scratch);
    }
}

bool activations_file_add(struct rundir *dir, const struct report *r,
                          const char model_sha256[SHA256_HEX], struct abl_err *err)
{
    const struct saved *saved = r->readings ? r->readings->saved : NULL;
    struct buf scratch = { 0 };
    if (!saved)
        return true;
    bool ok = put_header(&scratch, r, model_sha256, err);
    struct rundir_pieces *file = ok ? rundir_begin(dir, file_name, err) : NULL;
    if (file) {
        rundir_put(file, &scratch);
        put_columns(file, r, &scratch);
        for (size_t k = 0; k < saved->n_sites; k++)
            put_values(file, &saved->sites[k], &scratch);
        ok = rundir_end(file, err);
    }
    buf_release(&scratch);
    return ok && file;
}
