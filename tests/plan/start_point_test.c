// Where variants leave the clean stream: every site in both kinds of layers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/savings.h"
#include "plan/start_point.h"

enum { LAYER = 2, N_HEADS = 4 };

static const struct model_shape sequential = { .n_layers = 4, .n_heads = N_HEADS },
                                parallel = { .n_layers = 4, .n_heads = N_HEADS, .parallel = true };

static struct edit zeroed(enum site site, uint32_t layer, uint32_t head)
{
    return (struct edit){
        .site = site, .layer = layer, .head = head, .position = ALL_POSITIONS, .op = EDIT_SET
    };
}

// Leaves everything as it is.
static struct edit identity(enum site site, uint32_t layer)
{
    struct edit e = zeroed(site, layer, ALL_HEADS);
    e.op = EDIT_SCALE;
    e.factor = 1;
    return e;
}

static void expect(const struct model_shape *shape, struct edit *edits, size_t n, unsigned left_out,
                   uint32_t layer, enum stage stage)
{
    struct variant v = { .edits = edits, .n_edits = n };
    struct start_point p = start_point_of(shape, &v, left_out);
    assert_int_equal(p.layer, layer);
    assert_int_equal(p.stage, stage);
}

// The stage of each site by itself; z is that of all heads.
static const struct {
    enum stage sequential, parallel;
} stages[N_SITES] = {
    [SITE_RESID_PRE] = { STAGE_START, STAGE_START },
    [SITE_Q] = { STAGE_START, STAGE_START },
    [SITE_K] = { STAGE_START, STAGE_START },
    [SITE_V] = { STAGE_START, STAGE_START },
    [SITE_PATTERN] = { STAGE_START, STAGE_START },
    [SITE_Z] = { STAGE_BESIDE, STAGE_BESIDE },
    [SITE_ATTN_OUT] = { STAGE_BESIDE, STAGE_BESIDE },
    [SITE_MLP_OUT] = { STAGE_PROJECTED, STAGE_ATTENDED },
    [SITE_RESID_POST] = { STAGE_DONE, STAGE_DONE },
};

static void each_site_has_its_stage(void **state)
{
    (void)state;
    for (int site = 0; site < N_SITES; site++) {
        struct edit e = zeroed((enum site)site, LAYER, ALL_HEADS);
        expect(&sequential, &e, 1, 0, LAYER, stages[site].sequential);
        expect(&parallel, &e, 1, 0, LAYER, stages[site].parallel);
    }
}

// Up to half of the heads count behind W_O.
static void few_heads_of_z_start_behind_the_projection(void **state)
{
    (void)state;
    struct edit edits[N_HEADS + 1];
    for (uint32_t n = 1; n <= N_HEADS; n++) {
        edits[n - 1] = zeroed(SITE_Z, LAYER, n - 1);
        edits[n] = edits[0]; // counts once
        edits[n].position = -1;
        enum stage expected = n <= 2 ? STAGE_PROJECTED : STAGE_BESIDE;
        expect(&sequential, edits, n + 1, 0, LAYER, expected);
        expect(&parallel, edits, n + 1, 0, LAYER, expected);
    }
}

static void the_first_layer_and_its_earliest_site_decide(void **state)
{
    (void)state;
    struct edit edits[]
        = { zeroed(SITE_RESID_PRE, LAYER + 1, ALL_HEADS), zeroed(SITE_RESID_POST, LAYER, ALL_HEADS),
            zeroed(SITE_MLP_OUT, LAYER, ALL_HEADS), zeroed(SITE_Z, LAYER + 1, ALL_HEADS) };
    expect(&sequential, edits, 4, 0, LAYER, STAGE_PROJECTED);
    expect(&parallel, edits, 4, 0, LAYER, STAGE_ATTENDED);
    expect(&sequential, edits, 2, 0, LAYER, STAGE_DONE);
    edits[3] = zeroed(SITE_Z, LAYER, 0);
    expect(&parallel, edits, 4, 0, LAYER, STAGE_ATTENDED);
    edits[0] = zeroed(SITE_K, LAYER, 0);
    expect(&sequential, edits, 4, 0, LAYER, STAGE_START);
}

static void what_changes_nothing_starts_nowhere(void **state)
{
    (void)state;
    struct edit edits[] = { identity(SITE_RESID_PRE, 0), identity(SITE_Q, LAYER),
                            zeroed(SITE_RESID_POST, LAYER, ALL_HEADS) };
    expect(&sequential, edits, 3, 0, LAYER, STAGE_DONE);
    for (unsigned left_out = 0; left_out <= ALL_SAVINGS; left_out++) {
        expect(&sequential, edits, 2, left_out, NO_LAYER, STAGE_START);
        expect(&sequential, NULL, 0, left_out, NO_LAYER, STAGE_START);
    }
}

static enum stage earlier(enum stage a, enum stage b)
{
    return a < b ? a : b;
}

static void savings_left_out_start_earlier(void **state)
{
    const unsigned others
        = ALL_SAVINGS & ~(unsigned)(SAVING_CLEAN_START | SAVING_ATTENTION | SAVING_LATE_START);
    (void)state;
    for (int site = 0; site < N_SITES; site++) {
        struct edit e = zeroed((enum site)site, LAYER, ALL_HEADS);
        enum stage whole = stages[site].sequential, beside = stages[site].parallel;
        expect(&sequential, &e, 1, others, LAYER, whole);
        expect(&parallel, &e, 1, others, LAYER, beside);
        expect(&sequential, &e, 1, SAVING_LATE_START, LAYER, earlier(whole, STAGE_ATTENDED));
        expect(&parallel, &e, 1, SAVING_LATE_START, LAYER, earlier(beside, STAGE_ATTENDED));
        expect(&sequential, &e, 1, SAVING_ATTENTION, LAYER, STAGE_START);
        expect(&sequential, &e, 1, SAVING_CLEAN_START, 0, STAGE_START);
    }
    struct edit one = zeroed(SITE_Z, LAYER, 0);
    expect(&sequential, &one, 1, others, LAYER, STAGE_PROJECTED);
    expect(&sequential, &one, 1, SAVING_LATE_START, LAYER, STAGE_ATTENDED);
}

static void expect_heads(struct edit *edits, size_t n, uint32_t heads)
{
    struct variant v = { .edits = edits, .n_edits = n };
    assert_int_equal(start_point_heads(&sequential, &v, LAYER), heads);
}

static void heads_are_those_whose_z_changes(void **state)
{
    (void)state;
    struct edit edits[] = {
        zeroed(SITE_Z, LAYER, 3),         zeroed(SITE_Z, LAYER, 3), zeroed(SITE_Z, LAYER + 1, 0),
        zeroed(SITE_Q, LAYER, 1),         identity(SITE_Z, LAYER),  zeroed(SITE_Z, LAYER, 0),
        zeroed(SITE_Z, LAYER, ALL_HEADS),
    };
    expect_heads(NULL, 0, 0);
    expect_heads(edits, 5, 1);
    expect_heads(edits, 6, 2);
    expect_heads(edits, 7, N_HEADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_site_has_its_stage),
        cmocka_unit_test(few_heads_of_z_start_behind_the_projection),
        cmocka_unit_test(the_first_layer_and_its_earliest_site_decide),
        cmocka_unit_test(what_changes_nothing_starts_nowhere),
        cmocka_unit_test(savings_left_out_start_earlier),
        cmocka_unit_test(heads_are_those_whose_z_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
