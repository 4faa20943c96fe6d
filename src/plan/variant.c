#include "plan/variant.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "plan/head_syntax.h"

bool variants_init(struct variants *v, size_t cap, struct abl_err *err)
{
    *v = (struct variants){ .cap = size_max(cap, 1) };
    v->items = arena_alloc(&v->arena, v->cap, sizeof *v->items);
    return v->items || abl_no_memory(err);
}

// Room for one more.
static bool grow(struct variants *v)
{
    size_t cap;
    if (v->n < v->cap)
        return true;
    struct variant *items
        = size_mul(v->cap, 2, &cap) ? arena_alloc(&v->arena, cap, sizeof *items) : NULL;
    if (!items)
        return false;
    memcpy(items, v->items, v->n * sizeof *items);
    v->items = items;
    v->cap = cap;
    return true;
}

// "resid_post@3[-1]", "z@3:1[all]".
static const char *patch_label(const struct variant *v, struct arena *a)
{
    const struct edit *e = &v->edits[0];
    char head[16] = "", number[16] = "all";
    if (e->head != ALL_HEADS)
        snprintf(head, sizeof head, ":%" PRIu32, e->head);
    if (e->position != ALL_POSITIONS)
        snprintf(number, sizeof number, "%" PRId32, e->position);
    return arena_printf(a, "%s%s@%" PRIu32 "%s[%s]", v->role == ROLE_SHAM ? "sham " : "",
                        site_name(e->site), e->layer, head, v->position ? v->position : number);
}

const char *variant_restored_label(const struct variant *v, struct arena *a)
{
    const char *heads = head_set_label(&v->restored, a);
    return heads && v->donor == DONOR_OTHER ? arena_printf(a, "corrupt %s", heads) : heads;
}

static const char *restored_label(const struct variant *v, struct arena *a)
{
    const char *whole = head_set_label(&v->nodes, a), *part = variant_restored_label(v, a);
    return whole && part ? arena_printf(a, "%s~%s", whole, part) : NULL;
}

const char *variant_label(const struct variant *v, struct arena *a)
{
    switch (v->role) {
    case ROLE_HEAD:
    case ROLE_SET:
    case ROLE_CONTROL:
        return head_set_label(&v->nodes, a);
    case ROLE_REPEAT: // of what ablates heads
    case ROLE_RESTORED:
        return v->restored.n ? restored_label(v, a) : head_set_label(&v->nodes, a);
    case ROLE_PATCH:
    case ROLE_SHAM:
        break;
    }
    return patch_label(v, a);
}

static bool copy_heads(struct head_set *set, struct arena *a)
{
    struct head *heads = arena_alloc(a, set->n, sizeof *heads);
    if (heads && set->n)
        memcpy(heads, set->heads, set->n * sizeof *heads);
    set->heads = heads;
    return heads;
}

