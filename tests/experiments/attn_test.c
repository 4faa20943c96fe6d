// Attention patterns: what heads look at, against transformers in float64
// (tests/fixtures/experiments, written by tools/golden_attn.py and tools/golden_experiments.py),
// and edits of patterns behind windows and shared keys against the double-precision reference.
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

#include "experiments/attn.h"
#include "experiments/experiments.h"
#include "forward/observe.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"
#include "tests/support/oracle_run.h"
#include "tests/support/rig.h"

static const double tolerance = 1e-5; // of |expected|, at least of 1

enum { N_MODELS = 3 }; // of the oracle's: attn.json has no others

static struct abl_err err;

static void open_run(struct oracle_run *r, size_t model, const char *device, uint64_t mem)
{
    oracle_run_settings(r, &oracle_models[model], device);
    r->settings.mem = mem;
    r->settings.experiment = &experiment_attn;
    oracle_run_open(r);
}

static void check_scores(const struct attn *attn, const cJSON *golden, const char *what)
{
    const cJSON *heads = fixture_at(golden, "heads");
    assert_int_equal(attn->n_repeated, (uint32_t)fixture_number(fixture_at(golden, "n_repeated")));
    assert_int_equal(attn->n_heads, cJSON_GetArraySize(heads));
    for (size_t i = 0; i < attn->n_heads; i++) {
        const struct attn_head *h = &attn->heads[i];
        char label[32];
        snprintf(label, sizeof label, "%u:%u", h->head.layer, h->head.head);
        const cJSON *expected = fixture_at(heads, label);
        golden_close(h->entropy, fixture_number(fixture_at(expected, "entropy")), tolerance,
                     "%s, %s, entropy", what, label);
        golden_close(h->bos, fixture_number(fixture_at(expected, "bos")), tolerance, "%s, %s, bos",
                     what, label);
        for (int d = 0; d < N_DETECTORS; d++) {
            const char *name = detector_name((size_t)d);
            golden_close(h->score[d], fixture_number(fixture_at(expected, name)), tolerance,
                         "%s, %s, %s", what, label, name);
        }
    }
}

// One head's weights against a list of lists, a list a query.
static void check_pattern(const float *weights, uint32_t n, const cJSON *expected, const char *what)
{
    assert_int_equal(cJSON_GetArraySize(expected), n);
    for (uint32_t query = 0; query < n; query++) {
        const cJSON *row = cJSON_GetArrayItem(expected, (int)query);
        assert_int_equal(cJSON_GetArraySize(row), n);
        for (uint32_t key = 0; key < n; key++)
            golden_close((double)weights[query * n + key], fixture_nth(row, key), tolerance,
                         "%s, query %u, key %u", what, query, key);
    }
}

static void check_patterns(const struct attn *attn, const struct session *session,
                           const cJSON *golden, const char *what)
{
    const cJSON *patterns = fixture_at(golden, "pattern");
    const struct attn_row *row = &attn->rows[attn->n_rows - 1];
    assert_int_equal(row->row, 0);
    assert_int_equal(row->n_patterns, cJSON_GetArraySize(patterns));
    for (uint32_t i = 0; i < row->n_tokens; i++)
        assert_string_equal(row->tokens[i],
                            tokenizer_text(session->tokenizer, session->prompts->items[0].ids[i]));
    for (size_t i = 0; i < row->n_patterns; i++) {
        const struct attn_pattern *p = &row->patterns[i];
        char label[32], where[96];
        snprintf(label, sizeof label, "%u:%u", p->head.layer, p->head.head);
        snprintf(where, sizeof where, "%s, %s", what, label);
        check_pattern(p->weights, row->n_tokens, fixture_at(patterns, label), where);
    }
}

// Every head, from the last backwards.
static struct head_set every_head(const struct model_shape *s, struct arena *a)
{
    struct head_set out = { .n = (size_t)s->n_layers * s->n_heads };
    out.heads = arena_alloc(a, out.n, sizeof *out.heads);
    assert_non_null(out.heads);
    for (uint32_t i = 0; i < out.n; i++) {
        uint32_t k = (uint32_t)out.n - 1 - i;
        out.heads[i] = (struct head){ k / s->n_heads, k % s->n_heads };
    }
    return out;
}

static void check_model(size_t model, const cJSON *golden, const cJSON *scores, const char *device,
                        uint64_t mem)
{
    const char *name = oracle_models[model].name;
    struct arena a = { 0 };
    struct attn *attn;
    struct oracle_run r;
    char what[96];
    open_run(&r, model, device, mem);
    struct head_set heads = every_head(&r.session->model->shape, &a);
    size_t rows[] = { 2, 1, 0 };
    snprintf(what, sizeof what, "%s, %s, budget %u", name, device, (unsigned)mem);
    CHECK(attn_make(r.session, &heads, rows, 3, NULL, &a, &attn, &err));
    assert_int_equal(attn->n, r.session->prompts->n);
    check_scores(attn, fixture_at(scores, name), what);
    check_patterns(attn, r.session, golden, what);
    CHECK(attn_patterns(r.session, &heads, rows + 2, 1, NULL, &a, &attn, &err));
    assert_int_equal(attn->n_heads, 0);
    check_patterns(attn, r.session, golden, what);
    arena_release(&a);
    oracle_run_close(&r);
}

