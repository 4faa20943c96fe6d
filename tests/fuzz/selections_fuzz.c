// plan/head_syntax.h: --heads, --layers, --sets, --pairs, --triplets and --positions over models of
// any shape, and the variants that become of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "plan/head_syntax.h"
#include "plan/position.h"
#include "plan/variant.h"
#include "tests/fuzz/fuzz.h"

static void heads(const char *text, const struct model_shape *shape, struct arena *a)
{
    struct head_set one, two;
    struct abl_err err = { 0 };
    if (!fuzz_outcome(heads_parse(text, shape, a, &one, &err), &err) || !one.n)
        return;
    struct buf list = { 0 };
    for (size_t i = 0; i < one.n; i++) {
        REQUIRE(one.heads[i].layer < shape->n_layers && one.heads[i].head < shape->n_heads);
        buf_printf(&list, "%s%u:%u", i ? "," : "", one.heads[i].layer, one.heads[i].head);
    }
    REQUIRE(heads_parse(list.data, shape, a, &two, &err));
    REQUIRE(two.n == one.n && memcmp(one.heads, two.heads, one.n * sizeof *one.heads) == 0);
    buf_release(&list);
}

static void layers(const char *text, const struct model_shape *shape, struct arena *a)
{
    bool *one = arena_alloc(a, shape->n_layers, 1), *two = arena_alloc(a, shape->n_layers, 1);
    struct abl_err err = { 0 };
    if (!fuzz_outcome(layers_parse(text, shape, one, &err), &err))
        return;
    struct buf list = { 0 };
    for (uint32_t i = 0; i < shape->n_layers; i++)
        if (one[i])
            buf_printf(&list, "%s%u", list.len ? "," : "", i);
    REQUIRE(list.len && layers_parse(list.data, shape, two, &err));
    REQUIRE(memcmp(one, two, shape->n_layers) == 0);
    buf_release(&list);
}

static void check_sets(const struct head_set *sets, size_t n, const struct model_shape *shape)
{
    for (size_t i = 0; i < n; i++) {
        REQUIRE(sets[i].n);
        for (size_t k = 0; k < sets[i].n; k++) {
            struct head h = sets[i].heads[k], last = sets[i].heads[k ? k - 1 : 0];
            REQUIRE(h.layer < shape->n_layers && h.head < shape->n_heads);
            REQUIRE(!k || last.layer < h.layer || (last.layer == h.layer && last.head < h.head));
        }
    }
}

// What sets mean, they mean when they are written out and read again; and each becomes a variant.
static void write_out(const struct head_set *sets, size_t n, const struct model_shape *shape,
                      struct arena *a)
{
    struct head_set *again;
    size_t n_again;
    struct abl_err err = { 0 };
    struct variants v;
    struct buf list = { 0 };
    check_sets(sets, n, shape);
    for (size_t i = 0; i < n; i++)
        buf_printf(&list, "%s%s", i ? ";" : "", head_set_label(&sets[i], a));
    REQUIRE(sets_parse(list.data, shape, a, &again, &n_again, &err));
    REQUIRE(n_again <= n);
    buf_release(&list);
    const struct ablation zero = { 0 };
    REQUIRE(variants_sets(again, n_again, zero, &v, &err));
    for (size_t i = 0; i < n_again; i++)
        REQUIRE(variants_find_heads(&v, again[i].heads, again[i].n, &zero) != NO_VARIANT);
    variants_release(&v);
}

static void sets(const char *text, const struct model_shape *shape, struct arena *a)
{
    struct head_set *out;
    size_t n;
    struct abl_err err = { 0 };
    if (fuzz_outcome(sets_parse(text, shape, a, &out, &n, &err), &err))
        write_out(out, n, shape, a);
}

static void combinations(const char *text, uint32_t k, const struct model_shape *shape,
                         struct arena *a)
{
    struct head_set *out;
    size_t n;
    struct abl_err err = { 0 };
    if (!fuzz_outcome(combinations_parse(text, k, shape, a, &out, &n, &err), &err) || !n)
        return;
    for (size_t i = 0; i < n; i++)
        REQUIRE(out[i].n == k);
    write_out(out, n < 100 ? n : 100, shape, a);
}

static void positions(const char *text, uint32_t longest, struct arena *a)
{
    static const char *const spans[] = { "a", "b:c" };
    const struct position_names names
        = { .n_tokens = longest, .has_bos = longest % 2, .spans = spans, .n_spans = 2 };
    struct position *one;
    size_t n;
    struct abl_err err = { 0 };
    if (!fuzz_outcome(positions_parse(text, &names, a, &one, &n, &err), &err))
        return;
    for (size_t i = 0; i < n; i++)
        REQUIRE(one[i].name
                && (one[i].at >= POSITION_SPANS || one[i].at == -1
                    || (one[i].at < (int64_t)longest && one[i].at >= -(int64_t)longest)));
}

void fuzz_selections(const uint8_t *data, size_t size)
{
    struct part rest = { (const char *)data, size };
    uint8_t kind = next_byte(&rest), n_layers = next_byte(&rest), n_heads = next_byte(&rest);
    struct model_shape shape = { .n_layers = 1 + n_layers % 48, .n_heads = 1 + n_heads % 48 };
    struct arena a = { 0 };
    char *text = part_text(rest);
    switch (kind % 6) {
    case 0:
        heads(text, &shape, &a);
        break;
    case 1:
        layers(text, &shape, &a);
        break;
    case 2:
        sets(text, &shape, &a);
        break;
    case 3:
    case 4:
        combinations(text, kind % 6 - 1u, &shape, &a);
        break;
    default:
        positions(text, n_heads, &a);
    }
    free(text);
    arena_release(&a);
}
