#include "report/ov_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/say.h"
#include "base/sha256.h"
#include "report/config.h"

static void add_tokens(struct doc *d, cJSON *parent, const char *key, const struct ov_token *tokens,
                       size_t n)
{
    cJSON *list = doc_array(d, parent, key);
    for (size_t i = 0; i < n; i++) {
        cJSON *o = doc_object(d, list, NULL);
        doc_uint(d, o, "token_id", tokens[i].id);
        doc_text(d, o, "token", tokens[i].text);
        doc_float(d, o, "logit", tokens[i].logit);
    }
}

static void add_ends(struct doc *d, cJSON *parent, const struct ov_tokens *t)
{
    cJSON *tokens = doc_object(d, parent, "tokens");
    add_tokens(d, tokens, "top", t->top, t->n);
    add_tokens(d, tokens, "bottom", t->bottom, t->n);
}

static void add_circuit(struct doc *d, cJSON *head, const struct ov *ov, const struct ov_head *h)
{
    doc_number(d, head, "copying_score", h->copying);
    cJSON *values = doc_array(d, head, "eigenvalues");
    for (uint32_t i = 0; i < ov->d_head; i++) {
        cJSON *pair = doc_array(d, values, NULL);
        doc_number(d, pair, NULL, h->eigenvalues[i].re);
        doc_number(d, pair, NULL, h->eigenvalues[i].im);
    }
    cJSON *sources = doc_array(d, head, "sources");
    for (size_t i = 0; i < ov->n_sources; i++) {
        const struct ov_source *s = &h->sources[i];
        cJSON *o = doc_object(d, sources, NULL);
        doc_uint(d, o, "token_id", s->id);
        doc_text(d, o, "token", s->text);
        doc_number(d, o, "vector_norm", s->vector_norm);
        doc_float(d, o, "own_logit", s->own_logit);
        doc_uint(d, o, "own_rank", s->own_rank);
        add_ends(d, o, &s->tokens);
    }
}

// Of the tokens' texts, each behind the one before and ended by a NUL: reports with the same one
// share their ids.
static bool hash_vocabulary(const struct session *session, char out[SHA256_HEX],
                            struct abl_err *err)
{
    struct buf texts = { 0 };
    for (uint32_t t = 0; t < session->model->shape.n_vocab; t++) {
        buf_str(&texts, tokenizer_text(session->tokenizer, t));
        buf_char(&texts, '\0');
    }
    bool ok = !texts.failed && sha256_bytes(texts.data, texts.len, out, err);
    buf_release(&texts);
    return ok;
}

struct doc ov_report_doc(const struct session *session, const struct ov *ov)
{
    struct doc d = doc_file("ov_report", false);
    doc_text(&d, d.root, "model", session->model->name);
    doc_text(&d, d.root, "condition", session->data->name);
    doc_uint(&d, d.root, "samples", ov->n_samples);
    doc_uint(&d, d.root, "top_k", ov->top_k);
    doc_text(&d, d.root, "data_sha256", session->data->sha256);
    char vocab[SHA256_HEX];
    struct abl_err ignored;
    doc_text(&d, d.root, "vocab_sha256", hash_vocabulary(session, vocab, &ignored) ? vocab : NULL);
    doc_text(&d, d.root, "value_bias", value_bias_name(ov->value_bias));
    doc_text(&d, d.root, "compat", compat_name(session->settings.compat));
    doc_text(&d, d.root, "banner", conventions_of(session->settings.compat)->banner);
    doc_text(&d, d.root, "kind", ov_kind_name(ov->kind));
    doc_text(&d, d.root, "final_norm",
             session->model->shape.norm == NORM_LAYER
                 ? "gain applied, vectors centred over d_model, no scale, no bias"
                 : "gain applied, no scale");
    cJSON *heads = doc_array(&d, d.root, "heads");
    for (size_t i = 0; i < ov->n_heads; i++) {
        const struct ov_head *h = &ov->heads[i];
        cJSON *o = doc_object(&d, heads, NULL);
        doc_uint(&d, o, "layer", h->layer);
        doc_uint(&d, o, "head", h->head);
        doc_number(&d, o, "vector_norm", h->vector_norm);
        add_ends(&d, o, &h->tokens);
        if (ov->kind == OV_CIRCUIT)
            add_circuit(&d, o, ov, h);
        cJSON *vector = doc_array(&d, o, "vector");
        for (uint32_t k = 0; k < ov->d_model; k++)
            doc_float(&d, vector, NULL, h->vector[k]);
    }
    return d;
}

static void put_line(struct buf *out, const char *name, const struct ov_token *tokens, size_t n)
{
    buf_printf(out, "  %-6s", name);
    for (size_t i = 0; i < n; i++)
        say_into(out, "  %s %+.3f", tokens[i].text, (double)tokens[i].logit);
    buf_char(out, '\n');
}

void ov_report_text(const struct session *session, const struct ov *ov, uint32_t n, struct buf *out)
{
    say_into(out, "%s · %s · %s · %s value bias", session->model->name, session->data->name,
             ov_kind_name(ov->kind), value_bias_name(ov->value_bias));
    if (ov->kind == OV_CIRCUIT)
        say_into(out, " · mean over %zu source tokens\n", ov->n_sources);
    else
        say_into(out, " · mean over %zu rows\n", ov->n_samples);
    for (size_t i = 0; i < ov->n_heads; i++) {
        const struct ov_head *h = &ov->heads[i];
        size_t shown = h->tokens.n < n ? h->tokens.n : n;
        say_into(out, "%" PRIu32 ":%" PRIu32 "  norm %.4f", h->layer, h->head, h->vector_norm);
        if (!isnan(h->copying))
            say_into(out, "  copying %+.3f", h->copying);
        buf_char(out, '\n');
        put_line(out, "top", h->tokens.top, shown);
        put_line(out, "bottom", h->tokens.bottom, shown);
    }
}
