#include "plan/donors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static bool same_target(const struct prompt *a, const struct prompt *b)
{
    return id_list_compare(prompt_targets(a), prompt_targets(b)) == 0;
}

const char *donor_from_name(size_t from)
{
    static const char *const names[] = { [FROM_OTHER_TARGET] = "other-target",
                                         [FROM_SAME_TEMPLATE] = "same-template",
                                         [FROM_ANY] = "any" };
    return from < sizeof names / sizeof *names ? names[from] : NULL;
}

// ----------------------------------------------------------------------------------------- draws

static int compare_templates(const struct prompt *a, const struct prompt *b)
{
    const char *x = a->row->template_name, *y = b->row->template_name;
    return x && y ? strcmp(x, y) : (x != NULL) - (y != NULL);
}

static int by_target(const void *a, const void *b)
{
    const struct prompt *x = *(const struct prompt *const *)a;
    const struct prompt *y = *(const struct prompt *const *)b;
    int order = id_list_compare(prompt_targets(x), prompt_targets(y));
    return order ? order : (x > y) - (x < y);
}

static int by_template(const void *a, const void *b)
{
    const struct prompt *x = *(const struct prompt *const *)a;
    const struct prompt *y = *(const struct prompt *const *)b;
    int order = compare_templates(x, y);
    return order ? order : (x > y) - (x < y);
}

// Rows that share what donors are chosen by: targets or templates.
struct row_classes {
    const struct prompt **order; // (n) rows, class after class
    uint32_t *first, *size;      // (n) of each row's class in that order
};

static bool same_class(enum donor_from from, const struct prompt *a, const struct prompt *b)
{
    if (from == FROM_SAME_TEMPLATE)
        return a->row->template_name && compare_templates(a, b) == 0;
    return from == FROM_OTHER_TARGET && same_target(a, b);
}

static bool classify(const struct prompts *p, enum donor_from from, struct row_classes *c,
                     struct arena *a)
{
    size_t n = p->n;
    *c = (struct row_classes){ .order = arena_alloc(a, n + 1, sizeof(const struct prompt *)),
                               .first = arena_alloc(a, n + 1, sizeof *c->first),
                               .size = arena_alloc(a, n + 1, sizeof *c->size) };
    if (!c->order || !c->first || !c->size)
        return false;
    for (size_t i = 0; i < n; i++)
        c->order[i] = &p->items[i];
    if (from != FROM_ANY)
        qsort(c->order, n, sizeof(const struct prompt *),
              from == FROM_OTHER_TARGET ? by_target : by_template);
    for (size_t first = 0, end; first < n; first = end) {
        end = first + 1;
        while (end < n && same_class(from, c->order[first], c->order[end]))
            end++;
        for (size_t i = first; i < end; i++) {
            c->first[c->order[i] - p->items] = (uint32_t)first;
            c->size[c->order[i] - p->items] = (uint32_t)(end - first);
        }
    }
    return true;
}

// How many rows may give to row i.
static size_t count_givers(const struct prompts *p, enum donor_from from,
                           const struct row_classes *c, size_t i)
{
    return from == FROM_OTHER_TARGET ? p->n - c->size[i]
           : from == FROM_ANY        ? p->n - 1
                                     : c->size[i] - 1u;
}

// Somebody whom the rule names for row i, or not: the caller asks again.
static uint32_t draw_row(const struct prompts *p, enum donor_from from, const struct row_classes *c,
                         size_t i, struct rng *r)
{
    if (from != FROM_SAME_TEMPLATE)
        return rng_below(r, (uint32_t)p->n);
    return (uint32_t)(c->order[c->first[i] + rng_below(r, c->size[i])] - p->items);
}

// Whether `row` may be the donor `number` of row i, which takes each of n_givers once before one
// comes again.
static bool may_give(const struct prompts *p, enum donor_from from, uint32_t *const *maps,
                     uint32_t number, size_t i, uint32_t row, size_t n_givers)
{
    size_t uses = 0;
    if (row == i || (from == FROM_OTHER_TARGET && same_target(&p->items[row], &p->items[i])))
        return false;
    for (uint32_t d = 0; d < number; d++)
        uses += maps[d][i] == row;
    return uses <= number / n_givers;
}

