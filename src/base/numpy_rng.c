#include "base/numpy_rng.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

enum { POOL = 4 };

// PCG64 (O'Neill 2014, XSL-RR on a 128-bit LCG), with the half of a word that a 32-bit draw leaves.
struct pcg64 {
    u128 state, increment;
    uint32_t spare;
    bool has_spare;
};

// The seed's words, hashed: numpy.random.SeedSequence.
static uint32_t hash_in(uint32_t value, uint32_t *constant)
{
    value ^= *constant;
    *constant *= 0x931e8875u;
    value *= *constant;
    return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    uint32_t v = 0xca01f9ddu * x - 0x4973f715u * y;
    return v ^ v >> 16;
}

static void fill_pool(uint64_t seed, uint32_t pool[POOL])
{
    uint32_t constant = 0x43b0d7e5u;
    const uint32_t words[POOL] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    for (int i = 0; i < POOL; i++)
        pool[i] = hash_in(words[i], &constant);
    for (int from = 0; from < POOL; from++)
        for (int to = 0; to < POOL; to++)
            if (from != to)
                pool[to] = mix(pool[to], hash_in(pool[from], &constant));
}

// Four 64-bit words out of the pool.
static void draw_state(const uint32_t pool[POOL], uint64_t out[4])
{
    uint32_t constant = 0x8b51f9ddu;
    for (int i = 0; i < 8; i++) {
        uint32_t v = pool[i % POOL] ^ constant;
        constant *= 0x58f38dedu;
        v *= constant;
        v ^= v >> 16;
        out[i / 2] = i % 2 ? out[i / 2] | (uint64_t)v << 32 : v;
    }
}

static void step(struct pcg64 *g)
{
    const u128 multiplier = (u128)0x2360ed051fc65da4u << 64 | 0x4385df649fccf645u;
    g->state = g->state * multiplier + g->increment;
}

static void seed_pcg64(struct pcg64 *g, uint64_t seed)
{
    uint32_t pool[POOL];
    uint64_t words[4];
    fill_pool(seed, pool);
    draw_state(pool, words);
    *g = (struct pcg64){ .increment = ((u128)words[2] << 64 | words[3]) << 1 | 1 };
    step(g);
    g->state += (u128)words[0] << 64 | words[1];
    step(g);
}

static uint32_t next_32(struct pcg64 *g)
{
    if (g->has_spare) {
        g->has_spare = false;
        return g->spare;
    }
    step(g);
    uint64_t high = (uint64_t)(g->state >> 64), v = high ^ (uint64_t)g->state;
    unsigned turn = (unsigned)(high >> 58);
    v = v >> turn | v << (-turn & 63);
    g->spare = (uint32_t)(v >> 32);
    g->has_spare = true;
    return (uint32_t)v;
}

// Uniform in 0..most (Lemire 2019); nothing is drawn for most = 0.
static uint32_t draw_up_to(struct pcg64 *g, uint32_t most)
{
    uint32_t n = most + 1;
    if (!most)
        return 0;
    uint64_t product = (uint64_t)next_32(g) * n;
    if ((uint32_t)product < n)
        while ((uint32_t)product < (UINT32_MAX - most) % n)
            product = (uint64_t)next_32(g) * n;
    return (uint32_t)(product >> 32);
}

// Floyd's algorithm: each j of the last k takes a place up to itself,
// or its own where that is taken.
void numpy_choice(uint64_t seed, uint32_t n, uint32_t k, unsigned char *picked)
{
    struct pcg64 g;
    assert(k <= n && n <= NUMPY_CHOICE_MAX);
    seed_pcg64(&g, seed);
    memset(picked, 0, n);
    for (uint32_t j = n - k; j < n; j++) {
        uint32_t at = draw_up_to(&g, j);
        picked[picked[at] ? j : at] = 1;
    }
}
