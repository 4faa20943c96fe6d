#include "session/ranked_foils.h"

#include <stdlib.h>

#include "forward/forward_parts.h"
#include "forward/prompt_block.h"
#include "forward/read_back.h"
#include "forward/weights.h"

enum { ROWS = 16 }; // whose logits are on the host at once

struct ranking {
    const struct ranking_request *q;
    uint32_t *ids;      // (K) of the row at hand
    const char **texts; // (K)
};

// Put an id into a list of those with the highest logits, best first; ids come ascending.
static void insert(uint32_t *ids, uint32_t *n, uint32_t most, const float *logits, uint32_t id)
{
    if (*n == most && !(logits[id] > logits[ids[most - 1]]))
        return;
    uint32_t at = *n < most ? (*n)++ : most - 1;
    for (; at > 0 && logits[id] > logits[ids[at - 1]]; at--)
        ids[at] = ids[at - 1];
    ids[at] = id;
}

static bool rank_row(const struct ranking *r, size_t row, const float *logits, struct abl_err *err)
{
    struct prompts *p = r->q->prompts;
    struct id_list targets = prompt_targets(&p->items[row]);
    uint32_t n = 0;
    for (uint32_t id = 0; id < r->q->shape->n_vocab; id++)
        if (!id_list_has(targets, id))
            insert(r->ids, &n, r->q->n_foils, logits, id);
    for (uint32_t i = 0; i < n; i++)
        r->texts[i] = tokenizer_text(r->q->tokenizer, r->ids[i]);
    return foils_set(p, row, r->ids, r->texts, n, r->q->answers, err);
}

// The prompts that end in a read-out.
static bool rank_rows(const struct ranking *r, const struct block *b, uint32_t read,
                      const float *logits, struct abl_err *err)
{
    const struct prompts *p = r->q->prompts;
    for (uint32_t i = 0; i < b->trie.n_prompts; i++)
        if (b->trie.read_of[i] == read && foil_is_missing(&p->items[b->first + i])
            && !rank_row(r, b->first + i, logits, err))
            return false;
    return true;
}

static bool rank_block(void *context, const struct block *b, enum pass_kind kind,
                       struct tensor states, struct abl_err *err)
{
    (void)kind;
    struct ranking *r = context;
    struct engine *e = b->weights->s.engine;
    uint32_t n = b->trie.n_reads, n_vocab = r->q->shape->n_vocab;
    struct epilogue plain = { 0 };
    struct tensor logits = { 0 };
    float *host = malloc(ROWS * (size_t)n_vocab * sizeof *host);
    bool ok = (host || abl_no_memory(err)) && e->ops->alloc(e, ROWS, n_vocab, &logits, err);
    for (uint32_t at = 0; ok && at < n; at += ROWS) {
        uint32_t m = n - at < ROWS ? n - at : ROWS;
        struct tensor rows = tensor_rows(logits, 0, m);
        ok = e->ops->linear(e, rows, tensor_rows(states, at, m), b->weights->unembed, &plain, err)
             && read_back(e, rows, host, "logits", err);
        for (uint32_t i = 0; ok && i < m; i++)
            ok = rank_rows(r, b, at + i, host + (size_t)i * n_vocab, err);
    }
    if (logits.buffer)
        e->ops->release(e, &logits);
    free(host);
    return ok;
}

// The clean prompts, whichever are going to be run, with a foil that says nothing.
static void take_clean(const struct ranking_request *q, struct prompt *out)
{
    const struct prompts *p = q->prompts;
    for (size_t i = 0; i < p->n; i++) {
        out[i] = p->items[i];
        out[i].foil = out[i].target;
        out[i].lists = NULL;
        if (!q->corrupt)
            continue;
        out[i].ids = p->items[i].corrupt_ids;
        out[i].n_ids = p->items[i].n_corrupt_ids;
    }
}

bool ranked_foils_observe(const struct ranking_request *q, struct observations *out,
                          struct abl_err *err)
{
    size_t n = q->prompts->n;
    struct prompt *prompts = arena_alloc(&out->arena, n, sizeof *prompts);
    // the read-out, and logits
    struct observed_product unembed = { 2 * n, q->shape->d_model, q->shape->n_vocab };
    if (!prompts)
        return abl_no_memory(err);
    take_clean(q, prompts);
    return observations_add(out, (struct observation){ .prompts = prompts, .n = n }, err)
           && observations_add_product(out, unembed, err);
}

bool ranked_foils_find(const struct ranking_request *q, const struct forward_settings *settings,
                       struct forward **out, struct abl_err *err)
{
    size_t n = q->prompts->n;
    struct prompt *prompts = calloc(n, sizeof *prompts);
    struct row_stats *ignored = calloc(n, sizeof *ignored);
    struct ranking r = { .q = q,
                         .ids = calloc(q->n_foils, sizeof *r.ids),
                         .texts = calloc(q->n_foils, sizeof *r.texts) };
    struct final_tap tap = { .kinds = 1u << PASS_INTACT, .on_intact = rank_block, .context = &r };
    struct forward_settings f = *settings;
    f.prompts = prompts;
    f.tap = &tap;
    f.other = (struct prompt_list){ 0 };
    bool ok = (prompts && ignored && r.ids && r.texts) || abl_no_memory(err);
    if (ok) {
        take_clean(q, prompts);
        ok = forward_open(&f, ignored, out, err);
    }
    free(prompts);
    free(ignored);
    free(r.ids);
    free(r.texts);
    return ok;
}