// maps: (draw.n) of p->n each. A row that nobody may give to is named in *alone, and ends it.
static bool draw_donors(const struct prompts *p, struct donor_draw draw, uint32_t *const *maps,
                        struct arena *a, uint32_t *alone, struct abl_err *err)
{
    struct row_classes c;
    struct rng r;
    if (!classify(p, draw.from, &c, a))
        return abl_no_memory(err);
    for (size_t i = p->n; i-- > 0;)
        if (!count_givers(p, draw.from, &c, i))
            *alone = p->items[i].row->line;
    rng_seed(&r, draw.seed);
    for (uint32_t d = 0; !*alone && d < draw.n; d++)
        for (size_t i = 0; i < p->n; i++) {
            size_t n = count_givers(p, draw.from, &c, i);
            do
                maps[d][i] = draw_row(p, draw.from, &c, i, &r);
            while (!may_give(p, draw.from, maps, d, i, maps[d][i], n));
        }
    return true;
}

bool donors_make(const struct prompts *p, struct donor_draw draw, struct arena *a,
                 struct donors *out, struct abl_err *err)
{
    struct donors d = { .from = draw.from };
    struct prompt *prompts = arena_alloc(a, 2 * p->n + 1, sizeof *prompts);
    uint32_t *self = arena_alloc(a, p->n + 1, sizeof *self);
    uint32_t *other = arena_alloc(a, p->n + 1, sizeof *other);
    uint32_t *resampled[MAX_DONORS];
    bool ok = prompts && self && other;
    for (uint32_t i = 0; ok && i < draw.n; i++)
        ok = (resampled[i] = arena_alloc(a, p->n + 1, sizeof **resampled)) != NULL;
    if (!ok)
        return abl_no_memory(err);
    if (p->n)
        memcpy(prompts, p->items, p->n * sizeof *prompts);
    d.n = p->n;
    for (size_t i = 0; i < p->n; i++) {
        const struct prompt *item = &p->items[i];
        self[i] = (uint32_t)i;
        if (!item->n_corrupt_ids) {
            if (!d.without_other)
                d.without_other = item->row->line;
            continue;
        }
        other[i] = (uint32_t)d.n;
        prompts[d.n] = *item;
        prompts[d.n].ids = item->corrupt_ids;
        prompts[d.n].spans = item->corrupt_spans;
        prompts[d.n++].n_ids = item->n_corrupt_ids;
    }
    d.prompts = prompts;
    d.maps[DONOR_MAP_SELF] = self;
    d.maps[DONOR_MAP_OTHER] = d.without_other ? NULL : other;
    if (!draw_donors(p, draw, resampled, a, &d.alone, err))
        return false;
    for (uint32_t i = 0; !d.alone && i < draw.n; i++)
        d.maps[DONOR_MAP_RESAMPLED + i] = resampled[i];
    *out = d;
    return true;
}

static bool no_other(uint32_t line, const char *option, struct abl_err *err)
{
    return abl_fail(err, ABL_BAD_DATA,
                    "%s takes from each row's corrupt prompt: line %" PRIu32
                    " has none that fits the model; give every row a \"corrupt\"",
                    option, line);
}

bool donors_swap(struct prompts *p, struct abl_err *err)
{
    for (size_t i = 0; i < p->n; i++)
        if (!p->items[i].n_corrupt_ids)
            return no_other(p->items[i].row->line, "--direction clean->corrupt", err);
    for (size_t i = 0; i < p->n; i++) {
        struct prompt *item = &p->items[i], was = *item;
        item->ids = was.corrupt_ids;
        item->n_ids = was.n_corrupt_ids;
        item->spans = was.corrupt_spans;
        item->corrupt_ids = was.ids;
        item->n_corrupt_ids = was.n_ids;
        item->corrupt_spans = was.spans;
    }
    return true;
}

bool donors_need_other(const struct donors *d, const char *option, struct abl_err *err)
{
    return d->maps[DONOR_MAP_OTHER] || no_other(d->without_other, option, err);
}

bool donors_need_resampled(const struct donors *d, const char *option, struct abl_err *err)
{
    if (d->maps[DONOR_MAP_RESAMPLED])
        return true;
    if (d->from == FROM_OTHER_TARGET)
        return abl_fail(err, ABL_BAD_DATA,
                        "%s takes from rows with another target: all rows have one target; use "
                        "--ablate mean, --donor-from any, or data with several targets",
                        option);
    return abl_fail(err, ABL_BAD_DATA,
                    "%s with --donor-from %s: no other row%s may give to line %" PRIu32
                    "; use --donor-from other-target, or more rows",
                    option, donor_from_name(d->from),
                    d->from == FROM_SAME_TEMPLATE ? " of its template" : "", d->alone);
}
