// The reference's gradients: against differences of its own runs, edited by a little of another
// prompt's activations, and against PyTorch's autograd in float64 (tests/fixtures/gradients, by
// tools/golden_gradients.py), for every architecture.
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

#include "base/arena.h"
#include "reference/gradient.h"
#include "reference/reference.h"
#include "tests/support/check.h"
#include "tests/support/fixture.h"
#include "tests/support/golden.h"

// The first N_AUTOGRAD have numbers of autograd.
static const char *const archs[] = { "gpt2",
                                     "gpt2-layer-scale",
                                     "llama-mha",
                                     "llama-gqa",
                                     "llama-llama3",
                                     "llama-linear",
                                     "llama-yarn",
                                     "llama-yarn-factors",
                                     "mistral",
                                     "mistral-full",
                                     "qwen2",
                                     "qwen2-window",
                                     "qwen3",
                                     "gemma",
                                     "gemma2",
                                     "gemma2-plain",
                                     "gemma3",
                                     "phi3",
                                     "phi3-long",
                                     "smollm3",
                                     "smollm3-gguf",
                                     "granite",
                                     "starcoder2",
                                     "gpt-neo",
                                     "olmo2",
                                     "olmo2-gqa",
                                     "neox-parallel",
                                     "neox-sequential",
                                     "neox-tied",
                                     "bigcode",
                                     "bigcode-mha",
                                     "bloom",
                                     "cohere",
                                     "cohere2",
                                     "gptj",
                                     "olmo",
                                     "olmo3",
                                     "opt",
                                     "phi",
                                     "stablelm",
                                     "stablelm-parallel" };
enum { N_AUTOGRAD = 29 };
enum { N_ARCHS = sizeof archs / sizeof *archs, MAX_LAYERS = 4 };

static struct abl_err err;

// What a run of the reference showed: activations and gradients of some prompts.
struct shown {
    struct reference_gradient *at; // [(prompt * MAX_LAYERS + layer) * N_GRADIENT_SITES + site]
    struct arena arena;
};

static const struct reference_gradient *shown_at(const struct shown *s, size_t prompt, size_t layer,
                                                 size_t site)
{
    return &s->at[(prompt * MAX_LAYERS + layer) * N_GRADIENT_SITES + site];
}

static bool keep(void *context, const struct reference_gradient *seen, struct abl_err *e)
{
    (void)e;
    struct shown *s = context;
    size_t n = seen->n_rows * seen->n_cols;
    double *copy = arena_alloc(&s->arena, 2 * n, sizeof *copy);
    assert_non_null(copy);
    assert_true(seen->layer < MAX_LAYERS);
    for (size_t i = 0; i < n; i++) {
        size_t from = i / seen->n_cols * seen->stride + i % seen->n_cols;
        copy[i] = seen->values[from];
        copy[n + i] = seen->gradient[from];
    }
    struct reference_gradient *to
        = &s->at[(seen->prompt * MAX_LAYERS + seen->layer) * N_GRADIENT_SITES + seen->site];
    *to = *seen;
    to->values = copy;
    to->gradient = copy + n;
    to->stride = seen->n_cols;
    return true;
}

struct bench {
    struct golden golden;
    struct model *model;
};

static void bench_open(struct bench *b, const char *arch)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fixtures/archs/%s-golden.json", arch);
    golden_open(path, &b->golden);
    CHECK(model_open(b->golden.model, OWNER_TRANSFORMERS_5, &b->model, &err));
}

static void bench_close(struct bench *b)
{
    model_free(b->model);
    golden_release(&b->golden);
}

static void gradients_of(const struct bench *b, enum gradient_of of, uint32_t token,
                         struct shown *out)
{
    size_t n = b->golden.n_rows;
    *out = (struct shown){ 0 };
    out->at = arena_alloc(&out->arena, n * MAX_LAYERS * N_GRADIENT_SITES, sizeof *out->at);
    assert_non_null(out->at);
    struct reference_gradient_job job = { .model = b->model,
                                          .prompts = b->golden.prompts,
                                          .n_prompts = n,
                                          .of = of,
                                          .token = token,
                                          .on_gradient = keep,
                                          .context = out };
    CHECK(reference_gradients(&job, &err));
}

// ------------------------------------------------------------------------------ finite differences

enum { N_STEPS = 4, N_POSITIONS = 2 };
static const double step = 1.0 / 8192;
static const int steps[N_STEPS] = { -2, -1, 1, 2 };
static const double factors[N_STEPS] = { 1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12 };

