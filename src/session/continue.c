#include "session/continue.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "forward/continuation.h"
#include "text/text_prompts.h"

struct saying {
    struct session *session;
    const struct say_request *r;
    atomic_bool *cancel;
    void (*told)(void *context, const struct said_step *step);
    void *context;
    struct token_ids ids, donor_ids;
    struct variants variants; // of the ablation, none without heads
    struct continuation *c;
    uint32_t n_texts;
    uint32_t *order; // (n_vocab)
    struct rng rng;
};

// ------------------------------------------------------------------------------------- the request

static bool encode(struct saying *s, const char *text, struct token_ids *out, struct abl_err *err)
{
    const struct session *session = s->session;
    if (!text_prompt_ids(session->tokenizer, session->prompts->bos, text, out, err))
        return false;
    for (size_t i = 0; i < out->n; i++)
        if (out->ids[i] >= session->model->shape.n_vocab)
            return abl_fail(err, ABL_BAD_DATA, "'%s' has token %u, where the model knows %u", text,
                            out->ids[i], session->model->shape.n_vocab);
    return true;
}

static bool fits(const struct saying *s, const struct token_ids *ids, uint32_t more,
                 struct abl_err *err)
{
    uint32_t n_ctx = s->session->model->shape.n_ctx;
    return !n_ctx || ids->n + more <= n_ctx
           || abl_fail(err, ABL_USAGE,
                       "the prompt has %zu tokens and %u are to follow: the model takes %u in all",
                       ids->n, more, n_ctx);
}

static bool make_variant(struct saying *s, struct abl_err *err)
{
    struct ablation how = s->r->how;
    enum ablation_needs needs = ablation_needs(how.kind);
    how.donor = how.n_donors = 0;
    if (!s->r->heads)
        return true;
    if ((needs == NEEDS_RESAMPLED || needs == NEEDS_OTHER)
        && (!s->r->donor || !encode(s, s->r->donor, &s->donor_ids, err)))
        return s->r->donor ? false
                           : abl_fail(err, ABL_USAGE,
                                      "ablation %s needs another text to take from: --donor TEXT",
                                      ablation_kind_name(how.kind));
    return fits(s, &s->donor_ids, 0, err) && variants_init(&s->variants, 1, err)
           && variants_add_set(&s->variants, s->r->heads, how, ROLE_SET, NO_VARIANT, NULL, err);
}

static bool open_continuation(struct saying *s, struct abl_err *err)
{
    struct prompt prompt = { .ids = s->ids.ids, .n_ids = (uint32_t)s->ids.n };
    struct prompt donor = { .ids = s->donor_ids.ids, .n_ids = (uint32_t)s->donor_ids.n };
    struct continuation_settings settings = { .forward = s->session->forward,
                                              .prompt = &prompt,
                                              .variant = s->variants.items,
                                              .donor = donor.n_ids ? &donor : NULL,
                                              .n_tokens = s->r->n_tokens,
                                              .cancel = s->cancel };
    s->n_texts = s->r->heads ? SAID_TEXTS : 1;
    return continuation_open(&settings, &s->c, err);
}

// --------------------------------------------------------------------------------------- the texts

static double probability(const struct saying *s, uint32_t text, uint32_t id)
{
    uint32_t n_vocab = s->session->model->shape.n_vocab;
    if (text >= s->n_texts)
        return NAN;
    const float *logits = continuation_logits(s->c) + (size_t)text * n_vocab;
    return exp(logits[id] - token_lse(logits, n_vocab));
}

// Both texts are drawn by the same number, so that they part by what is ablated and not by chance.
static struct said_step choose(struct saying *s, const bool *ended)
{
    uint32_t n_vocab = s->session->model->shape.n_vocab;
    double draw = (double)(rng_next(&s->rng) >> 11) * 0x1p-53;
    struct said_step step = { 0 };
    for (uint32_t t = 0; t < s->n_texts; t++) {
        const float *logits = continuation_logits(s->c) + (size_t)t * n_vocab;
        uint32_t other = SAID_TEXTS - 1 - t;
        struct said_token *token = &step.texts[t];
        token->id = token_pick(&s->r->choice, logits, n_vocab, draw, s->order);
        token->there = !ended[t];
        token->prob = probability(s, t, token->id);
        token->prob_other
            = other < s->n_texts && !ended[other] ? probability(s, other, token->id) : NAN;
    }
    const struct said_token *both = step.texts;
    step.changed = both[0].there && both[1].there && both[0].id != both[1].id;
    return step;
}

static bool go_on(struct saying *s, struct abl_err *err)
{
    const struct tokenizer *tokenizer = s->session->tokenizer;
    bool ended[SAID_TEXTS] = { false, s->n_texts < SAID_TEXTS };
    for (uint32_t i = 0; i < s->r->n_tokens; i++) {
        struct said_step step = choose(s, ended);
        uint32_t ids[SAID_TEXTS];
        s->told(s->context, &step);
        for (int t = 0; t < SAID_TEXTS; t++) {
            ids[t] = step.texts[t].id;
            ended[t] |= !s->r->past_end && tokenizer_is_special(tokenizer, ids[t]);
        }
        if (ended[0] && ended[1])
            return true;
        if (i + 1 < s->r->n_tokens && !continuation_add(s->c, ids, err))
            return false;
    }
    return true;
}

bool session_say(struct session *session, const struct say_request *r, atomic_bool *cancel,
                 void (*told)(void *context, const struct said_step *step), void *context,
                 struct abl_err *err)
{
    struct saying s
        = { .session = session, .r = r, .cancel = cancel, .told = told, .context = context };
    rng_seed(&s.rng, r->choice.seed);
    s.order = calloc(session->model->shape.n_vocab, sizeof *s.order);
    bool ok = (s.order || abl_no_memory(err)) && encode(&s, r->prompt, &s.ids, err)
              && fits(&s, &s.ids, r->n_tokens, err) && make_variant(&s, err)
              && open_continuation(&s, err) && go_on(&s, err);
    continuation_free(s.c);
    variants_release(&s.variants);
    token_ids_release(&s.ids);
    token_ids_release(&s.donor_ids);
    free(s.order);
    return ok;
}
