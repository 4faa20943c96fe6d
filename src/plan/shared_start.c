#include "plan/shared_start.h"

#include <assert.h>
#include <stdlib.h>

static bool is_same_edit(const struct edit *a, const struct edit *b)
{
    return a->site == b->site && a->layer == b->layer && a->head == b->head
           && a->position == b->position && a->op == b->op && a->factor == b->factor
           && a->source == b->source && a->donor == b->donor && a->from_start == b->from_start;
}

// First layer of what a changes and b does not.
static uint32_t first_alone(const struct variant *a, const struct variant *b)
{
    uint32_t first = NO_LAYER;
    for (size_t i = 0; i < a->n_edits; i++) {
        bool both = edit_is_identity(&a->edits[i]) || a->edits[i].layer >= first;
        for (size_t k = 0; k < b->n_edits && !both; k++)
            both = is_same_edit(&a->edits[i], &b->edits[k]);
        first = both ? first : a->edits[i].layer;
    }
    return first;
}

uint32_t shared_until(const struct variant *a, const struct variant *b)
{
    uint32_t of_a = first_alone(a, b), of_b = first_alone(b, a);
    return of_a < of_b ? of_a : of_b;
}

struct numbered {
    const struct variant *variant;
    size_t number;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_edits(const struct edit *a, const struct edit *b)
{
    int order[] = { compare_numbers(a->layer, b->layer),
                    compare_numbers(a->site, b->site),
                    compare_numbers(a->head, b->head),
                    (a->position > b->position) - (a->position < b->position),
                    compare_numbers(a->op, b->op),
                    (a->factor > b->factor) - (a->factor < b->factor),
                    compare_numbers(a->source, b->source),
                    compare_numbers(a->donor, b->donor),
                    compare_numbers(a->from_start, b->from_start) };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (order[i])
            return order[i];
    return 0;
}

// By layer first, so that layers still come in order; then edit by edit.
static int compare_variants(const void *left, const void *right)
{
    const struct numbered *l = left, *r = right;
    const struct variant *a = l->variant, *b = r->variant;
    int order = compare_numbers(variant_first_layer(a), variant_first_layer(b));
    for (size_t i = 0; !order && i < a->n_edits && i < b->n_edits; i++)
        order = compare_edits(&a->edits[i], &b->edits[i]);
    if (!order)
        order = compare_numbers(a->n_edits, b->n_edits);
    return order ? order : compare_numbers(l->number, r->number);
}

bool shared_sort(const struct variants *v, size_t *numbers, size_t n)
{
    struct numbered *list = malloc((n + 1) * sizeof *list);
    if (!list)
        return false;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct numbered){ &v->items[numbers[i]], numbers[i] };
    qsort(list, n, sizeof *list, compare_variants);
    for (size_t i = 0; i < n; i++)
        numbers[i] = list[i].number;
    free(list);
    return true;
}

void shared_copies_add(struct shared_copies *c, const struct variant *v, uint32_t until)
{
    assert(c->n < MAX_COPIES);
    c->until[c->n] = c->n ? until : 0;
    c->variants[c->n++] = v;
}

void shared_copies_part(struct shared_copies *c, uint32_t layer, uint32_t *from)
{
    uint32_t was = 0, n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        was += i && c->n_copies && c->until[i] <= c->layer;
        if (c->until[i] > layer)
            continue;
        from[n] = was;
        c->copies[n++] = c->variants[i];
    }
    c->n_copies = n;
    c->layer = layer;
}
