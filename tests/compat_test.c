// --compat tinylab against transformers in float64 on padded batches: tests/fixtures/compat.json, written by
// tools/golden_compat.py.
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
#include "lab/run.h"
#include "report/compat.h"
#include "text/lab_split.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"
#include "tests/support/rig.h"

// Of |expected|, at least of 1. What raising probabilities to 1e-8 adds to kl_div is far above the second.
static const double tolerance = 1e-4, fine = 3e-6;

static const struct fixture {
    const char *name, *model;
} fixtures[] = { { "tiny-gpt2", "data/models/tiny-gpt2" },
                 { "llama-gqa", "tests/fixtures/archs/llama-gqa" },
                 { "neox-parallel", "tests/fixtures/archs/neox-parallel" } };

enum { N_FIXTURES = sizeof fixtures / sizeof *fixtures };

static struct abl_err err;
static cJSON *golden;

#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s", err.text);                                                              \
    } while (0)

static int read_golden(void **state)
{
    (void)state;
    struct file_bytes bytes;
    if (!file_read("tests/fixtures/compat.json", 1 << 20, &bytes, ABL_FAILED, &err))
        return -1;
    golden = cJSON_ParseWithLength(bytes.data, bytes.size);
    file_bytes_release(&bytes);
    return golden ? 0 : -1;
}

static int free_golden(void **state)
{
    (void)state;
    cJSON_Delete(golden);
    return 0;
}

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!item)
        fail_msg("the fixture has no \"%s\"", key);
    return item;
}

