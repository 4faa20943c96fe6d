#include "text/lab_split.h"

#include <stdlib.h>
#include <string.h>

// The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), which CPython's random is.
enum { STATE = 624, SHIFT = 397 };

struct twister {
    uint32_t state[STATE];
    uint32_t at;
};

static void seed_by_number(struct twister *t, uint32_t seed)
{
    t->state[0] = seed;
    for (uint32_t i = 1; i < STATE; i++)
        t->state[i] = 1812433253u * (t->state[i - 1] ^ (t->state[i - 1] >> 30)) + i;
    t->at = STATE;
}

// The last word goes round to the first.
static uint32_t step(struct twister *t, uint32_t i)
{
    if (i < STATE)
        return i;
    t->state[0] = t->state[STATE - 1];
    return 1;
}

// A whole number is seeded with by its 32-bit words, lowest first, without leading zeros.
static void twister_seed(struct twister *t, uint64_t seed)
{
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    uint32_t n_keys = key[1] ? 2 : 1, i = 1, j = 0;
    seed_by_number(t, 19650218u);
    for (uint32_t k = 0; k < STATE; k++) {
        uint32_t before = t->state[i - 1];
        t->state[i] = (t->state[i] ^ ((before ^ (before >> 30)) * 1664525u)) + key[j] + j;
        i = step(t, i + 1);
        j = (j + 1) % n_keys;
    }
    for (uint32_t k = 0; k < STATE - 1; k++) {
        uint32_t before = t->state[i - 1];
        t->state[i] = (t->state[i] ^ ((before ^ (before >> 30)) * 1566083941u)) - i;
        i = step(t, i + 1);
    }
    t->state[0] = 0x80000000u;
}

static void refill(struct twister *t)
{
    for (uint32_t i = 0; i < STATE; i++) {
        uint32_t y = (t->state[i] & 0x80000000u) | (t->state[(i + 1) % STATE] & 0x7fffffffu);
        t->state[i] = t->state[(i + SHIFT) % STATE] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->at = 0;
}

static uint32_t twister_next(struct twister *t)
{
    if (t->at == STATE)
        refill(t);
    uint32_t y = t->state[t->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

// As many of the next word's upper bits as n has, again until they are below n.
static uint32_t twister_below(struct twister *t, uint32_t n)
{
    unsigned unused = (unsigned)__builtin_clz(n);
    uint32_t r;
    do
        r = twister_next(t) >> unused;
    while (r >= n);
    return r;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool keep(struct split_file *out, enum split s, const uint32_t *rows, uint32_t n,
                 struct abl_err *err)
{
    out->rows[s] = malloc(((size_t)n + 1) * sizeof *rows);
    if (!out->rows[s])
        return abl_no_memory(err);
    if (n)
        memcpy(out->rows[s], rows, n * sizeof *rows);
    qsort(out->rows[s], n, sizeof *rows, by_number);
    out->n[s] = out->cap[s] = n;
    return true;
}

bool lab_split_draw(uint32_t n, uint64_t seed, double train, double val, struct split_file *out,
                    struct abl_err *err)
{
    uint32_t *rows = malloc(((size_t)n + 1) * sizeof *rows);
    struct split_file f = { 0 };
    struct twister t;
    if (!rows)
        return abl_no_memory(err);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    twister_seed(&t, seed);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = twister_below(&t, i + 1), was = rows[i];
        rows[i] = rows[j];
        rows[j] = was;
    }
    uint32_t n_train = (uint32_t)(n * train), n_val = (uint32_t)(n * val);
    bool ok = keep(&f, SPLIT_TRAIN, rows, n_train, err)
              && keep(&f, SPLIT_VAL, rows + n_train, n_val, err)
              && keep(&f, SPLIT_TEST, rows + n_train + n_val, n - n_train - n_val, err);
    free(rows);
    if (ok)
        *out = f;
    else
        split_file_release(&f);
    return ok;
}
