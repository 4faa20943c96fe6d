// --compat tinylab against transformers in float64 on padded batches: tests/fixtures/compat.json,
// written by tools/golden_compat.py.
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "experiments/experiments.h"
#include "report/compat.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/labelled.h"
#include "tests/support/oracle_run.h"
#include "tests/support/rig.h"
#include "tests/support/scratch.h"
#include "text/lab_split.h"

// Of |expected|, at least of 1. What raising probabilities to 1e-8 adds to divergences is far above
// the second.
static const double tolerance = 1e-4, fine = 3e-6;

static double tolerance_of(int metric)
{
    bool is_fine = metric == COMPAT_KL_DIV || metric == COMPAT_SEQ_KL_MEAN
                   || metric == COMPAT_ACC_FLIP_RATE || metric == COMPAT_P_DROP;
    return is_fine ? fine : tolerance;
}

enum { N_MODELS = 3 }; // of the oracle's: the fixture has no others

static struct abl_err err;
static cJSON *golden;

// llama-gqa with its tokenizer.json read as it stands, which is how the oracle reads it: there " m"
// is two tokens alone and one behind a prompt, so that sequences have two columns.
static struct scratch plain;

static void link_file(const char *name)
{
    char folder[PATH_MAX], from[2 * PATH_MAX];
    assert_non_null(realpath("tests/fixtures/archs/llama-gqa", folder));
    snprintf(from, sizeof from, "%s/%s", folder, name);
    assert_int_equal(symlink(from, scratch_path(&plain, name)), 0);
}

static int read_golden(void **state)
{
    static const char *const files[] = { "config.json",
                                         "tokenizer.json",
                                         "model.safetensors.index.json",
                                         "model-00001-of-00003.safetensors",
                                         "model-00002-of-00003.safetensors",
                                         "model-00003-of-00003.safetensors" };
    (void)state;
    golden = fixture_read("tests/fixtures/compat.json");
    scratch_make(&plain);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        link_file(files[i]);
    scratch_text(&plain, "tokenizer_config.json",
                 "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"bos_token\":\"<s>\"}");
    return 0;
}

static int free_golden(void **state)
{
    (void)state;
    scratch_remove(&plain);
    cJSON_Delete(golden);
    return 0;
}

// -------------------------------------------------------------------------------------------- runs

static const cJSON *settings_of(struct oracle_run *r, const struct oracle_model *m,
                                const char *device)
{
    const cJSON *model = fixture_at(fixture_at(golden, "models"), m->name);
    oracle_run_settings(r, m, device);
    if (strcmp(m->name, "llama-gqa") == 0)
        r->settings.model = plain.path;
    r->settings.compat = COMPAT_TINYLAB;
    r->settings.max_rows = (size_t)fixture_number(fixture_at(model, "n_rows"));
    return model;
}

static void run_all(struct oracle_run *r)
{
    oracle_run_open(r);
    oracle_run_all(r);
}

static void check_lds(const struct row_stats *rows, size_t n, const cJSON *expected,
                      const char *what)
{
    assert_int_equal(cJSON_GetArraySize(expected), n);
    for (size_t i = 0; i < n; i++)
        golden_close(ld_of(&rows[i]), fixture_nth(expected, i), tolerance, "%s, row %zu", what, i);
}

// Its metrics of every variant that the fixture has; what the fixture does not have is not measured.
static void check_metrics(const struct oracle_run *r, const cJSON *expected)
{
    struct report report = { .session = r->session, .results = &r->table };
    const cJSON *v;
    cJSON_ArrayForEach(v, expected)
    {
        double means[N_COMPAT_METRICS];
        size_t variant = labelled(&r->variants, v->string);
        if (variant == NO_VARIANT)
            fail_msg("no variant '%s'", v->string);
        compat_means(&report, variant, means);
        for (int m = 0; m < N_COMPAT_METRICS; m++) {
            const char *name = compat_metric_name((size_t)m);
            const cJSON *expected_mean = cJSON_GetObjectItem(v, name);
            if (expected_mean)
                golden_close(means[m], fixture_number(expected_mean), tolerance_of(m), "%s of %s",
                             name, v->string);
            else if (!isnan(means[m]))
                fail_msg("%s of %s: expected none, found %g", name, v->string, means[m]);
        }
    }
}

// ------------------------------------------------------------------------------------------- tests

static void check_padding(const struct oracle_run *r, const cJSON *model)
{
    const struct prompts *p = r->session->prompts;
    uint32_t length = (uint32_t)fixture_number(fixture_at(fixture_at(model, "clean"), "length"));
    uint32_t corrupt = (uint32_t)fixture_number(fixture_at(fixture_at(model, "corrupt"), "length"));
    assert_int_equal(p->pad, (uint32_t)fixture_number(fixture_at(model, "pad")));
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(p->items[i].n_ids, length);
        assert_int_equal(p->items[i].n_corrupt_ids, corrupt);
    }
}

