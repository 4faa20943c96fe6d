// Every experiment against transformers in float64: tests/fixtures/experiments, written by
// tools/golden_experiments.py.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "analysis/lens_estimates.h"
#include "experiments/experiments.h"
#include "experiments/lens.h"
#include "experiments/ov.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/oracle_run.h"
#include "tests/support/rig.h"

// Of |expected|, at least of 1. What is found is within 2e-5, but for eigenvalues: those of
// matrices that are far from normal move by much more than the matrix does.
static const double tolerance = 1e-4, eigenvalue_tolerance = 1e-3;

static struct abl_err err;

// -------------------------------------------------------------------------------------------- runs

// The rows that resampling draws are the fixture's: numpy drew them.
static void run_all(struct oracle_run *r, const cJSON *golden)
{
    oracle_run_open(r);
    size_t n = r->session->prompts->n;
    uint32_t *donors = arena_alloc(&r->session->arena, n, sizeof *donors);
    assert_non_null(donors);
    for (size_t i = 0; i < n; i++)
        donors[i] = (uint32_t)fixture_nth(fixture_at(golden, "donors"), i);
    r->session->donors.maps[DONOR_MAP_RESAMPLED] = donors;
    oracle_run_all(r);
}

// A variant's ld of every row against a list of the fixture.
static void check_rows(const struct oracle_run *r, const char *variant, const cJSON *expected,
                       const char *what)
{
    const struct row_stats *rows = oracle_run_rows(r, variant);
    assert_int_equal(cJSON_GetArraySize(expected), r->table.n_prompts);
    for (size_t i = 0; i < r->table.n_prompts; i++)
        golden_close(ld_of(&rows[i]), fixture_nth(expected, i), tolerance, "%s, %s, row %zu", what,
                     variant, i);
}

// A patch of a run into itself changes nothing, to the bit.
static void check_sham(const struct oracle_run *r, size_t v, const char *what)
{
    for (size_t i = 0; i < r->table.n_prompts; i++) {
        double found = ld_of(&r->table.rows[v * r->table.n_prompts + i]);
        double expected = ld_of(&r->session->intact[i]);
        if (found != expected)
            fail_msg("%s, %s, row %zu: ld %.9g, expected %.9g", what, r->variants.items[v].label, i,
                     found, expected);
    }
}

// Calls check for each fixture on each device.
static void each(void (*check)(const struct oracle_model *m, const cJSON *golden,
                               const char *device))
{
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < N_ORACLE_MODELS; i++) {
        const struct oracle_model *m = &oracle_models[i];
        cJSON *golden = oracle_golden(m);
        for (size_t d = 0; d < n; d++)
            check(m, golden, devices[d]);
        cJSON_Delete(golden);
    }
}

// ------------------------------------------------------------------------------------------- tests

static void check_prompts(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    struct oracle_run r;
    oracle_run_settings(&r, m, device);
    oracle_run_open(&r);
    for (size_t i = 0; i < r.session->prompts->n; i++) {
        const struct prompt *p = &r.session->prompts->items[i];
        const cJSON *ids = cJSON_GetArrayItem(fixture_at(golden, "ids"), (int)i);
        assert_int_equal(p->n_ids, cJSON_GetArraySize(ids));
        for (uint32_t k = 0; k < p->n_ids; k++)
            assert_int_equal(p->ids[k], (uint32_t)fixture_nth(ids, k));
        golden_close(ld_of(&r.session->intact[i]), fixture_nth(fixture_at(golden, "ld"), i),
                     tolerance, "%s, %s, intact, row %zu", m->name, device, i);
    }
    oracle_run_close(&r);
}

static void rows_are_the_oracles(void **state)
{
    (void)state;
    each(check_prompts);
}

