#include "plan/donors.h"

#include <inttypes.h>
#include <string.h>

#include "base/rng.h"

static bool same_target(const struct prompt *a, const struct prompt *b)
{
    return id_list_compare(prompt_targets(a), prompt_targets(b)) == 0;
}

// A row with another target for each row, uniformly among them. False where a row's target is every
// row's.
static bool resample(const struct prompts *p, uint64_t seed, uint32_t *out)
{
    struct rng r;
    rng_seed(&r, seed);
    bool varied = false;
    for (size_t i = 1; i < p->n && !varied; i++)
        varied = !same_target(&p->items[i], &p->items[0]);
    for (size_t i = 0; varied && i < p->n; i++)
        do
            out[i] = rng_below(&r, (uint32_t)p->n);
        while (same_target(&p->items[out[i]], &p->items[i]));
    return varied;
}

bool donors_make(const struct prompts *p, uint64_t seed, struct arena *a, struct donors *out,
                 struct abl_err *err)
{
    struct donors d = { 0 };
    struct prompt *prompts = arena_alloc(a, 2 * p->n + 1, sizeof *prompts);
    uint32_t *maps = arena_alloc(a, 3 * p->n + 1, sizeof *maps);
    if (!prompts || !maps)
        return abl_no_memory(err);
    uint32_t *self = maps, *other = maps + p->n, *resampled = maps + 2 * p->n;
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
    d.maps[DONOR_MAP_RESAMPLED] = resample(p, seed, resampled) ? resampled : NULL;
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
    return d->maps[DONOR_MAP_RESAMPLED]
           || abl_fail(err, ABL_BAD_DATA,
                       "%s takes from rows with another target: all rows have one target; use "
                       "--ablate mean, or data with several targets",
                       option);
}