// Each activation of each layer moves by a little of what another prompt, or of patterns the same,
// has there: a variant for each step, of the last token and of the one before.
static void make_moves(const struct model_shape *s, struct edit *edits, struct variant *variants)
{
    size_t n = 0;
    for (uint32_t layer = 0; layer < s->n_layers; layer++)
        for (int site = 0; site < N_SITES; site++)
            for (int position = 0; position < N_POSITIONS; position++)
                for (int k = 0; k < N_STEPS; k++, n++) {
                    edits[n] = (struct edit){ .site = (enum site)site,
                                              .layer = layer,
                                              .head = ALL_HEADS,
                                              .position = -1 - position,
                                              .op = EDIT_ADD,
                                              .factor = (float)(steps[k] * step),
                                              .source = SOURCE_ROW,
                                              .donor = site == SITE_PATTERN };
                    variants[n]
                        = (struct variant){ .label = "moved", .edits = &edits[n], .n_edits = 1 };
                }
}

// The gradient along the move; false: a prompt is too short.
static bool along_move(const struct bench *b, const struct shown *s, const struct edit *e,
                       size_t row, size_t donor, double *out)
{
    const struct reference_gradient *own = shown_at(s, row, e->layer, e->site);
    const struct reference_gradient *its = shown_at(s, donor, e->layer, e->site);
    size_t back = (size_t)-e->position, n_own = own->n_tokens, n_its = its->n_tokens;
    if (back > n_own || back > n_its)
        return false;
    assert_int_equal(n_own, b->golden.prompts[row].n_ids);
    size_t width = e->site == SITE_PATTERN ? n_own * own->n_cols : own->n_cols;
    *out = 0;
    for (size_t c = 0; c < width; c++)
        *out += own->gradient[(n_own - back) * width + c] * its->values[(n_its - back) * width + c];
    return true;
}

struct moved {
    struct reference_row *intact, *rows;
    const uint32_t *donors[2];
    size_t n_checked, n_moved;
};

static void check_metric(const struct bench *b, const struct shown *s, const struct edit *edits,
                         size_t n_variants, enum metric metric, struct moved *m)
{
    size_t n = b->golden.n_rows;
    for (size_t v = 0; v < n_variants; v += N_STEPS)
        for (size_t i = 0; i < n; i++) {
            double found, expected = 0;
            if (!along_move(b, s, &edits[v], i, m->donors[edits[v].donor][i], &found))
                continue;
            for (size_t k = 0; k < N_STEPS; k++)
                expected += factors[k] / step
                            * reference_metric(metric, &m->rows[(v + k) * n + i], &m->intact[i]);
            golden_close(found, expected, 1e-6, "%s, %s of layer %u, position %d, row %zu",
                         b->golden.model, gradient_site_name(edits[v].site),
                         (unsigned)edits[v].layer, (int)edits[v].position, i);
            m->n_checked++;
            m->n_moved += fabs(found) > 1e-3;
        }
}

static void check_differences(const char *arch)
{
    struct bench b;
    bench_open(&b, arch);
    golden_thin(&b.golden, 2);
    size_t n = b.golden.n_rows;
    size_t n_variants = (size_t)b.model->shape.n_layers * N_SITES * N_POSITIONS * N_STEPS;
    struct edit *edits = calloc(n_variants, sizeof *edits);
    struct variants variants
        = { .items = calloc(n_variants, sizeof *variants.items), .n = n_variants };
    uint32_t *donors = calloc(2 * n, sizeof *donors);
    struct moved m = { .intact = calloc(n, sizeof *m.intact),
                       .rows = calloc(n_variants * n, sizeof *m.rows),
                       .donors = { donors, donors + n } };
    for (size_t i = 0; i < n; i++) {
        donors[i] = (uint32_t)((i + 1) % n);
        donors[n + i] = (uint32_t)i;
    }
    make_moves(&b.model->shape, edits, variants.items);
    struct reference_job job = { .model = b.model,
                                 .prompts = b.golden.prompts,
                                 .n_prompts = n,
                                 .donor_maps = m.donors,
                                 .variants = &variants };
    CHECK(reference_run(&job, m.intact, m.rows, &err));
    for (int of = 0; of < 2; of++) {
        struct shown s;
        gradients_of(&b, of ? GRADIENT_LOGPROB : GRADIENT_LD, 0, &s);
        check_metric(&b, &s, edits, n_variants, of ? METRIC_LOGPROB : METRIC_LD, &m);
        arena_release(&s.arena);
    }
    assert_true(m.n_checked >= 2 * N_SITES * (size_t)b.model->shape.n_layers);
    assert_true(4 * m.n_moved > m.n_checked);
    free(m.intact);
    free(m.rows);
    free(donors);
    free(variants.items);
    free(edits);
    bench_close(&b);
}

static void gradients_are_what_differences_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ARCHS; i++)
        check_differences(archs[i]);
}

