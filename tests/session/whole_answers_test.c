// Whole answers where a loaded run's settings change, as the explorer changes them. Their scores
// are the business of span.sh.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "experiments/ov.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"
#include "tests/support/scratch.h"

static struct abl_err err;

// The prompts of tests/fixtures/span/tiny-gpt2.jsonl with answers of one token.
static const char one_token[]
    = "{\"clean\": \"Paris is the capital of\", \"target\": \" the\", \"foil\": \" in\"}\n"
      "{\"clean\": \"Tom said: no, the bag is\", \"target\": \" the\", \"foil\": \" in\"}\n"
      "{\"clean\": \"The cat is\", \"target\": \" the\", \"foil\": \" in\"}\n";

static struct settings settings_of(const char *data, const char *device)
{
    struct settings s;
    settings_default(&s, &experiment_heads);
    s.data = data;
    s.device = device;
    s.n_threads = 1;
    s.n_boot = 10;
    return s;
}

static struct settings whole_answers(const char *device)
{
    struct settings s = settings_of("tests/fixtures/span/tiny-gpt2.jsonl", device);
    s.whole_answers = true;
    return s;
}

// The direction that a head writes, and where it looks, are of the prompts alone.
static void check_readings(const char *device)
{
    struct scratch folder;
    struct session *labs[2];
    struct ov *ov[2];
    struct attn *attn[2];
    struct arena a = { 0 };
    struct head heads[] = { { 0, 2 }, { 3, 1 } };
    struct head_set set = { heads, 2 };
    size_t row = 1;
    struct ov_request ask = { .kind = OV_MEAN_OUTPUT, .heads = &set, .top_k = 5 };
    scratch_make(&folder);
    scratch_text(&folder, "rows.jsonl", one_token);
    for (int whole = 0; whole <= 1; whole++) {
        struct settings s = whole ? whole_answers(device)
                                  : settings_of(scratch_path(&folder, "rows.jsonl"), device);
        CHECK(session_open(&s, &labs[whole], &err));
        CHECK(ov_make(labs[whole], &ask, NULL, &a, &ov[whole], &err));
        CHECK(attn_make(labs[whole], &set, &row, 1, NULL, &a, &attn[whole], &err));
    }
    assert_null(labs[0]->answers);
    assert_true(labs[1]->answers->prompts.n > labs[1]->prompts->n);
    for (size_t h = 0; h < set.n; h++)
        for (uint32_t d = 0; d < ov[0]->d_model; d++)
            golden_close(ov[1]->heads[h].vector[d], ov[0]->heads[h].vector[d], 1e-5,
                         "column %u of head %zu", (unsigned)d, h);
    for (size_t h = 0; h < attn[0]->n_heads; h++)
        golden_close(attn[1]->heads[h].entropy, attn[0]->heads[h].entropy, 1e-5,
                     "entropy of head %zu", h);
    session_free(labs[0]);
    session_free(labs[1]);
    arena_release(&a);
    scratch_remove(&folder);
}

static void readings_are_of_the_prompts_alone(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t i = 0; i < n; i++)
        check_readings(devices[i]);
}

static void refused(const struct session *session, const char *why)
{
    struct variants v = { 0 };
    assert_false(experiment_variants(session, &v, &err));
    assert_int_equal(err.code, ABL_USAGE);
    if (!strstr(err.text, why))
        fail_msg("'%s' does not say '%s'", err.text, why);
}

static void what_they_cannot_be_scored_with_is_refused_later_too(void **state)
{
    (void)state;
    struct settings s = whole_answers("cpu");
    struct session *session;
    struct variants v;
    CHECK(session_open_cold(&s, &session, &err));
    struct settings *now = &session->settings;
    now->experiment = &experiment_lens;
    refused(session, "lens reads one token");
    now->experiment = &experiment_heads;
    now->ablation.kind = ABLATE_RESAMPLE;
    refused(session, "expected --ablate zero");
    now->ablation.kind = ABLATE_MEAN;
    refused(session, "expected --ablate zero");
    now->experiment = &experiment_patch; // ablates nothing, whatever was chosen for the heads
    now->positions = "last";
    refused(session, "expected --positions all");
    now->positions = NULL;
    CHECK(experiment_variants(session, &v, &err));
    variants_release(&v);
    session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_are_of_the_prompts_alone),
        cmocka_unit_test(what_they_cannot_be_scored_with_is_refused_later_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