static bool is_set(const struct head_set *set, const struct head *heads, size_t n)
{
    if (set->n != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (set->heads[i].layer != heads[i].layer || set->heads[i].head != heads[i].head)
            return false;
    return true;
}

static bool same_edit(const struct edit *x, const struct edit *y)
{
    return x->site == y->site && x->layer == y->layer && x->head == y->head
           && x->position == y->position && x->op == y->op && x->factor == y->factor
           && x->source == y->source && x->donor == y->donor && x->from_start == y->from_start;
}

static bool same_edits(const struct variant *a, const struct variant *b)
{
    if (a->n_edits != b->n_edits)
        return false;
    for (size_t i = 0; i < a->n_edits; i++)
        if (!same_edit(&a->edits[i], &b->edits[i]))
            return false;
    return true;
}

bool variant_does_same(const struct variant *a, const struct variant *b)
{
    return a->donor == b->donor && same_edits(a, b)
           && is_set(&a->restored, b->restored.heads, b->restored.n);
}

// ------------------------------------------------------------------------------- what is known
//
// A list may hold hundreds of thousands: each is found by the hash of what it does, and those that
// ablate heads and give none back by the hash of the heads too. Different ones with the same hash
// lie at the keys behind it.

static uint64_t mix(uint64_t key, uint64_t with)
{
    key = (key ^ with) * 0x9e3779b97f4a7c15u;
    return key ^ key >> 29;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    value += 0.0f; // -0 is 0
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t key_of_heads(uint64_t key, const struct head *heads, size_t n)
{
    for (size_t i = 0; i < n; i++)
        key = mix(key, hash_pair(heads[i].layer, heads[i].head));
    return key;
}

// Keys of the two kinds differ in the lowest bit, and none is HASH_FREE.
static uint64_t as_key(uint64_t hash, bool of_heads)
{
    return hash << 2 >> 1 | of_heads;
}

static uint64_t key_of_deed(const struct variant *v)
{
    uint64_t key = mix(v->donor, v->n_edits);
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        key = mix(mix(key, hash_pair(e->layer, e->head)),
                  hash_pair((uint32_t)e->site, (uint32_t)e->position));
        key = mix(mix(key, bits_of(e->factor)), hash_pair((uint32_t)e->source, e->donor));
    }
    return as_key(key_of_heads(key, v->restored.heads, v->restored.n), false);
}

static uint64_t key_of_nodes(const struct head *heads, size_t n, const struct ablation *how)
{
    uint64_t key = mix(n, hash_pair((uint32_t)how->kind, bits_of(how->scale)));
    return as_key(key_of_heads(key, heads, n), true);
}

// The next item at a key from `*key` on, NO_VARIANT at the end, where *key is free.
static size_t next_known(const struct variants *v, uint64_t *key)
{
    const uint64_t *at = hash_find(&v->known, *key);
    if (!at)
        return NO_VARIANT;
    *key += 2;
    return (size_t)*at;
}

static size_t find_deed(const struct variants *v, const struct variant *like, uint64_t *free_key)
{
    *free_key = key_of_deed(like);
    for (size_t i; (i = next_known(v, free_key)) != NO_VARIANT;)
        if (variant_does_same(&v->items[i], like))
            return i;
    return NO_VARIANT;
}

static size_t find_nodes(const struct variants *v, const struct head *heads, size_t n,
                         const struct ablation *how, uint64_t *free_key)
{
    *free_key = key_of_nodes(heads, n, how);
    for (size_t i; (i = next_known(v, free_key)) != NO_VARIANT;)
        if (is_set(&v->items[i].nodes, heads, n) && ablation_same(&v->items[i].how, how))
            return i;
    return NO_VARIANT;
}

size_t variants_find(const struct variants *v, const struct variant *like)
{
    uint64_t ignored;
    return find_deed(v, like, &ignored);
}

size_t variants_find_heads(const struct variants *v, const struct head *heads, size_t n,
                           const struct ablation *how)
{
    uint64_t ignored;
    return find_nodes(v, heads, n, how, &ignored);
}

// Remember the last item; of those that ablate the same heads in one way the first one.
static bool remember(struct variants *v)
{
    const struct variant *last = &v->items[v->n - 1];
    uint64_t key;
    find_deed(v, last, &key);
    if (!hash_put(&v->known, key, v->n - 1))
        return false;
    if (last->donor != DONOR_NONE
        || find_nodes(v, last->nodes.heads, last->nodes.n, &last->how, &key) != NO_VARIANT)
        return true;
    return hash_put(&v->known, key, v->n - 1);
}

// ------------------------------------------------------------------------------------ the list

static bool append(struct variants *v, const struct variant *variant, struct abl_err *err)
{
    struct variant copy = *variant;
    if (!grow(v))
        return abl_no_memory(err);
    copy.position = variant->position ? arena_strdup(&v->arena, variant->position) : NULL;
    copy.label = variant->label ? arena_strdup(&v->arena, variant->label)
                                : variant_label(variant, &v->arena);
    copy.edits = arena_alloc(&v->arena, variant->n_edits, sizeof *copy.edits);
    if (!copy.label || !copy.position != !variant->position || !copy.edits
        || !copy_heads(&copy.nodes, &v->arena) || !copy_heads(&copy.restored, &v->arena))
        return abl_no_memory(err);
    if (variant->n_edits)
        memcpy(copy.edits, variant->edits, variant->n_edits * sizeof *copy.edits);
    v->items[v->n++] = copy;
    return remember(v) || abl_no_memory(err);
}

// Whether an edit takes from a donor that the variant's ablation draws.
static bool is_drawn(const struct variant *v, const struct edit *e)
{
    return e->source == SOURCE_ROW && e->donor == v->how.donor;
}

static uint32_t count_runs(const struct variant *v)
{
    for (size_t i = 0; i < v->n_edits; i++)
        if (is_drawn(v, &v->edits[i]))
            return v->how.n_donors > 1 ? v->how.n_donors : 1;
    return 1;
}

// The variant that was added last once more, for each of its other donors.
static bool add_repeats(struct variants *v, struct abl_err *err)
{
    struct variant one = v->items[v->n - 1], again = one;
    if (one.n_runs < 2)
        return true;
    again.role = ROLE_REPEAT;
    again.parent = v->n - 1;
    again.n_runs = 1;
    again.edits = malloc(one.n_edits * sizeof *again.edits);
    bool ok = again.edits || abl_no_memory(err);
    for (uint32_t run = 1; ok && run < one.n_runs; run++) {
        for (size_t i = 0; i < one.n_edits; i++) {
            again.edits[i] = one.edits[i];
            again.edits[i].donor += is_drawn(&one, &one.edits[i]) ? run : 0;
        }
        ok = append(v, &again, err);
    }
    free(again.edits);
    return ok;
}

bool variants_add(struct variants *v, const struct variant *variant, size_t *index,
                  struct abl_err *err)
{
    size_t known = variants_find(v, variant);
    struct variant one = *variant;
    one.n_runs = count_runs(variant);
    if (index)
        *index = known == NO_VARIANT ? v->n : known;
    return known != NO_VARIANT || (append(v, &one, err) && add_repeats(v, err));
}

bool variants_add_set(struct variants *v, const struct head_set *set, struct ablation how,
                      enum variant_role role, size_t parent, size_t *index, struct abl_err *err)
{
    struct variant one = { .edits = malloc(set->n * sizeof *one.edits),
                           .n_edits = set->n,
                           .role = role,
                           .parent = parent,
                           .nodes = *set,
                           .how = how };
    if (!one.edits)
        return abl_no_memory(err);
    for (size_t i = 0; i < set->n; i++)
        one.edits[i] = head_edit(set->heads[i], how);
    bool ok = variants_add(v, &one, index, err);
    free(one.edits);
    return ok;
}

bool variants_add_heads(struct variants *v, const struct head *heads, size_t n, struct ablation how,
                        struct abl_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct head one = heads[i];
        if (!variants_add_set(v, &(struct head_set){ .heads = &one, .n = 1 }, how, ROLE_HEAD,
                              NO_VARIANT, NULL, err))
            return false;
    }
    return true;
}