static void check_patches(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    static const char *const names[]
        = { [CLEAN_TO_CORRUPT] = "clean->corrupt", [CORRUPT_TO_CLEAN] = "corrupt->clean" };
    static const char *const positions[] = { "all", "-1,-2" };
    for (int direction = CLEAN_TO_CORRUPT; direction <= CORRUPT_TO_CLEAN; direction++)
        for (int p = 0; p < 2; p++) {
            struct oracle_run r;
            char what[128];
            const cJSON *expected = fixture_at(fixture_at(golden, "patch"), names[direction]),
                        *item;
            oracle_run_settings(&r, m, device);
            r.settings.experiment = &experiment_patch;
            r.settings.sites = (1u << N_SITES) - 1;
            r.settings.direction = (enum direction)direction;
            r.settings.positions = positions[p];
            oracle_run_open(&r);
            oracle_run_all(&r);
            snprintf(what, sizeof what, "%s, %s, %s", m->name, device, names[direction]);
            size_t n_checked = 0;
            cJSON_ArrayForEach(item, expected)
            {
                bool all = strstr(item->string, "[all]") != NULL;
                if (all != (p == 0))
                    continue;
                check_rows(&r, item->string, item, what);
                n_checked++;
            }
            size_t n_shams = 0;
            for (size_t v = 0; v < r.variants.n; v++) {
                if (r.variants.items[v].role != ROLE_SHAM)
                    continue;
                n_shams++;
                check_sham(&r, v, what);
            }
            assert_int_equal(n_checked + n_shams, r.variants.n);
            oracle_run_close(&r);
        }
}

static void patches_at_every_site_agree(void **state)
{
    (void)state;
    each(check_patches);
}

static void check_ablations(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    static const struct {
        const char *name;
        struct ablation how;
    } kinds[] = {
        { "zero", { .kind = ABLATE_SCALE } },
        { "scale=0.5", { .kind = ABLATE_SCALE, .scale = 0.5f } },
        { "zero/head", { .kind = ABLATE_SCALE, .value_bias = VALUE_BIAS_HEAD } },
        { "mean", { .kind = ABLATE_MEAN } },
        { "resample", { .kind = ABLATE_RESAMPLE } },
        { "patch", { .kind = ABLATE_PATCH } },
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct oracle_run r;
        char what[128];
        const cJSON *expected = fixture_at(fixture_at(golden, "ablate"), kinds[k].name), *item;
        oracle_run_settings(&r, m, device);
        r.settings.ablation = kinds[k].how;
        r.settings.n_donors = 1; // the rig has one map
        run_all(&r, golden);
        snprintf(what, sizeof what, "%s, %s, %s", m->name, device, kinds[k].name);
        assert_int_equal(cJSON_GetArraySize(expected), r.variants.n);
        cJSON_ArrayForEach(item, expected) check_rows(&r, item->string, item, what);
        oracle_run_close(&r);
    }
}

static void ablations_of_every_kind_agree(void **state)
{
    (void)state;
    each(check_ablations);
}

static void check_partial(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    const cJSON *sets = fixture_at(golden, "partial"), *set, *head, *source;
    cJSON_ArrayForEach(set, sets)
    {
        struct oracle_run r;
        char what[128], label[64];
        oracle_run_settings(&r, m, device);
        r.settings.experiment = &experiment_partial;
        r.settings.sets = set->string;
        oracle_run_open(&r);
        oracle_run_all(&r);
        snprintf(what, sizeof what, "%s, %s", m->name, device);
        cJSON_ArrayForEach(head, set) cJSON_ArrayForEach(source, head)
        {
            bool other = strcmp(source->string, "corrupt") == 0;
            snprintf(label, sizeof label, "%s~%s%s", set->string, other ? "corrupt " : "",
                     head->string);
            check_rows(&r, label, source, what);
        }
        oracle_run_close(&r);
    }
}

// Heads outside of a set, held while it is ablated.
static void check_held(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    const cJSON *sets = fixture_at(golden, "held"), *set, *head;
    cJSON_ArrayForEach(set, sets)
    {
        struct oracle_run r;
        char what[128], label[64], heads[64] = "";
        cJSON_ArrayForEach(head, set) snprintf(heads + strlen(heads), sizeof heads - strlen(heads),
                                               "%s%s", *heads ? "," : "", head->string);
        oracle_run_settings(&r, m, device);
        r.settings.experiment = &experiment_partial;
        r.settings.sets = set->string;
        r.settings.restore = heads;
        oracle_run_open(&r);
        oracle_run_all(&r);
        snprintf(what, sizeof what, "%s, %s, held", m->name, device);
        cJSON_ArrayForEach(head, set)
        {
            snprintf(label, sizeof label, "%s~%s", set->string, head->string);
            check_rows(&r, label, head, what);
        }
        oracle_run_close(&r);
    }
}

