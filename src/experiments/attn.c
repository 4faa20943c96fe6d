#include "experiments/attn.h"

#include <math.h>

#include "base/rng.h"
#include "experiments/chosen.h"
#include "experiments/experiments.h"
#include "forward/forward.h"
#include "forward/observe.h"
#include "forward/stream.h"
#include "plan/prompt_trie.h"

const char *detector_name(size_t d)
{
    static const char *const names[N_DETECTORS] = { [DETECTOR_PREVIOUS] = "previous",
                                                    [DETECTOR_DUPLICATE] = "duplicate",
                                                    [DETECTOR_INDUCTION] = "induction" };
    return d < N_DETECTORS ? names[d] : NULL;
}

bool attn_sees(const struct model_shape *shape, uint32_t layer, uint32_t query, uint32_t key)
{
    return key <= query && query - key < stream_window(shape, layer);
}

// -------------------------------------------------------------------------------- patterns of rows

// The weights of one row by one head, from the trie's rows to [query][key].
static void copy_pattern(const struct observed *o, uint32_t prompt, uint32_t head, uint32_t n,
                         float *weights)
{
    for (uint32_t back = 0; back < n; back++) {
        uint32_t query = n - 1 - back, row = trie_node(o->trie, prompt, back);
        for (uint32_t key = 0; key <= query; key++)
            weights[(size_t)query * n + key] = observed_weight(o, row, query - key, head);
    }
}

static bool read_patterns(void *context, const struct observed *o, struct abl_err *err)
{
    (void)err;
    const struct attn *attn = context;
    for (uint32_t p = 0; p < o->trie->n_prompts; p++) {
        const struct attn_row *row = &attn->rows[o->first_prompt + p];
        for (size_t i = 0; i < row->n_patterns; i++)
            if (row->patterns[i].head.layer == o->layer)
                copy_pattern(o, p, row->patterns[i].head.head, row->n_tokens,
                             row->patterns[i].weights);
    }
    return true;
}

static bool too_many(size_t n_heads, size_t n_rows, struct abl_err *err)
{
    return abl_fail(err, ABL_USAGE,
                    "patterns of %zu heads in %zu rows are more than %d weights: name fewer with "
                    "--heads, --layers or --rows",
                    n_heads, n_rows, (int)MAX_ATTN_WEIGHTS);
}

static bool row_init(const struct session *session, const struct head_set *heads, size_t row,
                     struct attn_row *out, struct arena *a, struct abl_err *err)
{
    const struct prompt *p = &session->prompts->items[row];
    const char **tokens = arena_alloc(a, p->n_ids, sizeof *tokens);
    *out = (struct attn_row){ .row = row,
                              .n_tokens = p->n_ids,
                              .tokens = tokens,
                              .patterns = arena_alloc(a, heads->n, sizeof *out->patterns),
                              .n_patterns = heads->n };
    bool ok = tokens && out->patterns;
    for (uint32_t i = 0; ok && i < p->n_ids; i++) {
        tokens[i] = arena_strdup(a, tokenizer_text(session->tokenizer, p->ids[i]));
        ok = tokens[i] != NULL;
    }
    for (size_t i = 0; ok && i < heads->n; i++) {
        struct attn_pattern *pattern = &out->patterns[i];
        pattern->head = heads->heads[i];
        pattern->weights = arena_alloc(a, (size_t)p->n_ids * p->n_ids, sizeof *pattern->weights);
        ok = pattern->weights != NULL;
    }
    return ok || abl_no_memory(err);
}

static bool rows_init(const struct session *session, const struct head_set *heads,
                      const size_t *rows, size_t n_rows, struct attn *attn, struct arena *a,
                      struct abl_err *err)
{
    uint64_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        uint64_t n_ids = session->prompts->items[rows[i]].n_ids;
        n += n_ids * n_ids * heads->n;
        if (n > MAX_ATTN_WEIGHTS)
            return too_many(heads->n, n_rows, err);
    }
    attn->rows = arena_alloc(a, n_rows, sizeof *attn->rows);
    if (!attn->rows)
        return abl_no_memory(err);
    for (; attn->n_rows < n_rows; attn->n_rows++)
        if (!row_init(session, heads, rows[attn->n_rows], &attn->rows[attn->n_rows], a, err))
            return false;
    return true;
}

bool attn_patterns(struct session *session, const struct head_set *heads, const size_t *rows,
                   size_t n_rows, atomic_bool *cancel, struct arena *a, struct attn **out,
                   struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct attn *attn = arena_alloc(a, 1, sizeof *attn);
    struct prompt *prompts = arena_alloc(&scratch, n_rows, sizeof *prompts);
    bool ok = (attn && prompts) || abl_no_memory(err);
    struct observer o = { .sites = 1u << SITE_PATTERN,
                          .every_row = true,
                          .on_activation = read_patterns,
                          .context = attn,
                          .cancel = cancel };
    for (size_t i = 0; ok && i < n_rows; i++)
        prompts[i] = session->prompts->items[rows[i]];
    ok = ok && rows_init(session, heads, rows, n_rows, attn, a, err)
         && forward_observe_prompts(session->forward, prompts, n_rows, &o, err);
    arena_release(&scratch);
    if (ok)
        *out = attn;
    return ok;
}