bool variants_heads(const struct head *heads, size_t n, struct ablation how, struct variants *out,
                    struct abl_err *err)
{
    struct variants v;
    if (!variants_init(&v, n, err))
        return false;
    if (!variants_add_heads(&v, heads, n, how, err)) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

bool variants_sets(const struct head_set *sets, size_t n, struct ablation how, struct variants *out,
                   struct abl_err *err)
{
    size_t cap = n;
    for (size_t i = 0; i < n; i++)
        cap += sets[i].n;
    struct variants v;
    if (!variants_init(&v, cap, err))
        return false;
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = variants_add_heads(&v, sets[i].heads, sets[i].n, how, err);
    for (size_t i = 0; i < n && ok; i++)
        ok = variants_add_set(&v, &sets[i], how, sets[i].n == 1 ? ROLE_HEAD : ROLE_SET, NO_VARIANT,
                              NULL, err);
    if (!ok) {
        variants_release(&v);
        return false;
    }
    *out = v;
    return true;
}

bool variant_is_control_of(const struct variant *v, const struct variant *set)
{
    if (v->role != ROLE_CONTROL || v->nodes.n != set->nodes.n || !ablation_same(&v->how, &set->how))
        return false;
    for (size_t i = 0; i < v->nodes.n; i++) // both in ascending order
        if (v->nodes.heads[i].layer != set->nodes.heads[i].layer)
            return false;
    return true;
}

void variants_release(struct variants *v)
{
    hash_release(&v->known);
    arena_release(&v->arena);
    *v = (struct variants){ 0 };
}

uint32_t variant_first_layer(const struct variant *v)
{
    uint32_t first = NO_LAYER;
    for (size_t i = 0; i < v->n_edits; i++)
        if (!edit_is_identity(&v->edits[i]) && v->edits[i].layer < first)
            first = v->edits[i].layer;
    return first;
}

uint32_t variant_tail(const struct variant *v)
{
    uint32_t tail = 1;
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        if (edit_is_identity(e))
            continue;
        // Edges are not counted by rows: patterns are edited over whole copies.
        uint32_t back = e->position < 0 ? (uint32_t)-e->position : e->reach;
        if (!back || e->position == ALL_POSITIONS || e->site == SITE_PATTERN)
            return ALL_TOKENS;
        tail = back > tail ? back : tail;
    }
    return tail;
}

bool variant_changes_z(const struct variant *v, uint32_t layer, uint32_t head)
{
    for (size_t i = 0; i < v->n_edits; i++) {
        const struct edit *e = &v->edits[i];
        if (e->layer == layer && e->site == SITE_Z && !edit_is_identity(e)
            && (e->head == head || e->head == ALL_HEADS))
            return true;
    }
    return false;
}