// All at once, and a prompt at a time.
static void heads_look_where_transformers_says(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    cJSON *scores = fixture_read("tests/fixtures/experiments/attn.json");
    for (size_t m = 0; m < N_MODELS; m++) {
        cJSON *golden = oracle_golden(&oracle_models[m]);
        for (size_t d = 0; d < 2 * n; d++)
            check_model(m, golden, scores, devices[d / 2], d % 2);
        cJSON_Delete(golden);
    }
    cJSON_Delete(scores);
}

static void a_cancelled_reading_is_interrupted(void **state)
{
    (void)state;
    struct arena a = { 0 };
    struct attn *attn = NULL;
    atomic_bool cancel = true;
    struct oracle_run r;
    open_run(&r, 0, "cpu", 0);
    struct head one = { 0, 0 };
    struct head_set heads = { .heads = &one, .n = 1 };
    size_t row = 0;
    assert_false(attn_make(r.session, &heads, &row, 1, &cancel, &a, &attn, &err));
    assert_int_equal(err.code, ABL_INTERRUPTED);
    assert_null(attn);
    arena_release(&a);
    oracle_run_close(&r);
}

// ------------------------------------------------------------------------- windows and shared keys

struct watch {
    const struct model_shape *shape;
    const cJSON *golden;
    const char *what;
    bool every_row;
    uint32_t n_seen; // layers
};

static bool compare(void *context, const struct observed *o, struct abl_err *e)
{
    (void)e;
    struct watch *w = context;
    uint32_t position = o->trie->position[o->trie->reads[0]], n = position + 1;
    for (uint32_t head = 0; head < w->shape->n_heads; head++) {
        char label[32];
        snprintf(label, sizeof label, "%u:%u", o->layer, head);
        for (uint32_t back = 0; back < (w->every_row ? n : 1); back++) {
            uint32_t query = position - back;
            const cJSON *row = cJSON_GetArrayItem(fixture_at(w->golden, label), (int)query);
            uint32_t r = w->every_row ? trie_node(o->trie, 0, back) : o->trie->read_of[0];
            for (uint32_t key = 0; key <= query; key++)
                golden_close((double)observed_weight(o, r, query - key, head),
                             fixture_nth(row, key), tolerance, "%s, %s, query %u, key %u", w->what,
                             label, query, key);
            for (uint32_t key = 0; key < n; key++)
                assert_int_equal(attn_sees(w->shape, o->layer, query, key),
                                 fixture_nth(row, key) > 0);
        }
    }
    w->n_seen++;
    return true;
}

static void a_window_hides_what_is_far(void **state)
{
    (void)state;
    const char *devices[2];
    size_t n = test_devices(devices);
    cJSON *all = fixture_read("tests/fixtures/experiments/attn.json");
    const cJSON *golden = fixture_at(all, "mistral");
    uint32_t ids[GOLDEN_MAX_IDS];
    struct prompt prompt = { .ids = ids };
    const cJSON *id;
    cJSON_ArrayForEach(id, fixture_at(golden, "ids")) ids[prompt.n_ids++]
        = (uint32_t)fixture_number(id);
    for (size_t d = 0; d < 2 * n; d++) {
        struct rig r;
        struct rig_settings s = { .device = devices[d / 2],
                                  .model = "tests/fixtures/archs/mistral",
                                  .prompts = &prompt,
                                  .n_prompts = 1 };
        rig_open(&r, &s);
        assert_true(r.model->shape.window && r.model->shape.window < prompt.n_ids);
        struct watch w
            = { &r.model->shape, fixture_at(golden, "pattern"), devices[d / 2], d % 2 == 0, 0 };
        struct observer o = { .sites = 1u << SITE_PATTERN,
                              .every_row = w.every_row,
                              .on_activation = compare,
                              .context = &w };
        CHECK(forward_observe(r.forward, &o, &err));
        assert_int_equal(w.n_seen, r.model->shape.n_layers);
        rig_close(&r);
    }
    cJSON_Delete(all);
}

enum { N_PROMPTS = 5, N_DONORS = 7, N_EDITS = 6 };

