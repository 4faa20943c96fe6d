// Every experiment against transformers in float64: tests/fixtures/experiments, written by tools/golden_experiments.py.
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

#include "base/file.h"
#include "lab/lens.h"
#include "lab/ov.h"
#include "lab/run.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"

#define FOLDER "tests/fixtures/experiments/"

// Of |expected|, at least of 1. What is found is within 2e-5, but for eigenvalues: those of matrices that are far from normal
// move by much more than the matrix does.
static const double tolerance = 1e-4, eigenvalue_tolerance = 1e-3;

static const struct fixture {
    const char *name, *model;
} fixtures[] = { { "tiny-gpt2", "data/models/tiny-gpt2" },
                 { "llama-gqa", "tests/fixtures/archs/llama-gqa" },
                 { "neox-parallel", "tests/fixtures/archs/neox-parallel" },
                 { "neox-sequential", "tests/fixtures/experiments/neox-sequential" } };

enum { N_FIXTURES = sizeof fixtures / sizeof *fixtures };

static struct abl_err err;

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s", err.text);                                                              \
    } while (0)

// ------------------------------------------------------------------------------------------------- fixtures

static cJSON *read_golden(const struct fixture *f)
{
    char path[128];
    struct file_bytes bytes;
    snprintf(path, sizeof path, FOLDER "%s.json", f->name);
    CHECK(file_read(path, 1 << 20, &bytes, ABL_FAILED, &err));
    cJSON *golden = cJSON_ParseWithLength(bytes.data, bytes.size);
    assert_non_null(golden);
    file_bytes_release(&bytes);
    return golden;
}

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!item)
        fail_msg("the fixture has no \"%s\"", key);
    return item;
}

static double number(const cJSON *list, size_t i)
{
    const cJSON *item = cJSON_GetArrayItem(list, (int)i);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

// ------------------------------------------------------------------------------------------------------ runs

struct run {
    struct run_settings settings;
    char data[128];
    struct lab *lab;
    struct variants variants;
    struct table table;
};

static void settings_of(struct run *r, const struct fixture *f, const char *device)
{
    run_settings_default(&r->settings);
    snprintf(r->data, sizeof r->data, FOLDER "%s.jsonl", f->name);
    r->settings.model = f->model;
    r->settings.data = r->data;
    r->settings.device = device;
    r->settings.n_threads = 2;
    r->settings.n_boot = 10;
}

static void run_all(struct run *r, const cJSON *golden)
{
    uint32_t donors[16];
    CHECK(lab_open(&r->settings, &r->lab, &err));
    for (size_t i = 0; golden && i < r->lab->prompts->n; i++)
        donors[i] = (uint32_t)number(at(golden, "donors"), i);
    if (golden) {
        uint32_t *kept = arena_alloc(&r->lab->arena, r->lab->prompts->n, sizeof *kept);
        assert_non_null(kept);
        memcpy(kept, donors, r->lab->prompts->n * sizeof *kept);
        r->lab->donors.resampled = kept;
    }
    CHECK(lab_variants(r->lab, &r->variants, &err));
    CHECK(table_init(&r->table, &r->variants, r->lab->prompts->n, &err));
    CHECK(lab_run(r->lab, &r->table, NULL, NULL, NULL, &err));
}

static void run_close(struct run *r)
{
    table_release(&r->table);
    variants_release(&r->variants);
    lab_free(r->lab);
}

static double ld_of(const struct row_stats *row)
{
    return (double)row->target_logit - (double)row->foil_logit;
}

// A variant's ld of every row against a list of the fixture.
static void check_rows(const struct run *r, const char *variant, const cJSON *expected,
                       const char *what)
{
    size_t n = r->table.n_prompts, v = variants_find(&r->variants, variant);
    if (v == SIZE_MAX)
        fail_msg("%s: no variant '%s'", what, variant);
    assert_int_equal(cJSON_GetArraySize(expected), n);
    for (size_t i = 0; i < n; i++)
        golden_close(ld_of(&r->table.rows[v * n + i]), number(expected, i), tolerance,
                     "%s, %s, row %zu", what, variant, i);
}

// A patch of a run into itself changes nothing, to the bit.
static void check_sham(const struct run *r, size_t v, const char *what)
{
    for (size_t i = 0; i < r->table.n_prompts; i++) {
        double found = ld_of(&r->table.rows[v * r->table.n_prompts + i]);
        double expected = ld_of(&r->lab->intact[i]);
        if (found != expected)
            fail_msg("%s, %s, row %zu: ld %.9g, expected %.9g", what, r->variants.items[v].label, i,
                     found, expected);
    }
}

// Calls check for each fixture on each device.
static void each(void (*check)(const struct fixture *f, const cJSON *golden, const char *device))
{
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t f = 0; f < N_FIXTURES; f++) {
        cJSON *golden = read_golden(&fixtures[f]);
        for (size_t d = 0; d < n; d++)
            check(&fixtures[f], golden, devices[d]);
        cJSON_Delete(golden);
    }
}