// ------------------------------------------------------------------------------- of the run's rows

struct sums {
    struct attn *attn;
    uint32_t n_model_heads; // of a layer
};

static struct attn_head *head_at(const struct sums *s, uint32_t layer, uint32_t head)
{
    return &s->attn->heads[(size_t)layer * s->n_model_heads + head];
}

static double entropy_of(const struct observed *o, uint32_t row, uint32_t head)
{
    double sum = 0;
    for (uint32_t e = o->edges[row]; e < o->edges[row + 1]; e++) {
        double w = (double)o->values[(size_t)e * o->n_cols + head];
        if (w > 0)
            sum -= w * log(w);
    }
    return sum;
}

// Read-outs only: row read_of[p] is that of prompt p.
static bool add_rows(void *context, const struct observed *o, struct abl_err *err)
{
    (void)err;
    const struct sums *s = context;
    for (uint32_t p = 0; p < o->trie->n_prompts; p++) {
        uint32_t row = o->trie->read_of[p], position = o->trie->position[o->trie->reads[row]];
        for (uint32_t h = 0; h < s->n_model_heads; h++) {
            struct attn_head *head = head_at(s, o->layer, h);
            head->entropy += entropy_of(o, row, h);
            head->bos += (double)observed_weight(o, row, position, h);
        }
    }
    return true;
}

static bool score_rows(struct session *session, struct sums *s, atomic_bool *cancel,
                       struct abl_err *err)
{
    struct attn *attn = s->attn;
    struct observer o = {
        .sites = 1u << SITE_PATTERN, .on_activation = add_rows, .context = s, .cancel = cancel
    };
    if (!session_observe(session, &o, err))
        return false;
    attn->n = session->prompts->n;
    for (size_t i = 0; i < attn->n_heads; i++) {
        attn->heads[i].entropy /= (double)attn->n;
        attn->heads[i].bos /= (double)attn->n;
    }
    return true;
}

// ------------------------------------------------------------------------------ of repeated tokens

// Every id that is a token of text: not special, and not one of those that only fill the matrix up.
static bool ordinary_tokens(const struct session *session, struct arena *a, uint32_t **out,
                            uint32_t *n, struct abl_err *err)
{
    uint32_t n_vocab = session->model->shape.n_vocab;
    uint32_t *ids = arena_alloc(a, n_vocab, sizeof *ids);
    if (!ids)
        return abl_no_memory(err);
    *n = 0;
    for (uint32_t id = 0; id < n_vocab; id++)
        if (!tokenizer_is_special(session->tokenizer, id)
            && *tokenizer_text(session->tokenizer, id))
            ids[(*n)++] = id;
    *out = ids;
    return true;
}

static uint32_t n_repeated(const struct session *session, uint32_t n_tokens)
{
    uint32_t n_ctx = session->model->shape.n_ctx, bos = session->prompts->bos != TOKEN_NONE;
    uint32_t n = n_tokens < ATTN_REPEATED ? n_tokens : ATTN_REPEATED;
    if (n_ctx && n_ctx < 2 * n + bos)
        n = n_ctx > bos ? (n_ctx - bos) / 2 : 0;
    return n < 2 ? 0 : n;
}

// One prompt: `n` of the tokens, drawn without putting back (Fisher and Yates), twice over.
static bool draw_prompt(const struct session *session, struct rng *r, uint32_t *tokens,
                        uint32_t n_tokens, uint32_t n, struct arena *a, struct prompt *out)
{
    uint32_t bos = session->prompts->bos != TOKEN_NONE;
    uint32_t *ids = arena_alloc(a, 2 * (size_t)n + bos, sizeof *ids);
    if (!ids)
        return false;
    if (bos)
        ids[0] = session->prompts->bos;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i + rng_below(r, n_tokens - i), id = tokens[at];
        tokens[at] = tokens[i];
        tokens[i] = ids[bos + i] = ids[bos + n + i] = id;
    }
    *out = (struct prompt){ .ids = ids, .n_ids = 2 * n + bos };
    return true;
}

// The mean weight over the first n_queries tokens from a prompt's end to the token `back` before
// each.
static double mean_back(const struct observed *o, uint32_t prompt, uint32_t head,
                        uint32_t n_queries, uint32_t back)
{
    double sum = 0;
    for (uint32_t i = 0; i < n_queries; i++)
        sum += (double)observed_weight(o, trie_node(o->trie, prompt, i), back, head);
    return sum / n_queries;
}

static bool add_scores(void *context, const struct observed *o, struct abl_err *err)
{
    (void)err;
    const struct sums *s = context;
    uint32_t n = s->attn->n_repeated, n_prompts = s->attn->n_prompts;
    for (uint32_t p = 0; p < o->trie->n_prompts; p++)
        for (uint32_t h = 0; h < s->n_model_heads; h++) {
            double *score = head_at(s, o->layer, h)->score;
            score[DETECTOR_PREVIOUS] += mean_back(o, p, h, 2 * n - 1, 1) / n_prompts;
            score[DETECTOR_DUPLICATE] += mean_back(o, p, h, n, n) / n_prompts;
            score[DETECTOR_INDUCTION] += mean_back(o, p, h, n, n - 1) / n_prompts;
        }
    return true;
}