static void check_intact(const struct oracle_model *m, const char *device)
{
    struct oracle_run r;
    const cJSON *model = settings_of(&r, m, device);
    r.settings.whole_answers = true;
    run_all(&r);
    check_padding(&r, model);
    check_lds(r.session->intact, r.session->prompts->n,
              fixture_at(fixture_at(model, "clean"), "ld"), m->name);
    check_metrics(&r, fixture_at(model, "heads"));
    oracle_run_close(&r);
}

// Pairs and larger sets; sequences were scored of heads and patches alone.
static void check_sets(const struct oracle_model *m, const char *device)
{
    struct oracle_run r;
    const cJSON *expected = fixture_at(settings_of(&r, m, device), "sets");
    r.settings.experiment = &experiment_sets;
    r.settings.sets = "0:1+0:2;0:0+0:1+0:3;0:3+1:2";
    run_all(&r);
    check_metrics(&r, expected);
    oracle_run_close(&r);
}

static void check_patches(const struct oracle_model *m, const char *device,
                          enum direction direction)
{
    struct oracle_run r;
    const cJSON *model = settings_of(&r, m, device), *v;
    const char *name = direction_name(direction);
    r.settings.experiment = &experiment_patch;
    r.settings.direction = direction;
    r.settings.whole_answers = true;
    r.settings.heads = "*:1";
    r.settings.sites
        = 1u << SITE_RESID_POST | 1u << SITE_ATTN_OUT | 1u << SITE_MLP_OUT | 1u << SITE_Z;
    run_all(&r);
    cJSON_ArrayForEach(v, fixture_at(fixture_at(model, "patch"), name))
    {
        check_lds(oracle_run_rows(&r, v->string), r.table.n_prompts, fixture_at(v, "ld"),
                  v->string);
    }
    check_metrics(&r, fixture_at(fixture_at(model, "patch"), name));
    oracle_run_close(&r);
}

static void check_patch(const struct oracle_model *m, const char *device)
{
    check_patches(m, device, CLEAN_TO_CORRUPT);
    check_patches(m, device, CORRUPT_TO_CLEAN);
}

// A run's own activations put in, compared with the run itself.
static void check_shams(const struct oracle_model *m, const char *device)
{
    for (int d = CLEAN_TO_CORRUPT; d <= CORRUPT_TO_CLEAN; d++) {
        struct oracle_run r;
        const cJSON *model = settings_of(&r, m, device);
        r.settings.experiment = &experiment_sham;
        r.settings.whole_answers = true;
        r.settings.direction = (enum direction)d;
        r.settings.sites = 1u << SITE_RESID_POST | 1u << SITE_ATTN_OUT | 1u << SITE_MLP_OUT;
        run_all(&r);
        check_metrics(&r, fixture_at(fixture_at(model, "sham"), direction_name((size_t)d)));
        oracle_run_close(&r);
    }
}

// Every site, both directions, against the double-precision reference.
static void check_sites(const struct oracle_model *m, const char *device)
{
    for (int d = CLEAN_TO_CORRUPT; d <= CORRUPT_TO_CLEAN; d++) {
        struct oracle_run r;
        struct rig rig;
        settings_of(&r, m, device);
        r.settings.experiment = &experiment_patch;
        r.settings.direction = (enum direction)d;
        r.settings.sites = (1u << N_SITES) - 1;
        r.settings.heads = "*:0";
        CHECK(session_open_cold(&r.settings, &r.session, &err));
        CHECK(experiment_variants(r.session, &r.variants, &err));
        struct rig_settings s
            = { .device = device,
                .model = m->folder,
                .prompts = r.session->prompts->items,
                .n_prompts = r.session->prompts->n,
                .donors = r.session->donors.prompts,
                .n_donors = r.session->donors.n,
                .donor_maps = { [DONOR_MAP_SELF] = r.session->donors.maps[DONOR_MAP_SELF],
                                [DONOR_MAP_OTHER] = r.session->donors.maps[DONOR_MAP_OTHER] },
                .has_bos = true };
        rig_open(&rig, &s);
        rig_run(&rig, &r.variants);
        rig_check(&rig, &r.variants, tolerance, m->name);
        rig_close(&rig);
        oracle_run_close(&r);
    }
}

// Where both batches have one length, patching the residual stream at every position gives the
// other run, whatever the layer; behind the first it is not to the bit, as the last rows are
// computed among others.
static void check_source_run(const struct oracle_model *m, const char *device)
{
    struct oracle_run r;
    settings_of(&r, m, device);
    r.settings.experiment = &experiment_patch;
    r.settings.direction = CORRUPT_TO_CLEAN;
    run_all(&r);
    size_t n = r.table.n_prompts;
    assert_int_equal(r.session->prompts->items[0].n_ids,
                     r.session->prompts->items[0].n_corrupt_ids);
    for (uint32_t layer = 0; layer < r.session->model->shape.n_layers; layer++) {
        char label[32];
        snprintf(label, sizeof label, "resid_post@%u[all]", (unsigned)layer);
        const struct row_stats *rows = oracle_run_rows(&r, label);
        for (size_t i = 0; i < n; i++) {
            golden_close(rows[i].target_logit, r.session->other[i].target_logit, 1e-5, "%s", label);
            golden_close(rows[i].foil_logit, r.session->other[i].foil_logit, 1e-5, "%s", label);
            golden_close(rows[i].lse, r.session->other[i].lse, 1e-5, "%s", label);
        }
    }
    oracle_run_close(&r);
}

