#include "ui/said.h"

#include <stdio.h>

#include "plan/head_set.h"
#include "session/continue.h"

bool said_same_ask(const struct said_ask *a, const struct said_ask *b)
{
    return a->row == b->row && a->run == b->run && ablation_same(&a->how, &b->how)
           && marks_same(&a->heads, &b->heads);
}

struct listener {
    struct said *said;
    const struct tokenizer *tokenizer;
    void (*told)(void *context, const struct said *so_far);
    void *context;
};

static void hear(void *context, const struct said_step *step)
{
    struct listener *l = context;
    struct said *s = l->said;
    struct said_line *line = &s->lines[s->n++];
    for (int t = 0; t < SAID_TEXTS; t++) {
        const struct said_token *token = &step->texts[t];
        struct said_word *word = &line->texts[t];
        *word = (struct said_word){ .there = token->there,
                                    .prob = token->prob,
                                    .prob_other = token->prob_other };
        snprintf(word->token, sizeof word->token, "%s", tokenizer_text(l->tokenizer, token->id));
    }
    line->changed = step->changed;
    s->n_changed += step->changed;
    l->told(l->context, s);
}

static const char *text_of(const struct session *session, size_t row, bool corrupt)
{
    const struct dataset_row *r = session->prompts->items[row].row;
    return corrupt ? r->corrupt : r->clean;
}

// What resampled and patched heads take from: the row's own donor, as in the run.
static const char *donor_of(const struct session *session, size_t row, const struct ablation *how)
{
    const struct prompts *p = session->prompts;
    const uint32_t *drawn = session->donors.maps[DONOR_MAP_RESAMPLED];
    if (ablation_needs(how->kind) == NEEDS_OTHER)
        return text_of(session, row, !settings_run_corrupt(&session->settings));
    return drawn && drawn[row] < p->n
               ? text_of(session, drawn[row], settings_run_corrupt(&session->settings))
               : NULL;
}

// As many tokens as the context has room for.
static uint32_t room_behind(const struct session *session, size_t row)
{
    uint32_t n_ctx = session->model->shape.n_ctx, n = session->prompts->items[row].n_ids;
    return n_ctx && n_ctx - n < MAX_SAID ? n_ctx - n : MAX_SAID;
}

bool said_make(struct session *session, const struct said_ask *ask, atomic_bool *cancel,
               void (*told)(void *context, const struct said *so_far), void *context,
               struct said *out)
{
    struct arena a = { 0 };
    struct abl_err err = { 0 };
    struct marks marks = ask->heads;
    struct head_set named = { marks.items, marks.n }, heads = named;
    struct listener l = { out, session->tokenizer, told, context };
    *out = (struct said){ .ask = *ask };
    bool ok = !ask->heads.keep_only
              || head_set_part(&named, false, &session->model->shape, &a, &heads, &err);
    struct say_request r
        = { .prompt = text_of(session, ask->row, settings_run_corrupt(&session->settings)),
            .donor = donor_of(session, ask->row, &ask->how),
            .heads = heads.n ? &heads : NULL,
            .how = ask->how,
            .n_tokens = room_behind(session, ask->row) };
    ok = ok && session_say(session, &r, cancel, hear, &l, &err);
    arena_release(&a);
    out->whole = ok;
    if (!ok && err.code != ABL_INTERRUPTED)
        out->why = err;
    return ok || err.code != ABL_INTERRUPTED;
}