// ----------------------------------------------------------------------------------------------------- tests

static void check_prompts(const struct fixture *f, const cJSON *golden, const char *device)
{
    struct run r = { 0 };
    settings_of(&r, f, device);
    CHECK(lab_open(&r.settings, &r.lab, &err));
    for (size_t i = 0; i < r.lab->prompts->n; i++) {
        const struct prompt *p = &r.lab->prompts->items[i];
        const cJSON *ids = cJSON_GetArrayItem(at(golden, "ids"), (int)i);
        assert_int_equal(p->n_ids, cJSON_GetArraySize(ids));
        for (uint32_t k = 0; k < p->n_ids; k++)
            assert_int_equal(p->ids[k], (uint32_t)number(ids, k));
        golden_close(ld_of(&r.lab->intact[i]), number(at(golden, "ld"), i), tolerance,
                     "%s, %s, intact, row %zu", f->name, device, i);
    }
    lab_free(r.lab);
}

static void rows_are_the_oracles(void **state)
{
    (void)state;
    each(check_prompts);
}

static void check_patches(const struct fixture *f, const cJSON *golden, const char *device)
{
    static const char *const names[]
        = { [CLEAN_TO_CORRUPT] = "clean->corrupt", [CORRUPT_TO_CLEAN] = "corrupt->clean" };
    static const char *const positions[] = { "all", "-1,-2" };
    for (int direction = CLEAN_TO_CORRUPT; direction <= CORRUPT_TO_CLEAN; direction++)
        for (int p = 0; p < 2; p++) {
            struct run r = { 0 };
            char what[128];
            const cJSON *expected = at(at(golden, "patch"), names[direction]), *item;
            settings_of(&r, f, device);
            r.settings.experiment = EXPERIMENT_PATCH;
            r.settings.sites = (1u << N_SITES) - 1;
            r.settings.direction = (enum direction)direction;
            r.settings.positions = positions[p];
            run_all(&r, NULL);
            snprintf(what, sizeof what, "%s, %s, %s", f->name, device, names[direction]);
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
            run_close(&r);
        }
}

static void patches_at_every_site_agree(void **state)
{
    (void)state;
    each(check_patches);
}

static void check_ablations(const struct fixture *f, const cJSON *golden, const char *device)
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
        struct run r = { 0 };
        char what[128];
        const cJSON *expected = at(at(golden, "ablate"), kinds[k].name), *item;
        settings_of(&r, f, device);
        r.settings.ablation = kinds[k].how;
        run_all(&r, golden);
        snprintf(what, sizeof what, "%s, %s, %s", f->name, device, kinds[k].name);
        assert_int_equal(cJSON_GetArraySize(expected), r.variants.n);
        cJSON_ArrayForEach(item, expected) check_rows(&r, item->string, item, what);
        run_close(&r);
    }
}

static void ablations_of_every_kind_agree(void **state)
{
    (void)state;
    each(check_ablations);
}

