// Logits and what is asked of them, in blocks of rows that stay in memory only as long.
#include <assert.h>
#include <stdlib.h>

#include "base/size.h"
#include "engine/cpu_parts.h"

enum { LOGITS_BYTES = 32 << 20, LOGITS_ROWS = 512 }; // more rows make no product faster

// Memory of a read-out: logits of rows, then those of base rows, then what these weigh; what is
// known of base rows.
struct reading {
    struct cpu_engine *engine;
    const float *bias; // of the logits; NULL: none
    float cap;         // 0: none
    float *logits;     // the engine's
    struct cpu_base_row *base;
    size_t fit; // rows of logits
};

// Rows of logits of x.
static bool multiply(const struct reading *r, struct rows l, struct tensor x,
                     const struct weight *w, struct abl_err *err)
{
    if (!cpu_multiply(r->engine, l, rows_of(x), w, r->bias, r->bias ? PRODUCT_BIAS : 0, err))
        return false;
#pragma omp parallel for if (r->cap > 0)
    for (uint32_t i = 0; i < l.n; i++)
        if (r->cap > 0)
            loop_cap(l.data + i * l.stride, l.cols, r->cap);
    return true;
}

static bool read_base(struct reading *r, struct tensor base, const struct weight *w, size_t n_rows,
                      struct abl_err *err)
{
    struct rows l = { r->logits + n_rows * w->n, base.rows, w->n, w->n };
    struct rows p = { l.data + (size_t)base.rows * w->n, base.rows, w->n, w->n };
    if (!multiply(r, l, base, w, err))
        return false;
    cpu_base_rows(l, p, r->base);
    return true;
}

// Asks that are answered together, of rows beside each other.
struct ask_block {
    const struct readout_ask *asks;
    uint32_t n;
};

static uint32_t block_rows(const struct ask_block *b)
{
    return b->asks[b->n - 1].row - b->asks[0].row + 1;
}

static uint32_t block_bases(const struct ask_block *b)
{
    return b->asks[b->n - 1].base - b->asks[0].base + 1;
}

// Rows of logits that a block needs; a base row's are followed by their weights.
static size_t logit_rows(const struct ask_block *b, bool with_base)
{
    return block_rows(b) + (with_base ? 2 * (size_t)block_bases(b) : 0);
}

// Logits of some rows of x and of the base rows that they are compared with, reduced at once.
static bool readout_block(struct reading *r, struct tensor x, const struct weight *w,
                          struct tensor base, const struct ask_block *b, struct row_stats *stats,
                          struct abl_err *err)
{
    x = tensor_rows(x, b->asks[0].row, block_rows(b));
    struct rows l = { r->logits, x.rows, w->n, w->n };
    if (!multiply(r, l, x, w, err)
        || (base.buffer
            && !read_base(r, tensor_rows(base, b->asks[0].base, block_bases(b)), w, x.rows, err)))
        return false;
    cpu_row_stats(l, base.buffer ? r->base : NULL, b->asks, b->n, stats);
    return true;
}

// As many of n asks as fit the logits' memory together with the base rows that they refer to; at
// least those of one row.
static struct ask_block next_block(const struct readout_ask *asks, uint32_t n, bool with_base,
                                   size_t fit)
{
    struct ask_block b = { asks, 1 };
    while (b.n < n) {
        struct ask_block more = { asks, b.n + 1 };
        if (asks[b.n].row != asks[b.n - 1].row && logit_rows(&more, with_base) > fit)
            break;
        b = more;
    }
    return b;
}

static bool reading_init(struct reading *r, struct cpu_engine *c, uint32_t n_vocab,
                         const struct ask_block *all, bool with_base, struct abl_err *err)
{
    size_t least = with_base ? 3 : 1, fit = LOGITS_BYTES / (n_vocab * sizeof(float));
    fit = size_min(fit, LOGITS_ROWS);
    r->fit = size_max(least, size_min(fit, logit_rows(all, with_base)));
    r->base = malloc(r->fit * sizeof *r->base);
    if (!r->base || !floats_reserve(&c->logits, &c->n_logits, r->fit * n_vocab))
        return too_big(r->fit, n_vocab, err);
    r->engine = c;
    r->logits = c->logits;
    return true;
}

bool cpu_readout(struct engine *e, struct tensor x, const struct weight *w,
                 const struct logit_args *how, struct tensor base, const struct readout_ask *asks,
                 uint32_t n_asks, struct row_stats *stats, struct abl_err *err)
{
    struct reading r = { .bias = how && how->bias.buffer ? rows_of(how->bias).data : NULL,
                         .cap = how ? how->cap : 0 };
    struct ask_block all = { asks, n_asks };
    if (!n_asks)
        return true;
    assert(asks[n_asks - 1].row < x.rows);
    bool ok = reading_init(&r, self(e), w->n, &all, base.buffer, err);
    for (uint32_t first = 0; ok && first < n_asks;) {
        struct ask_block b = next_block(asks + first, n_asks - first, base.buffer, r.fit);
        ok = readout_block(&r, x, w, base, &b, stats + first, err);
        first += b.n;
    }
    free(r.base);
    return ok;
}