static double number(const cJSON *item)
{
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

static const cJSON *settings_of(struct run *r, const struct fixture *f, const char *device)
{
    const cJSON *model = at(at(golden, "models"), f->name);
    run_settings_default(&r->settings);
    snprintf(r->data, sizeof r->data, "tests/fixtures/experiments/%s.jsonl", f->name);
    r->settings.model = f->model;
    r->settings.data = r->data;
    r->settings.device = device;
    r->settings.n_threads = 2;
    r->settings.n_boot = 10;
    r->settings.compat = COMPAT_TINYLAB;
    r->settings.max_rows = (size_t)number(at(model, "n_rows"));
    return model;
}

static void run_all(struct run *r)
{
    CHECK(lab_open(&r->settings, &r->lab, &err));
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

static void check_lds(const struct row_stats *rows, size_t n, const cJSON *expected,
                      const char *what)
{
    assert_int_equal(cJSON_GetArraySize(expected), n);
    for (size_t i = 0; i < n; i++)
        golden_close(ld_of(&rows[i]), number(cJSON_GetArrayItem(expected, (int)i)), tolerance,
                     "%s, row %zu", what, i);
}

// Its four metrics of every variant that the fixture has.
static void check_metrics(const struct run *r, const cJSON *expected)
{
    struct report report = { .lab = r->lab, .table = &r->table };
    const cJSON *v;
    cJSON_ArrayForEach(v, expected)
    {
        double means[N_COMPAT_METRICS];
        size_t variant = variants_find(&r->variants, v->string);
        if (variant == SIZE_MAX)
            fail_msg("no variant '%s'", v->string);
        compat_means(&report, variant, means);
        for (int m = 0; m < N_COMPAT_METRICS; m++) {
            const char *name = compat_metric_name((enum compat_metric)m);
            golden_close(means[m], number(at(v, name)), m == COMPAT_LOGIT_DIFF ? tolerance : fine,
                         "%s of %s", name, v->string);
        }
    }
}

// ----------------------------------------------------------------------------------------------------- tests

static void check_padding(const struct run *r, const cJSON *model)
{
    const struct prompts *p = r->lab->prompts;
    uint32_t length = (uint32_t)number(at(at(model, "clean"), "length"));
    uint32_t corrupt = (uint32_t)number(at(at(model, "corrupt"), "length"));
    assert_int_equal(p->pad, (uint32_t)number(at(model, "pad")));
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(p->items[i].n_ids, length);
        assert_int_equal(p->items[i].n_corrupt_ids, corrupt);
    }
}

static void check_intact(const struct fixture *f, const char *device)
{
    struct run r;
    const cJSON *model = settings_of(&r, f, device);
    run_all(&r);
    check_padding(&r, model);
    check_lds(r.lab->intact, r.lab->prompts->n, at(at(model, "clean"), "ld"), f->name);
    check_metrics(&r, at(model, "heads"));
    run_close(&r);
}

static void check_patches(const struct fixture *f, const char *device, enum direction direction)
{
    struct run r;
    const cJSON *model = settings_of(&r, f, device), *v;
    const char *name = direction == CLEAN_TO_CORRUPT ? "clean->corrupt" : "corrupt->clean";
    r.settings.experiment = EXPERIMENT_PATCH;
    r.settings.direction = direction;
    r.settings.sites = 1u << SITE_RESID_POST | 1u << SITE_Z;
    run_all(&r);
    cJSON_ArrayForEach(v, at(at(model, "patch"), name))
    {
        size_t n = r.table.n_prompts, number = variants_find(&r.variants, v->string);
        if (number == SIZE_MAX)
            fail_msg("%s: no variant '%s'", name, v->string);
        check_lds(&r.table.rows[number * n], n, at(v, "ld"), v->string);
    }
    check_metrics(&r, at(at(model, "patch"), name));
    run_close(&r);
}

static void check_patch(const struct fixture *f, const char *device)
{
    check_patches(f, device, CLEAN_TO_CORRUPT);
    check_patches(f, device, CORRUPT_TO_CLEAN);
}

// Every site, both directions, against the double-precision reference.
static void check_sites(const struct fixture *f, const char *device)
{
    for (int d = CLEAN_TO_CORRUPT; d <= CORRUPT_TO_CLEAN; d++) {
        struct run r = { .lab = NULL };
        struct rig rig;
        settings_of(&r, f, device);
        r.settings.experiment = EXPERIMENT_PATCH;
        r.settings.direction = (enum direction)d;
        r.settings.sites = (1u << N_SITES) - 1;
        r.settings.heads = "*:0";
        CHECK(lab_open_cold(&r.settings, &r.lab, &err));
        CHECK(lab_variants(r.lab, &r.variants, &err));
        struct rig_settings s = { .device = device,
                                  .model = f->model,
                                  .prompts = r.lab->prompts->items,
                                  .n_prompts = r.lab->prompts->n,
                                  .donors = r.lab->donors.prompts,
                                  .n_donors = r.lab->donors.n,
                                  .has_bos = true };
        rig_open(&rig, &s);
        rig_run(&rig, &r.variants);
        rig_check(&rig, &r.variants, tolerance, f->name);
        rig_close(&rig);
        variants_release(&r.variants);
        lab_free(r.lab);
    }
}

// Where both batches have one length, patching the residual stream at every position gives the other run, whatever the
// layer; behind the first it is not to the bit, as the last rows are computed among others.
static void check_source_run(const struct fixture *f, const char *device)
{
    struct run r;
    settings_of(&r, f, device);
    r.settings.experiment = EXPERIMENT_PATCH;
    r.settings.direction = CORRUPT_TO_CLEAN;
    run_all(&r);
    size_t n = r.table.n_prompts;
    assert_int_equal(r.lab->prompts->items[0].n_ids, r.lab->prompts->items[0].n_corrupt_ids);
    for (uint32_t layer = 0; layer < r.lab->model->shape.n_layers; layer++) {
        char label[32];
        snprintf(label, sizeof label, "resid_post@%u[all]", (unsigned)layer);
        const struct row_stats *rows = &r.table.rows[variants_find(&r.variants, label) * n];
        for (size_t i = 0; i < n; i++) {
            golden_close(rows[i].target_logit, r.lab->other[i].target_logit, 1e-5, "%s", label);
            golden_close(rows[i].foil_logit, r.lab->other[i].foil_logit, 1e-5, "%s", label);
            golden_close(rows[i].lse, r.lab->other[i].lse, 1e-5, "%s", label);
        }
    }
    run_close(&r);
}

// Zeroing a set and giving one of its heads back is zeroing the rest of the set.
static void check_given_back(const struct fixture *f, const char *device)
{
    struct run r, other;
    settings_of(&r, f, device);
    settings_of(&other, f, device);
    r.settings.experiment = EXPERIMENT_PARTIAL;
    r.settings.sets = "0:2+0:4";
    other.settings.heads = "0:4";
    run_all(&r);
    run_all(&other);
    size_t n = r.table.n_prompts, back = variants_find(&r.variants, "0:2+0:4~0:2");
    assert_true(back != SIZE_MAX);
    for (size_t i = 0; i < n; i++)
        golden_close(ld_of(&r.table.rows[back * n + i]), ld_of(&other.table.rows[i]), 1e-6,
                     "row %zu", i);
    run_close(&r);
    run_close(&other);
}

static void check_list(const struct split_file *f, enum split s, const cJSON *expected)
{
    assert_int_equal(f->n[s], cJSON_GetArraySize(expected));
    for (size_t i = 0; i < f->n[s]; i++)
        assert_int_equal(f->rows[s][i], (uint32_t)number(cJSON_GetArrayItem(expected, (int)i)));
}

static void splits_are_those_of_the_seed(void **state)
{
    (void)state;
    const cJSON *s;
    size_t n = 0;
    cJSON_ArrayForEach(s, at(golden, "splits"))
    {
        struct split_file f;
        CHECK(lab_split_draw((uint32_t)number(at(s, "n")), (uint64_t)number(at(s, "seed")),
                             number(at(s, "train_share")), number(at(s, "val_share")), &f, &err));
        check_list(&f, SPLIT_TRAIN, at(s, "train"));
        check_list(&f, SPLIT_VAL, at(s, "val"));
        check_list(&f, SPLIT_TEST, at(s, "test"));
        split_file_release(&f);
        n++;
    }
    assert_true(n >= 8);
}

static void each(void (*check)(const struct fixture *f, const char *device), size_t n_fixtures)
{
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t d = 0; d < n; d++)
        for (size_t f = 0; f < n_fixtures; f++)
            check(&fixtures[f], devices[d]);
}

#define TEST(name, check, n_fixtures)                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        each(check, n_fixtures);                                                                   \
    }
TEST(reads_padded_prompts_at_the_last_column, check_intact, N_FIXTURES)
TEST(patches_every_position_from_the_start, check_patch, N_FIXTURES)
TEST(patches_at_every_site_agree_with_the_reference, check_sites, N_FIXTURES)
TEST(residual_patches_give_the_source_run, check_source_run, 1)
TEST(giving_a_head_back_is_ablating_the_others, check_given_back, 1)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_padded_prompts_at_the_last_column),
        cmocka_unit_test(patches_every_position_from_the_start),
        cmocka_unit_test(patches_at_every_site_agree_with_the_reference),
        cmocka_unit_test(residual_patches_give_the_source_run),
        cmocka_unit_test(giving_a_head_back_is_ablating_the_others),
        cmocka_unit_test(splits_are_those_of_the_seed),
    };
    return cmocka_run_group_tests(tests, read_golden, free_golden);
}