static void check_partial(const struct fixture *f, const cJSON *golden, const char *device)
{
    const cJSON *sets = at(golden, "partial"), *set, *head, *source;
    cJSON_ArrayForEach(set, sets)
    {
        struct run r = { 0 };
        char what[128], label[64];
        settings_of(&r, f, device);
        r.settings.experiment = EXPERIMENT_PARTIAL;
        r.settings.sets = set->string;
        run_all(&r, NULL);
        snprintf(what, sizeof what, "%s, %s", f->name, device);
        cJSON_ArrayForEach(head, set) cJSON_ArrayForEach(source, head)
        {
            bool other = strcmp(source->string, "corrupt") == 0;
            snprintf(label, sizeof label, "%s~%s%s", set->string, other ? "corrupt " : "",
                     head->string);
            check_rows(&r, label, source, what);
        }
        run_close(&r);
    }
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
        sum += number(list, (size_t)i) / n;
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

static void check_lens(const struct fixture *f, const cJSON *golden, const char *device)
{
    struct run r = { 0 };
    struct arena a = { 0 };
    struct lens *l;
    settings_of(&r, f, device);
    CHECK(lab_open(&r.settings, &r.lab, &err));
    CHECK(lens_make(r.lab, NULL, &a, &l, &err));
    assert_int_equal(l->n_parts, cJSON_GetArraySize(at(golden, "direct")));
    for (size_t i = 0; i < l->n_parts; i++) {
        char name[32];
        name_part(&l->parts[i], name, sizeof name);
        golden_close(l->parts[i].ld.mean, mean_of(at(at(golden, "direct"), name)), 1e-4,
                     "%s, %s, direct, %s", f->name, device, name);
    }
    golden_close(l->worst_sum, 0, 1e-4, "%s, %s, sum of the parts - ld", f->name, device);
    assert_int_equal(l->n_points, cJSON_GetArraySize(at(golden, "lens")));
    for (size_t i = 0; i < l->n_points; i++) {
        const struct lens_point *p = &l->points[i];
        char name[32];
        snprintf(name, sizeof name, "%s@%u", site_name(p->site), (unsigned)p->layer);
        const cJSON *want = at(at(golden, "lens"), name);
        golden_close(p->ld.mean, mean_of(at(want, "ld")), 1e-4, "%s, %s ld", f->name, name);
        golden_close(p->logprob.mean, mean_of(at(want, "logprob")), 1e-4, "%s logprob", name);
        golden_close(p->entropy.mean, mean_of(at(want, "entropy")), 1e-4, "%s entropy", name);
        golden_close(p->rank.mean, mean_of(at(want, "rank")), 1e-9, "%s rank", name);
    }
    arena_release(&a);
    lab_free(r.lab);
}

static void direct_effects_and_lens_agree(void **state)
{
    (void)state;
    each(check_lens);
}

static struct ov *make_ov(struct run *r, enum ov_kind kind, const uint32_t *sources,
                          size_t n_sources, struct arena *a)
{
    const struct model_shape *s = &r->lab->model->shape;
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
    CHECK(ov_make(r->lab, &q, NULL, a, &ov, &err));
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
            golden_close((double)t->top[i].logit, number(expected, t->top[i].id / (uint32_t)step),
                         1e-4, "%s, token %u", what, (unsigned)t->top[i].id);
    }
}

static void check_circuit(const struct ov *ov, const struct ov_head *h, const cJSON *want, int step,
                          const char *what)
{
    golden_close(h->copying, at(want, "copying")->valuedouble, eigenvalue_tolerance, "%s, copying",
                 what);
    for (uint32_t i = 0; i < ov->d_head; i++)
        golden_close(hypot(h->eigenvalues[i].re, h->eigenvalues[i].im),
                     number(at(want, "moduli"), i), eigenvalue_tolerance, "%s, eigenvalue %u", what,
                     (unsigned)i);
    for (size_t i = 0; i < ov->n_sources; i++) {
        char id[16];
        snprintf(id, sizeof id, "%u", (unsigned)h->sources[i].id);
        const cJSON *source = at(at(want, "circuit"), id);
        golden_close(h->sources[i].vector_norm, at(source, "norm")->valuedouble, 1e-4,
                     "%s, norm of source %s", what, id);
        check_scores(&h->sources[i].tokens, at(source, "scores"), step, what);
        uint32_t own = 0;
        while (h->sources[i].tokens.top[own].id != h->sources[i].id)
            own++;
        assert_true(h->sources[i].own_rank <= own);
        assert_true(h->sources[i].own_logit == h->sources[i].tokens.top[own].logit);
    }
}

static void check_ov(const struct fixture *f, const cJSON *golden, const char *device)
{
    struct run r = { 0 };
    struct arena a = { 0 };
    int step = at(golden, "score_step")->valueint;
    settings_of(&r, f, device);
    CHECK(lab_open(&r.settings, &r.lab, &err));
    uint32_t sources[2];
    const cJSON *first = at(at(at(golden, "ov"), "0:0"), "circuit"), *item;
    size_t n = 0;
    cJSON_ArrayForEach(item, first) sources[n++] = (uint32_t)atoi(item->string);
    const struct ov *mean = make_ov(&r, OV_MEAN_OUTPUT, NULL, 0, &a);
    const struct ov *circuit = make_ov(&r, OV_CIRCUIT, sources, n, &a);
    for (size_t i = 0; i < mean->n_heads; i++) {
        char name[16], what[96];
        snprintf(name, sizeof name, "%u:%u", (unsigned)mean->heads[i].layer,
                 (unsigned)mean->heads[i].head);
        snprintf(what, sizeof what, "%s, %s, ov of %s", f->name, device, name);
        const cJSON *want = at(at(golden, "ov"), name), *output = at(want, "mean_output");
        golden_close(mean->heads[i].vector_norm, at(output, "norm")->valuedouble, 1e-4, "%s", what);
        check_scores(&mean->heads[i].tokens, at(output, "scores"), step, what);
        check_circuit(circuit, &circuit->heads[i], want, step, what);
    }
    arena_release(&a);
    lab_free(r.lab);
}