// Zeroing a set and giving one of its heads back is zeroing the rest of the set.
static void check_given_back(const struct oracle_model *m, const char *device)
{
    struct oracle_run r, other;
    settings_of(&r, m, device);
    settings_of(&other, m, device);
    r.settings.experiment = &experiment_partial;
    r.settings.sets = "0:2+0:4";
    other.settings.heads = "0:4";
    run_all(&r);
    run_all(&other);
    const struct row_stats *back = oracle_run_rows(&r, "0:2+0:4~0:2");
    for (size_t i = 0; i < r.table.n_prompts; i++)
        golden_close(ld_of(&back[i]), ld_of(&other.table.rows[i]), 1e-6, "row %zu", i);
    oracle_run_close(&r);
    oracle_run_close(&other);
}

// A share of all rows is 1, not what so many shares of 1/n add up to.
static void shares_of_all_rows_are_one(void **state)
{
    (void)state;
    enum { MOST = 300 };
    static struct row_stats stats[MOST];
    static struct prompt items[MOST];
    for (size_t i = 0; i < MOST; i++)
        items[i].target = 1; // and the most likely one is 0
    for (size_t n = 1; n <= MOST; n++) {
        struct prompts prompts = { .items = items, .n = n };
        struct session session = { .prompts = &prompts, .intact = stats };
        struct results results = { .n_prompts = n, .rows = stats };
        struct report report = { .session = &session, .results = &results };
        double means[N_COMPAT_METRICS];
        compat_means(&report, 0, means);
        if (means[COMPAT_ACC_FLIP_RATE] != 1.0)
            fail_msg("%zu rows: found %.17g, expected 1", n, means[COMPAT_ACC_FLIP_RATE]);
    }
}

static void check_list(const struct split_file *f, enum split s, const cJSON *expected)
{
    assert_int_equal(f->n[s], cJSON_GetArraySize(expected));
    for (size_t i = 0; i < f->n[s]; i++)
        assert_int_equal(f->rows[s][i], (uint32_t)fixture_nth(expected, i));
}

static void splits_are_those_of_the_seed(void **state)
{
    (void)state;
    const cJSON *s;
    size_t n = 0;
    cJSON_ArrayForEach(s, fixture_at(golden, "splits"))
    {
        struct split_file f;
        CHECK(lab_split_draw((uint32_t)fixture_number(fixture_at(s, "n")),
                             (uint64_t)fixture_number(fixture_at(s, "seed")),
                             fixture_number(fixture_at(s, "train_share")),
                             fixture_number(fixture_at(s, "val_share")), &f, &err));
        check_list(&f, SPLIT_TRAIN, fixture_at(s, "train"));
        check_list(&f, SPLIT_VAL, fixture_at(s, "val"));
        check_list(&f, SPLIT_TEST, fixture_at(s, "test"));
        split_file_release(&f);
        n++;
    }
    assert_true(n >= 8);
}

static void each(void (*check)(const struct oracle_model *m, const char *device), size_t n_models)
{
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t d = 0; d < n; d++)
        for (size_t f = 0; f < n_models; f++)
            check(&oracle_models[f], devices[d]);
}

#define TEST(name, check, n_models)                                                                \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        each(check, n_models);                                                                     \
    }
TEST(reads_padded_prompts_at_the_last_column, check_intact, N_MODELS)
TEST(sets_are_read_at_the_last_column, check_sets, N_MODELS)
TEST(patches_every_position_from_the_start, check_patch, N_MODELS)
TEST(shams_change_nothing, check_shams, N_MODELS)
TEST(patches_at_every_site_agree_with_the_reference, check_sites, N_MODELS)
TEST(residual_patches_give_the_source_run, check_source_run, 1)
TEST(giving_a_head_back_is_ablating_the_others, check_given_back, 1)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_padded_prompts_at_the_last_column),
        cmocka_unit_test(sets_are_read_at_the_last_column),
        cmocka_unit_test(patches_every_position_from_the_start),
        cmocka_unit_test(shams_change_nothing),
        cmocka_unit_test(patches_at_every_site_agree_with_the_reference),
        cmocka_unit_test(residual_patches_give_the_source_run),
        cmocka_unit_test(giving_a_head_back_is_ablating_the_others),
        cmocka_unit_test(shares_of_all_rows_are_one),
        cmocka_unit_test(splits_are_those_of_the_seed),
    };
    return cmocka_run_group_tests(tests, read_golden, free_golden);
}