// ----------------------------------------------------------------------------------------- autograd

// The sum of token and position embedding is rounded to fp32 here and kept in float64 there, which
// saturated attention makes more of.
static const double tolerance = 1e-5;

// As tools/golden_gradients.py sums up a gradient at a token.
static void check_tokens(const cJSON *tokens, const struct reference_gradient *g, const char *where)
{
    size_t width = g->n_rows / g->n_tokens * g->n_cols;
    assert_int_equal(cJSON_GetArraySize(tokens), (int)g->n_tokens);
    for (size_t i = 0; i < g->n_tokens; i++) {
        const cJSON *token = cJSON_GetArrayItem(tokens, (int)i);
        double dot = 0, squares = 0;
        for (size_t c = 0; c < width; c++) {
            double x = g->gradient[i * width + c];
            dot += x * cos(1 + 0.7 * (double)c);
            squares += x * x;
        }
        golden_close(dot, cJSON_GetArrayItem(token, 0)->valuedouble, tolerance,
                     "%s, %s of layer %u, token %zu, along the direction", where,
                     gradient_site_name(g->site), (unsigned)g->layer, i);
        golden_close(squares, cJSON_GetArrayItem(token, 1)->valuedouble, 2 * tolerance,
                     "%s, %s of layer %u, token %zu, squares", where, gradient_site_name(g->site),
                     (unsigned)g->layer, i);
    }
}

static void check_row(const struct bench *b, const cJSON *row, const struct shown *s,
                      const char *of)
{
    char where[160];
    size_t number = (size_t)cJSON_GetObjectItem(row, "row")->valueint;
    const cJSON *layers = cJSON_GetObjectItem(row, of);
    snprintf(where, sizeof where, "%s, row %zu, %s", b->golden.model, number, of);
    assert_int_equal(cJSON_GetArraySize(layers), (int)b->model->shape.n_layers);
    for (int layer = 0; layer < cJSON_GetArraySize(layers); layer++)
        for (size_t site = 0; site < N_GRADIENT_SITES; site++)
            check_tokens(
                cJSON_GetObjectItem(cJSON_GetArrayItem(layers, layer), gradient_site_name(site)),
                shown_at(s, number, (size_t)layer, site), where);
}

static void check_autograd(const char *arch)
{
    struct bench b;
    char path[128];
    bench_open(&b, arch);
    snprintf(path, sizeof path, "tests/fixtures/gradients/%s.json", arch);
    cJSON *golden = fixture_read(path);
    const cJSON *row, *rows = cJSON_GetObjectItem(golden, "rows");
    assert_string_equal(cJSON_GetObjectItem(golden, "model_sha256")->valuestring,
                        b.golden.model_sha256);
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    for (int of = 0; of < 2; of++) {
        struct shown s;
        gradients_of(&b, of ? GRADIENT_LOGPROB : GRADIENT_LD, 0, &s);
        cJSON_ArrayForEach(row, rows) check_row(&b, row, &s, of ? "logprob" : "ld");
        arena_release(&s.arena);
    }
    cJSON_Delete(golden);
    bench_close(&b);
}

static void gradients_are_those_of_autograd(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_AUTOGRAD; i++)
        check_autograd(archs[i]);
}

// ld is a difference of two logits, and so are its gradients.
static void gradients_of_logits_add_up(void **state)
{
    (void)state;
    struct bench b;
    struct shown ld, target, foil;
    bench_open(&b, "gemma2");
    for (size_t i = 0; i < b.golden.n_rows; i++) {
        b.golden.prompts[i].target = b.golden.prompts[0].target;
        b.golden.prompts[i].foil = b.golden.prompts[0].foil;
    }
    gradients_of(&b, GRADIENT_LD, 0, &ld);
    gradients_of(&b, GRADIENT_LOGIT, b.golden.prompts[0].target, &target);
    gradients_of(&b, GRADIENT_LOGIT, b.golden.prompts[0].foil, &foil);
    for (size_t i = 0; i < b.golden.n_rows; i++) {
        const struct reference_gradient *g = shown_at(&ld, i, 0, SITE_RESID_PRE);
        for (size_t k = 0; k < g->n_rows * g->n_cols; k++)
            golden_close(g->gradient[k],
                         shown_at(&target, i, 0, SITE_RESID_PRE)->gradient[k]
                             - shown_at(&foil, i, 0, SITE_RESID_PRE)->gradient[k],
                         1e-12, "row %zu, number %zu", i, k);
    }
    arena_release(&ld.arena);
    arena_release(&target.arena);
    arena_release(&foil.arena);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_what_differences_say),
        cmocka_unit_test(gradients_are_those_of_autograd),
        cmocka_unit_test(gradients_of_logits_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