static void outputs_and_circuits_agree(void **state)
{
    (void)state;
    each(check_ov);
}

// Putting in the whole residual stream of the other prompt gives the other prompt's run, where both are equally long.
static void check_whole_patch(const struct fixture *f, const cJSON *golden, const char *device)
{
    struct run r = { 0 };
    settings_of(&r, f, device);
    r.settings.experiment = EXPERIMENT_PATCH;
    r.settings.direction = CORRUPT_TO_CLEAN;
    r.settings.sites = 1u << SITE_RESID_PRE | 1u << SITE_ATTN_OUT | 1u << SITE_Z;
    r.settings.positions = "all";
    run_all(&r, NULL);
    size_t v = variants_find(&r.variants, "resid_pre@0[all]"), n_equal = 0;
    assert_true(v != SIZE_MAX);
    for (size_t i = 0; i < r.table.n_prompts; i++) {
        const struct prompt *p = &r.lab->prompts->items[i];
        if (p->n_ids != p->n_corrupt_ids)
            continue;
        n_equal++;
        golden_close(ld_of(&r.table.rows[v * r.table.n_prompts + i]), ld_of(&r.lab->other[i]), 1e-6,
                     "%s, %s, row %zu", f->name, device, i);
        golden_close(ld_of(&r.lab->other[i]), number(at(golden, "other_ld"), i), tolerance,
                     "%s, %s, other run, row %zu", f->name, device, i);
    }
    if (strcmp(f->name, "tiny-gpt2") == 0)
        assert_true(n_equal > 0);
    run_close(&r);
}

static void the_whole_stream_is_the_other_run(void **state)
{
    (void)state;
    each(check_whole_patch);
}

// Putting in z of all heads of a layer puts in what attention writes, biases being the same in both runs.
static void add_all_heads(const struct lab *lab, struct variants *v, uint32_t layer)
{
    uint32_t n_heads = lab->model->shape.n_heads;
    struct edit edits[32], out = { .site = SITE_ATTN_OUT,
                                   .layer = layer,
                                   .head = ALL_HEADS,
                                   .position = ALL_POSITIONS,
                                   .op = EDIT_SET,
                                   .source = SOURCE_ROW,
                                   .donor = lab->donors.other };
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

static void check_all_heads(const struct fixture *f, const cJSON *golden, const char *device)
{
    (void)golden;
    struct run r = { 0 };
    settings_of(&r, f, device);
    r.settings.experiment = EXPERIMENT_PATCH;
    CHECK(lab_open(&r.settings, &r.lab, &err));
    uint32_t n_layers = r.lab->model->shape.n_layers;
    CHECK(variants_init(&r.variants, 2 * (size_t)n_layers, &err));
    for (uint32_t layer = 0; layer < n_layers; layer++)
        add_all_heads(r.lab, &r.variants, layer);
    CHECK(table_init(&r.table, &r.variants, r.lab->prompts->n, &err));
    CHECK(lab_run(r.lab, &r.table, NULL, NULL, NULL, &err));
    size_t n = r.table.n_prompts;
    double moved = 0;
    for (size_t layer = 0; layer < n_layers; layer++)
        for (size_t i = 0; i < n; i++) {
            const struct row_stats *rows = &r.table.rows[2 * layer * n];
            golden_close(ld_of(&rows[i]), ld_of(&rows[n + i]), 1e-5, "%s, %s, layer %zu, row %zu",
                         f->name, device, layer, i);
            moved = fmax(moved, fabs(ld_of(&rows[i]) - ld_of(&r.lab->intact[i])));
        }
    assert_true(moved > 0.01); // otherwise nothing was put in
    run_close(&r);
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
        cmocka_unit_test(direct_effects_and_lens_agree),
        cmocka_unit_test(outputs_and_circuits_agree),
        cmocka_unit_test(the_whole_stream_is_the_other_run),
        cmocka_unit_test(all_heads_are_the_attention_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