// Patterns of other prompts, some longer and some shorter; a knockout; more of a weight; two edits
// of one layer.
static void edits_of_patterns_agree_with_the_reference(void **state)
{
    (void)state;
    static const char *const models[]
        = { "tests/fixtures/archs/mistral", "tests/fixtures/archs/qwen2-window",
            "tests/fixtures/archs/llama-gqa", "tests/fixtures/archs/neox-parallel" };
    static const uint32_t donor[N_PROMPTS] = { 6, 2, 0, 5, 3 };
    const struct edit set = { .site = SITE_PATTERN,
                              .head = ALL_HEADS,
                              .position = ALL_POSITIONS,
                              .op = EDIT_SET,
                              .source = SOURCE_ROW };
    struct edit e[N_EDITS] = { set, set, set, set, set, set };
    e[1].head = 1, e[1].position = -1, e[1].layer = 1;
    e[2].head = 0, e[2].position = -3, e[2].layer = 1;
    e[3].op = EDIT_SCALE, e[3].factor = 0, e[3].source = SOURCE_NONE;
    e[4].op = EDIT_ADD, e[4].factor = -0.5f, e[4].layer = 1;
    e[5].op = EDIT_SCALE, e[5].factor = 1.5f, e[5].source = SOURCE_NONE, e[5].head = 1;
    struct variant items[] = { { .label = "all", .edits = e, .n_edits = 1 },
                               { .label = "last", .edits = e + 1, .n_edits = 1 },
                               { .label = "two", .edits = e + 1, .n_edits = 2 },
                               { .label = "off", .edits = e + 3, .n_edits = 1 },
                               { .label = "add", .edits = e + 4, .n_edits = 1 },
                               { .label = "more", .edits = e + 5, .n_edits = 1 } };
    struct variants v = { .items = items, .n = 6 };
    const char *devices[2];
    size_t n = test_devices(devices);
    for (size_t m = 0; m < 4; m++) {
        struct prompt *prompts = prompts_random(N_PROMPTS, 12, 60, 3 + m);
        struct prompt *donors = prompts_random(N_DONORS, 12, 60, 30 + m);
        for (size_t d = 0; d < 2 * n; d++) {
            struct rig r;
            struct rig_settings s = { .device = devices[d / 2],
                                      .model = models[m],
                                      .prompts = prompts,
                                      .n_prompts = N_PROMPTS,
                                      .donors = donors,
                                      .n_donors = N_DONORS,
                                      .donor_maps = { donor },
                                      .mem = d % 2 };
            rig_open(&r, &s);
            rig_run(&r, &v);
            rig_check(&r, &v, 1e-4, models[m]);
            rig_close(&r);
        }
        prompts_random_free(donors);
        prompts_random_free(prompts);
    }
}

// Each variant beside one that says the same at another site.
static void sites_of_attention_agree_with_each_other(void **state)
{
    (void)state;
    static const uint32_t donor[N_PROMPTS] = { 6, 2, 0, 5, 3 };
    struct edit z = { .site = SITE_Z,
                      .layer = 1,
                      .head = ALL_HEADS,
                      .position = ALL_POSITIONS,
                      .op = EDIT_SET,
                      .source = SOURCE_ROW };
    struct edit out = z, off = z, no_z, parts[2];
    out.site = SITE_ATTN_OUT;
    off.site = SITE_PATTERN, off.head = 2, off.source = SOURCE_NONE;
    no_z = off;
    no_z.site = SITE_Z;
    parts[0] = parts[1] = z; // the pattern and what it mixes
    parts[0].site = SITE_PATTERN, parts[1].site = SITE_V;
    struct variant items[] = { { .label = "z of all heads", .edits = &z, .n_edits = 1 },
                               { .label = "attn_out", .edits = &out, .n_edits = 1 },
                               { .label = "pattern off", .edits = &off, .n_edits = 1 },
                               { .label = "z off", .edits = &no_z, .n_edits = 1 },
                               { .label = "pattern and v", .edits = parts, .n_edits = 2 },
                               { .label = "z", .edits = &z, .n_edits = 1 } };
    struct variants v = { .items = items, .n = 6 };
    const char *devices[2];
    size_t n = test_devices(devices);
    struct prompt *prompts = prompts_random(N_PROMPTS, 12, 60, 3);
    struct prompt *donors = prompts_random(N_DONORS, 12, 60, 30);
    for (uint32_t p = 0; p < N_PROMPTS;
         p++) // all of pattern and v has a partner only at one length
        donors[donor[p]].n_ids = prompts[p].n_ids
            = prompts[p].n_ids < donors[donor[p]].n_ids ? prompts[p].n_ids : donors[donor[p]].n_ids;
    for (size_t d = 0; d < n; d++) {
        struct rig r;
        struct rig_settings s = { .device = devices[d],
                                  .model = "tests/fixtures/archs/mistral",
                                  .prompts = prompts,
                                  .n_prompts = N_PROMPTS,
                                  .donors = donors,
                                  .n_donors = N_DONORS,
                                  .donor_maps = { donor } };
        rig_open(&r, &s);
        rig_run(&r, &v);
        rig_check_pairs(&r, &v, 1e-5, devices[d]);
        rig_close(&r);
    }
    prompts_random_free(donors);
    prompts_random_free(prompts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_look_where_transformers_says),
        cmocka_unit_test(a_cancelled_reading_is_interrupted),
        cmocka_unit_test(a_window_hides_what_is_far),
        cmocka_unit_test(edits_of_patterns_agree_with_the_reference),
        cmocka_unit_test(sites_of_attention_agree_with_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