static void held_heads_agree(void **state)
{
    (void)state;
    each(check_held);
}

static void heads_given_back_agree(void **state)
{
    (void)state;
    each(check_partial);
}

static double mean_of(const cJSON *list)
{
    double sum = 0;
    int n = cJSON_GetArraySize(list);
    for (int i = 0; i < n; i++)
        sum += fixture_nth(list, (size_t)i) / n;
    return sum;
}

static void name_part(const struct direct_part *p, char *out, size_t size)
{
    if (p->kind == DIRECT_HEAD)
        snprintf(out, size, "head %u:%u", (unsigned)p->layer, (unsigned)p->head);
    else if (p->layer != NO_LAYER)
        snprintf(out, size, "%s %u", direct_kind_name(p->kind), (unsigned)p->layer);
    else
        snprintf(out, size, "%s", direct_kind_name(p->kind));
}

static void check_lens(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    struct oracle_run r;
    struct arena a = { 0 };
    struct lens *l;
    struct lens_estimates found;
    oracle_run_settings(&r, m, device);
    oracle_run_open(&r);
    struct measured_rows measured = session_measured_rows(r.session);
    CHECK(lens_make(r.session, NULL, &a, &l, &err));
    CHECK(lens_estimates_make(&measured, NULL, l, &found, &err));
    assert_int_equal(l->n_parts, cJSON_GetArraySize(fixture_at(golden, "direct")));
    for (size_t i = 0; i < l->n_parts; i++) {
        char name[32];
        name_part(&l->parts[i], name, sizeof name);
        golden_close(found.parts[i].ld.mean,
                     mean_of(fixture_at(fixture_at(golden, "direct"), name)), 1e-4,
                     "%s, %s, direct, %s", m->name, device, name);
    }
    golden_close(l->worst_sum, 0, 1e-4, "%s, %s, sum of the parts - ld", m->name, device);
    assert_int_equal(l->n_points, cJSON_GetArraySize(fixture_at(golden, "lens")));
    for (size_t i = 0; i < l->n_points; i++) {
        const struct lens_point *p = &l->points[i];
        const struct lens_point_estimate *e = &found.points[i];
        char name[32];
        snprintf(name, sizeof name, "%s@%u", site_name(p->site), (unsigned)p->layer);
        const cJSON *want = fixture_at(fixture_at(golden, "lens"), name);
        golden_close(e->ld.mean, mean_of(fixture_at(want, "ld")), 1e-4, "%s, %s ld", m->name, name);
        golden_close(e->logprob.mean, mean_of(fixture_at(want, "logprob")), 1e-4, "%s logprob",
                     name);
        golden_close(e->entropy.mean, mean_of(fixture_at(want, "entropy")), 1e-4, "%s entropy",
                     name);
        golden_close(e->rank.mean, mean_of(fixture_at(want, "rank")), 1e-9, "%s rank", name);
    }
    lens_estimates_release(&found);
    arena_release(&a);
    oracle_run_close(&r);
}

static void direct_effects_and_lens_agree(void **state)
{
    (void)state;
    each(check_lens);
}

static struct ov *make_ov(struct oracle_run *r, enum ov_kind kind, const uint32_t *sources,
                          size_t n_sources, struct arena *a)
{
    const struct model_shape *s = &r->session->model->shape;
    struct head_set heads
        = { arena_alloc(a, (size_t)s->n_layers * s->n_heads, sizeof *heads.heads), 0 };
    for (uint32_t l = 0; l < s->n_layers; l++)
        for (uint32_t h = 0; h < s->n_heads; h++)
            heads.heads[heads.n++] = (struct head){ l, h };
    struct ov_request q = { .kind = kind,
                            .heads = &heads,
                            .top_k = s->n_vocab, // every token, so that all scores can be looked at
                            .sources = sources,
                            .n_sources = n_sources };
    struct ov *ov;
    CHECK(ov_make(r->session, &q, NULL, a, &ov, &err));
    return ov;
}

