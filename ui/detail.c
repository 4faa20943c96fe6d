#include "ui/detail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/estimates.h"

enum { SHOWN_TOKENS = 60 };

void detail_free(struct detail *d)
{
    if (!d)
        return;
    arena_release(&d->arena);
    free(d);
}

bool detail_same_ask(const struct detail_ask *a, const struct detail_ask *b)
{
    return a->head.layer == b->head.layer && a->head.head == b->head.head && a->row == b->row
           && a->ov_kind == b->ov_kind && ablation_same(&a->how, &b->how) && a->run == b->run
           && a->complete == b->complete && a->parts == b->parts;
}

// The finished variant that ablates this head alone in this way, NO_VARIANT where there is none.
static size_t variant_of(const struct results *t, struct head h, const struct ablation *how)
{
    size_t v = t ? variants_find_heads(t->variants, &h, 1, how) : NO_VARIANT;
    return v != NO_VARIANT && results_is_effect(t, v) ? v : NO_VARIANT;
}

// " Paris", or " Mary| John" of several; NULL when memory is out.
static const char *answer_text(const struct session *session, struct id_list list, struct arena *a)
{
    const char *text = arena_strdup(a, tokenizer_text(session->tokenizer, list.ids[0]));
    for (uint32_t i = 1; text && i < list.n; i++)
        text = arena_printf(a, "%s|%s", text, tokenizer_text(session->tokenizer, list.ids[i]));
    return text;
}

static bool fill_rows(struct session *session, const struct results *t, enum metric m,
                      struct detail *d, struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    struct measured_rows measured = session_measured_rows(session);
    size_t variant = variant_of(t, d->ask.head, &d->ask.how);
    bool corrupt = settings_run_corrupt(&session->settings);
    d->rows = arena_alloc(&d->arena, p->n, sizeof *d->rows);
    if (!d->rows)
        return abl_no_memory(err);
    d->n_rows = p->n;
    for (size_t i = 0; i < p->n; i++) {
        const struct prompt *prompt = &p->items[i];
        d->rows[i] = (struct detail_row){
            .number = row_number(prompt->row),
            .prompt = arena_strdup(&d->arena, corrupt ? prompt->row->corrupt : prompt->row->clean),
            .target = answer_text(session, prompt_targets(prompt), &d->arena),
            .foil = answer_text(session, prompt_foils(prompt), &d->arena),
            .intact = metric_value(m, &session->intact[i], &session->intact[i]),
            .delta = variant == NO_VARIANT ? NAN : row_delta(&measured, t, variant, i, m)
        };
        if (!d->rows[i].prompt || !d->rows[i].target || !d->rows[i].foil)
            return abl_no_memory(err);
    }
    return true;
}

static bool fill_ov(struct session *session, struct detail *d, atomic_bool *cancel,
                    struct abl_err *err)
{
    struct head_set one = { &d->ask.head, 1 };
    struct ov *ov;
    uint32_t *sources = NULL;
    struct ov_request q = { .kind = d->ask.ov_kind, .heads = &one, .top_k = SHOWN_TOKENS };
    bool ok = q.kind != OV_CIRCUIT
              || ov_circuit_sources(session, &d->arena, &sources, &q.n_sources, err);
    q.sources = sources;
    ok = ok && ov_make(session, &q, cancel, &d->arena, &ov, err);
    if (ok)
        d->ov = ov;
    else if (err->code != ABL_INTERRUPTED)
        snprintf(d->error, sizeof d->error, "%.255s", err->text);
    return ok || err->code != ABL_INTERRUPTED;
}

static bool fill_attn(struct session *session, struct detail *d, atomic_bool *cancel,
                      struct abl_err *err)
{
    struct head_set one = { &d->ask.head, 1 };
    struct attn *attn;
    if (d->ask.row >= session->prompts->n)
        return true;
    bool ok = attn_patterns(session, &one, &d->ask.row, 1, cancel, &d->arena, &attn, err);
    if (ok)
        d->attn = attn;
    return ok || err->code != ABL_INTERRUPTED;
}

bool detail_add(struct session *session, unsigned parts, struct detail *d, atomic_bool *cancel,
                struct abl_err *err)
{
    return (!(parts & DETAIL_OV) || fill_ov(session, d, cancel, err))
           && (!(parts & DETAIL_ATTN) || fill_attn(session, d, cancel, err));
}

bool detail_make(struct session *session, const struct results *t, const struct detail_ask *ask,
                 enum metric metric, atomic_bool *cancel, struct detail **out, struct abl_err *err)
{
    struct detail *d = calloc(1, sizeof *d);
    if (!d)
        return abl_no_memory(err);
    d->ask = *ask;
    if (!fill_rows(session, t, metric, d, err)
        || !detail_add(session, ask->parts, d, cancel, err)) {
        detail_free(d);
        return false;
    }
    *out = d;
    return true;
}