// The detectors' prompts: none where the model or its vocabulary is too small for them.
static bool draw_prompts(const struct session *session, struct arena *a, struct prompt **out,
                         uint32_t *n_prompts, uint32_t *repeated, struct abl_err *err)
{
    struct prompt *prompts = arena_alloc(a, ATTN_PROMPTS, sizeof *prompts);
    uint32_t *tokens = NULL, n_tokens = 0;
    struct rng r;
    rng_seed(&r, session->settings.seed);
    if (!prompts)
        return abl_no_memory(err);
    if (!ordinary_tokens(session, a, &tokens, &n_tokens, err))
        return false;
    *repeated = n_repeated(session, n_tokens);
    *n_prompts = *repeated ? ATTN_PROMPTS : 0;
    for (uint32_t i = 0; i < *n_prompts; i++)
        if (!draw_prompt(session, &r, tokens, n_tokens, *repeated, a, &prompts[i]))
            return abl_no_memory(err);
    *out = prompts;
    return true;
}

static bool score_repeated(struct session *session, struct sums *s, atomic_bool *cancel,
                           struct abl_err *err)
{
    struct arena scratch = { 0 };
    struct attn *attn = s->attn;
    struct prompt *prompts = NULL;
    bool ok = draw_prompts(session, &scratch, &prompts, &attn->n_prompts, &attn->n_repeated, err);
    for (size_t i = 0; ok && i < attn->n_heads && !attn->n_prompts; i++)
        for (int d = 0; d < N_DETECTORS; d++)
            attn->heads[i].score[d] = NAN;
    struct observer o = { .sites = 1u << SITE_PATTERN,
                          .every_row = true,
                          .on_activation = add_scores,
                          .over = "random tokens",
                          .context = s,
                          .cancel = cancel };
    ok = ok && forward_observe_prompts(session->forward, prompts, attn->n_prompts, &o, err);
    arena_release(&scratch);
    return ok;
}

bool attn_make(struct session *session, const struct head_set *heads, const size_t *rows,
               size_t n_rows, atomic_bool *cancel, struct arena *a, struct attn **out,
               struct abl_err *err)
{
    const struct model_shape *shape = &session->model->shape;
    struct attn *attn;
    if (!attn_patterns(session, heads, rows, n_rows, cancel, a, &attn, err))
        return false;
    struct sums s = { attn, shape->n_heads };
    attn->n_heads = (size_t)shape->n_layers * shape->n_heads;
    attn->heads = arena_alloc(a, attn->n_heads, sizeof *attn->heads);
    if (!attn->heads)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < attn->n_heads; i++)
        attn->heads[i].head = (struct head){ i / shape->n_heads, i % shape->n_heads };
    if (!score_rows(session, &s, cancel, err) || !score_repeated(session, &s, cancel, err))
        return false;
    *out = attn;
    return true;
}

// -------------------------------------------------------------------------------------- experiment

// Rows whose patterns are kept: every one where heads are named, else the first.
static size_t n_pattern_rows(const struct session *session)
{
    return session->settings.heads || session->settings.layers ? session->prompts->n : 1;
}

// Scores of every head, patterns of the heads that --heads and --layers choose in every row; where
// they choose none, of every head in the first row.
static bool read_attn(struct session *session, const struct results *t, atomic_bool *cancel,
                      struct readings *out, struct abl_err *err)
{
    (void)t;
    struct arena scratch = { 0 };
    struct head_set heads;
    size_t n = n_pattern_rows(session);
    size_t *rows = arena_alloc(&scratch, n, sizeof *rows);
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = i;
    bool ok = (rows || abl_no_memory(err)) && chosen_heads(session, &scratch, &heads, err)
              && attn_make(session, &heads, rows, n, cancel, &out->arena, &out->attn, err);
    arena_release(&scratch);
    return ok;
}

static bool observe_attn(const struct session *session, struct observations *out,
                         struct abl_err *err)
{
    const struct prompts *p = session->prompts;
    struct prompt *repeated;
    uint32_t n, ignored;
    struct observation patterns
        = { .prompts = p->items, .n = n_pattern_rows(session), .every_row = true };
    if (!observations_add(out, patterns, err)
        || !observations_add(out, (struct observation){ .prompts = p->items, .n = p->n }, err)
        || !draw_prompts(session, &out->arena, &repeated, &n, &ignored, err))
        return false;
    return observations_add(
        out, (struct observation){ .prompts = repeated, .n = n, .every_row = true }, err);
}

const struct experiment experiment_attn = {
    .name = "attn",
    .about = "where heads look, and what for",
    .help = "where heads look, with detectors on random tokens, and patterns of --heads or "
            "--layers in every row, else of every head in the first",
    .options = READS_HEADS,
    .traits = NAMES_MATTER,
    .list = chosen_list_none,
    .observe = observe_attn,
    .read = read_attn,
};