// All tokens stand in `top`, best first: their scores by id against every step-th of the fixture.
static void check_scores(const struct ov_tokens *t, const cJSON *expected, int step,
                         const char *what)
{
    if (cJSON_IsNull(expected))
        return;
    for (size_t i = 0; i < t->n; i++) {
        assert_true(!i || t->top[i - 1].logit >= t->top[i].logit);
        assert_true(!i || t->bottom[i - 1].logit <= t->bottom[i].logit);
        if (t->top[i].id % (uint32_t)step == 0)
            golden_close((double)t->top[i].logit,
                         fixture_nth(expected, t->top[i].id / (uint32_t)step), 1e-4, "%s, token %u",
                         what, (unsigned)t->top[i].id);
    }
}

static void check_circuit(const struct ov *ov, const struct ov_head *h, const cJSON *want, int step,
                          const char *what)
{
    golden_close(h->copying, fixture_number(fixture_at(want, "copying")), eigenvalue_tolerance,
                 "%s, copying", what);
    for (uint32_t i = 0; i < ov->d_head; i++)
        golden_close(hypot(h->eigenvalues[i].re, h->eigenvalues[i].im),
                     fixture_nth(fixture_at(want, "moduli"), i), eigenvalue_tolerance,
                     "%s, eigenvalue %u", what, (unsigned)i);
    for (size_t i = 0; i < ov->n_sources; i++) {
        char id[16];
        snprintf(id, sizeof id, "%u", (unsigned)h->sources[i].id);
        const cJSON *source = fixture_at(fixture_at(want, "circuit"), id);
        golden_close(h->sources[i].vector_norm, fixture_number(fixture_at(source, "norm")), 1e-4,
                     "%s, norm of source %s", what, id);
        check_scores(&h->sources[i].tokens, fixture_at(source, "scores"), step, what);
        uint32_t own = 0;
        while (h->sources[i].tokens.top[own].id != h->sources[i].id)
            own++;
        assert_true(h->sources[i].own_rank <= own);
        assert_true(h->sources[i].own_logit == h->sources[i].tokens.top[own].logit);
    }
}

static void check_ov(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    struct oracle_run r;
    struct arena a = { 0 };
    int step = fixture_at(golden, "score_step")->valueint;
    oracle_run_settings(&r, m, device);
    oracle_run_open(&r);
    uint32_t sources[2];
    const cJSON *first = fixture_at(fixture_at(fixture_at(golden, "ov"), "0:0"), "circuit"), *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, first) sources[n++] = (uint32_t)atoi(item->string);
    const struct ov *mean = make_ov(&r, OV_MEAN_OUTPUT, NULL, 0, &a);
    const struct ov *circuit = make_ov(&r, OV_CIRCUIT, sources, n, &a);
    for (size_t i = 0; i < mean->n_heads; i++) {
        char name[16], what[96];
        snprintf(name, sizeof name, "%u:%u", (unsigned)mean->heads[i].layer,
                 (unsigned)mean->heads[i].head);
        snprintf(what, sizeof what, "%s, %s, ov of %s", m->name, device, name);
        const cJSON *want = fixture_at(fixture_at(golden, "ov"), name),
                    *output = fixture_at(want, "mean_output");
        golden_close(mean->heads[i].vector_norm, fixture_number(fixture_at(output, "norm")), 1e-4,
                     "%s", what);
        check_scores(&mean->heads[i].tokens, fixture_at(output, "scores"), step, what);
        check_circuit(circuit, &circuit->heads[i], want, step, what);
    }
    arena_release(&a);
    oracle_run_close(&r);
}

static void outputs_and_circuits_agree(void **state)
{
    (void)state;
    each(check_ov);
}

