#include "tests/support/study.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

void must(bool ok, const struct abl_err *err)
{
    if (!ok)
        fail_msg("%s", err->text);
}

void study_open(struct study *s, size_t n_rows, size_t n_variants)
{
    struct abl_err err;
    *s = (struct study){ .items = calloc(n_rows, sizeof *s->items),
                         .intact = calloc(n_rows, sizeof *s->intact),
                         .held_out = calloc(n_rows, sizeof *s->held_out) };
    assert_true(s->items && s->intact && s->held_out);
    for (uint32_t i = 0; i < n_rows; i++)
        s->items[i].cluster = i;
    s->prompts = (struct prompts){ .items = s->items, .n = n_rows, .n_clusters = (uint32_t)n_rows };
    s->measured
        = (struct measured_rows){ .prompts = &s->prompts, .intact = s->intact, .alpha = 0.05 };
    must(variants_init(&s->variants, n_variants, &err), &err);
}

void study_close(struct study *s)
{
    row_subsets_free(s->subsets);
    resampler_free(s->resampler);
    results_release(&s->results);
    variants_release(&s->variants);
    free(s->items);
    free(s->intact);
    free(s->held_out);
}

void study_heads(struct study *s, uint32_t n)
{
    struct abl_err err;
    for (uint32_t h = 0; h < n; h++) {
        struct head head = { 0, h };
        must(variants_add_set(&s->variants, &(struct head_set){ &head, 1 }, (struct ablation){ 0 },
                              ROLE_HEAD, NO_VARIANT, NULL, &err),
             &err);
    }
}

void study_begin(struct study *s)
{
    struct abl_err err;
    must(results_init(&s->results, &s->variants, s->prompts.n, &err), &err);
    for (size_t v = 0; v < s->variants.n; v++)
        s->results.done[v] = true;
    s->results.n_done = s->variants.n;
}

void study_resample(struct study *s, uint32_t n_boot, uint64_t seed)
{
    struct abl_err err;
    uint32_t *cluster = calloc(s->prompts.n, sizeof *cluster);
    assert_non_null(cluster);
    for (size_t i = 0; i < s->prompts.n; i++)
        cluster[i] = s->items[i].cluster;
    resampler_free(s->resampler);
    must(resampler_new(cluster, s->prompts.n, s->prompts.n_clusters, n_boot, seed,
                       s->measured.alpha, &s->resampler, &err),
         &err);
    struct row_subsets_of of = { .prompts = &s->prompts,
                                 .held_out = s->held_out,
                                 .resampler = s->resampler,
                                 .n_boot = n_boot,
                                 .seed = seed,
                                 .alpha = s->measured.alpha };
    row_subsets_free(s->subsets);
    must(row_subsets_new(&of, &s->subsets, &err), &err);
    s->measured.rows = (struct row_subset){ .n = s->prompts.n,
                                            .n_clusters = s->prompts.n_clusters,
                                            .resampler = s->resampler };
    s->measured.subsets = s->subsets;
    s->measured.n_boot = n_boot;
    s->measured.seed = seed;
    free(cluster);
}

void study_set(struct study *s, size_t variant, size_t row, double ld)
{
    struct row_stats *r = &s->results.rows[variant * s->prompts.n + row];
    r->target_logit = r->target_lse = (float)ld;
}

void is_near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12))
        fail_msg("%s: found %.17g, expected %.17g", what, found, expected);
}
