#include "session/tinylab_kl.h"

#include <math.h>
#include <stdlib.h>

#include "forward/prompt_block.h"
#include "forward/read_back.h"
#include "plan/plan.h"

enum { ROWS = 16 }; // whose logits are on the host at once

static const double least = 1e-8;

void tinylab_kl_free(struct tinylab_kl *k)
{
    if (k)
        free(k->base);
    free(k);
}

static double log_sum_exp(const float *x, uint32_t n)
{
    double most = x[0], sum = 0;
    for (uint32_t i = 1; i < n; i++)
        most = x[i] > most ? x[i] : most;
    for (uint32_t i = 0; i < n; i++)
        sum += exp(x[i] - most);
    return most + log(sum);
}

static double divergence(const float *base, const float *logits, uint32_t n)
{
    double lse = log_sum_exp(logits, n), sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        double p = exp(base[i]);
        bool raised = p < least;
        sum += (raised ? least : p) * ((raised ? log(least) : base[i]) - (logits[i] - lse));
    }
    return sum;
}

// A pass over the logits of every row of `states`; see is called for each prompt that reads a row.
struct walk {
    const struct tinylab_kl *k;
    struct tinylab_kl *keep; // the same, while it is filled
    const struct block *b;
    double *const *out;
};

static void see(const struct walk *w, uint32_t row, const float *logits)
{
    const struct trie *t = &w->b->trie;
    uint32_t copy = row / t->n_reads, read = row % t->n_reads, n = w->k->n_vocab;
    for (uint32_t p = 0; p < t->n_prompts; p++) {
        size_t prompt = w->b->first + p;
        if (t->read_of[p] != read)
            continue;
        if (!w->keep) {
            w->out[copy][prompt] = divergence(w->k->base + prompt * n, logits, n);
            continue;
        }
        double lse = log_sum_exp(logits, n);
        for (uint32_t i = 0; i < n; i++)
            w->keep->base[prompt * n + i] = (float)(logits[i] - lse);
    }
}

static bool walk_rows(const struct walk *w, struct tensor states, uint32_t copies,
                      struct abl_err *err)
{
    struct engine *e = w->b->weights->s.engine;
    uint32_t n = copies * w->b->trie.n_reads, n_vocab = w->k->n_vocab;
    struct epilogue plain = { 0 };
    struct tensor logits = { 0 };
    float *host = malloc(ROWS * (size_t)n_vocab * sizeof *host);
    bool ok = (host || abl_no_memory(err)) && e->ops->alloc(e, ROWS, n_vocab, &logits, err);
    for (uint32_t at = 0; ok && at < n; at += ROWS) {
        uint32_t m = n - at < ROWS ? n - at : ROWS;
        struct tensor rows = tensor_rows(logits, 0, m);
        ok = e->ops->linear(e, rows, tensor_rows(states, at, m), w->b->weights->unembed, &plain,
                            err)
             && read_back(e, rows, host, "logits", err);
        for (uint32_t i = 0; ok && i < m; i++)
            see(w, at + i, host + (size_t)i * n_vocab);
    }
    if (logits.buffer)
        e->ops->release(e, &logits);
    free(host);
    return ok;
}

static bool keep(void *context, const struct block *b, struct tensor states, struct abl_err *err)
{
    struct tinylab_kl *k = context;
    struct walk w = { .k = k, .keep = k, .b = b };
    return walk_rows(&w, states, 1, err);
}

static bool read(void *context, const struct block *b, struct tensor states, const size_t *numbers,
                 uint32_t n, struct abl_err *err)
{
    struct tinylab_kl *k = context;
    double *out[MAX_COPIES];
    for (uint32_t i = 0; k->kl && i < n; i++)
        out[i] = k->kl + numbers[i] * k->n_prompts;
    struct walk w = { .k = k, .b = b, .out = out };
    return !k->kl || walk_rows(&w, states, n, err);
}

unsigned tinylab_kl_kinds(bool of_other)
{
    return 1u << PASS_VARIANTS | 1u << (of_other ? PASS_OTHER : PASS_INTACT);
}

bool tinylab_kl_new(size_t n_prompts, uint32_t n_vocab, bool of_other, struct tinylab_kl **out,
                    struct abl_err *err)
{
    struct tinylab_kl *k = calloc(1, sizeof *k);
    if (!k)
        return abl_no_memory(err);
    *k = (struct tinylab_kl){ .n_prompts = n_prompts,
                              .n_vocab = n_vocab,
                              .tap = { tinylab_kl_kinds(of_other), keep, read, k } };
    k->base = calloc(n_prompts * n_vocab, sizeof *k->base);
    if (!k->base) {
        tinylab_kl_free(k);
        return abl_no_memory(err);
    }
    *out = k;
    return true;
}