// Putting in the whole residual stream of the other prompt gives the other prompt's run, where both
// are equally long.
static void check_whole_patch(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    struct oracle_run r;
    oracle_run_settings(&r, m, device);
    r.settings.experiment = &experiment_patch;
    r.settings.direction = CORRUPT_TO_CLEAN;
    r.settings.sites = 1u << SITE_RESID_PRE | 1u << SITE_ATTN_OUT | 1u << SITE_Z;
    r.settings.positions = "all";
    oracle_run_open(&r);
    oracle_run_all(&r);
    const struct row_stats *rows = oracle_run_rows(&r, "resid_pre@0[all]");
    size_t n_equal = 0;
    for (size_t i = 0; i < r.table.n_prompts; i++) {
        const struct prompt *p = &r.session->prompts->items[i];
        if (p->n_ids != p->n_corrupt_ids)
            continue;
        n_equal++;
        golden_close(ld_of(&rows[i]), ld_of(&r.session->other[i]), 1e-6, "%s, %s, row %zu", m->name,
                     device, i);
        golden_close(ld_of(&r.session->other[i]), fixture_nth(fixture_at(golden, "other_ld"), i),
                     tolerance, "%s, %s, other run, row %zu", m->name, device, i);
    }
    if (strcmp(m->name, "tiny-gpt2") == 0)
        assert_true(n_equal > 0);
    oracle_run_close(&r);
}

static void the_whole_stream_is_the_other_run(void **state)
{
    (void)state;
    each(check_whole_patch);
}

// Putting in z of all heads of a layer puts in what attention writes, biases being the same in both
// runs.
static void add_all_heads(const struct session *session, struct variants *v, uint32_t layer)
{
    uint32_t n_heads = session->model->shape.n_heads;
    struct edit edits[32], out = { .site = SITE_ATTN_OUT,
                                   .layer = layer,
                                   .head = ALL_HEADS,
                                   .position = ALL_POSITIONS,
                                   .op = EDIT_SET,
                                   .source = SOURCE_ROW,
                                   .donor = DONOR_MAP_OTHER };
    char label[32];
    assert_true(n_heads <= 32);
    for (uint32_t h = 0; h < n_heads; h++) {
        edits[h] = out;
        edits[h].site = SITE_Z;
        edits[h].head = h;
    }
    snprintf(label, sizeof label, "z of layer %u", (unsigned)layer);
    struct variant all = { .label = label, .edits = edits, .n_edits = n_heads, .role = ROLE_PATCH };
    CHECK(variants_add(v, &all, NULL, &err));
    snprintf(label, sizeof label, "attn_out of layer %u", (unsigned)layer);
    struct variant whole = { .label = label, .edits = &out, .n_edits = 1, .role = ROLE_PATCH };
    CHECK(variants_add(v, &whole, NULL, &err));
}

static void check_all_heads(const struct oracle_model *m, const cJSON *golden, const char *device)
{
    (void)golden;
    struct oracle_run r;
    oracle_run_settings(&r, m, device);
    r.settings.experiment = &experiment_patch;
    oracle_run_open(&r);
    uint32_t n_layers = r.session->model->shape.n_layers;
    CHECK(variants_init(&r.variants, 2 * (size_t)n_layers, &err));
    for (uint32_t layer = 0; layer < n_layers; layer++)
        add_all_heads(r.session, &r.variants, layer);
    CHECK(results_init(&r.table, &r.variants, r.session->prompts->n, &err));
    CHECK(session_run(r.session, &r.table, NULL, NULL, NULL, &err));
    size_t n = r.table.n_prompts;
    double moved = 0;
    for (size_t layer = 0; layer < n_layers; layer++)
        for (size_t i = 0; i < n; i++) {
            const struct row_stats *rows = &r.table.rows[2 * layer * n];
            golden_close(ld_of(&rows[i]), ld_of(&rows[n + i]), 1e-5, "%s, %s, layer %zu, row %zu",
                         m->name, device, layer, i);
            moved = fmax(moved, fabs(ld_of(&rows[i]) - ld_of(&r.session->intact[i])));
        }
    assert_true(moved > 0.01); // otherwise nothing was put in
    oracle_run_close(&r);
}

static void all_heads_are_the_attention_output(void **state)
{
    (void)state;
    each(check_all_heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_oracles),
        cmocka_unit_test(patches_at_every_site_agree),
        cmocka_unit_test(ablations_of_every_kind_agree),
        cmocka_unit_test(heads_given_back_agree),
        cmocka_unit_test(held_heads_agree),
        cmocka_unit_test(direct_effects_and_lens_agree),
        cmocka_unit_test(outputs_and_circuits_agree),
        cmocka_unit_test(the_whole_stream_is_the_other_run),
        cmocka_unit_test(all_heads_are_the_attention_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
