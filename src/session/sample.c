#include "session/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/size.h"
#include "forward/forward.h"
#include "forward/weights.h"
#include "session/session_parts.h"

// Rows of a sample, and of how many one is taken where that is more.
enum { LEAST = 8, SHARE = 16 };

struct stratum {
    const char *template_name; // "" where rows have none
    size_t row;
};

static int compare_strata(const void *x, const void *y)
{
    const struct stratum *a = x, *b = y;
    int order = strcmp(a->template_name, b->template_name);
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

// Mark the rows that are taken.
static bool choose(const struct session *all, bool *taken, struct abl_err *err)
{
    const struct prompts *p = all->prompts;
    uint32_t n = (uint32_t)p->n, wanted = (uint32_t)size_max(LEAST, n / SHARE);
    struct stratum *strata = calloc(n, sizeof *strata);
    if (!strata)
        return abl_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const char *name = p->items[i].row->template_name;
        strata[i] = (struct stratum){ name ? name : "", i };
    }
    qsort(strata, n, sizeof *strata, compare_strata);
    struct rng rng;
    rng_seed(&rng, all->settings.seed);
    for (uint32_t i = 0; i < wanted; i++) {
        uint32_t first = (uint32_t)((uint64_t)n * i / wanted);
        uint32_t end = (uint32_t)((uint64_t)n * (i + 1) / wanted);
        taken[strata[first + rng_below(&rng, end - first)].row] = true;
    }
    free(strata);
    return true;
}

// Numbers of donors of the rows that are taken; NULL of NULL.
static const uint32_t *some(struct arena *a, const uint32_t *of_all, const size_t *rows, size_t n)
{
    uint32_t *list = of_all ? arena_alloc(a, n, sizeof *list) : NULL;
    for (size_t i = 0; list && i < n; i++)
        list[i] = of_all[rows[i]];
    return list;
}

static bool take_donors(struct row_sample *s, const struct donors *from, struct abl_err *err)
{
    bool ok = true;
    for (int m = 0; m < N_DONOR_MAPS; m++) {
        s->maps[m] = some(&s->arena, from->maps[m], s->rows, s->prompts.n);
        ok = ok && !from->maps[m] == !s->maps[m];
    }
    return ok || abl_no_memory(err);
}

// The rows that are taken; the numbers of their clusters become dense again.
static bool take_rows(struct row_sample *s, const struct session *all, const bool *taken,
                      struct abl_err *err)
{
    const struct prompts *from = all->prompts;
    struct prompts *p = &s->prompts;
    struct prompt *items = arena_alloc(&s->arena, from->n, sizeof *items);
    uint32_t *number = arena_alloc(&s->arena, from->n_clusters, sizeof *number);
    s->rows = arena_alloc(&s->arena, from->n, sizeof *s->rows);
    s->other = all->other ? arena_alloc(&s->arena, from->n, sizeof *s->other) : NULL;
    s->intact = arena_alloc(&s->arena, from->n, sizeof *s->intact);
    if (!items || !number || !s->rows || !s->intact || (all->other && !s->other))
        return abl_no_memory(err);
    *p = (struct prompts){ .source = from->source,
                           .items = items,
                           .bos = from->bos,
                           .pad = from->pad,
                           .clustered = from->clustered };
    memset(number, 0, from->n_clusters * sizeof *number); // 0: not met yet
    for (size_t i = 0; i < from->n; i++) {
        if (!taken[i])
            continue;
        s->rows[p->n] = i;
        items[p->n] = from->items[i];
        uint32_t *own = &number[from->items[i].cluster];
        if (!*own)
            *own = ++p->n_clusters;
        items[p->n].cluster = *own - 1;
        if (s->other)
            s->other[p->n] = all->other[i];
        p->n++;
    }
    return take_donors(s, &all->donors, err);
}

static bool start(struct row_sample *s, const struct session *all, struct abl_err *err)
{
    struct forward_settings f = session_forward_settings(all, &all->engine->info);
    f.prompts = s->prompts.items;
    f.n_prompts = s->prompts.n;
    f.donor_maps = s->maps;
    f.other = (struct prompt_list){ 0 };
    f.weights = forward_weights(all->forward);
    const struct settings *settings = &all->settings;
    struct row_subsets_of of = { .prompts = &s->prompts,
                                 .donors = all->donors.prompts,
                                 .donor_maps = s->maps,
                                 .n_boot = settings->n_boot,
                                 .seed = settings->seed,
                                 .alpha = settings->alpha };
    if (!session_resampler_new(settings, &s->prompts, &s->resampler, err))
        return false;
    of.resampler = s->resampler;
    return row_subsets_new(&of, &s->subsets, err) && forward_open(&f, s->intact, &s->forward, err);
}

static bool helps(const struct session *all)
{
    const struct settings *s = &all->settings;
    struct forward_settings f = session_forward_settings(all, &all->engine->info);
    struct ablations kinds = settings_ablations(s);
    bool of_means = false;
    for (size_t i = 0; settings_ablate(s) && i < kinds.n; i++)
        of_means = of_means || ablation_needs(kinds.items[i].kind) == NEEDS_MEANS;
    return all->prompts->n >= LEAST * LEAST && !of_means && !all->answers && !all->tinylab
           && !forward_plan_input(&f, &all->engine->info).weights.n_streamed;
}

bool sample_open(const struct session *all, struct row_sample **out, struct abl_err *err)
{
    *out = NULL;
    if (!helps(all))
        return true;
    struct row_sample *s = calloc(1, sizeof *s);
    bool *taken = calloc(all->prompts->n, sizeof *taken);
    bool ok = ((s && taken) || abl_no_memory(err)) && choose(all, taken, err)
              && take_rows(s, all, taken, err) && start(s, all, err);
    free(taken);
    if (!ok) {
        sample_free(s);
        return false;
    }
    *out = s;
    return true;
}

void sample_free(struct row_sample *s)
{
    if (!s)
        return;
    forward_free(s->forward);
    row_subsets_free(s->subsets);
    resampler_free(s->resampler);
    arena_release(&s->arena);
    free(s);
}

struct workload sample_workload(const struct row_sample *s)
{
    return (struct workload){ .n_rows = s->prompts.n, .forward = s->forward };
}

struct measured_rows sample_measured_rows(const struct row_sample *s, const struct session *all)
{
    struct measured_rows m = session_measured_rows(all);
    m.prompts = &s->prompts;
    m.intact = s->intact;
    m.other = s->other;
    m.rows = (struct row_subset){ .n = s->prompts.n,
                                  .n_clusters = s->prompts.n_clusters,
                                  .resampler = s->resampler }; // donors are not all among them
    m.subsets = s->subsets;
    m.held_out = NULL;
    return m;
}
