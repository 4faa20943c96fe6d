// Every architecture against transformers in float64: small random models of odd sizes as it saves
// them, the same values as GGUF files, and the same model under the config.json keys of both of its
// generations (tools/golden_archs.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "plan/head_syntax.h"
#include "plan/variant.h"
#include "reference/reference.h"
#include "tests/support/check.h"
#include "tests/support/devices.h"
#include "tests/support/golden.h"
#include "tests/support/labelled.h"
#include "tests/support/rig.h"
#include "tests/support/scratch.h"
#include "text/tokenizer.h"

#define FOLDER "tests/fixtures/archs/"

// Of the largest difference over max(1, |expected|).
static const double engine_tolerance = 1e-3, reference_tolerance = 1e-5;

// What beside the folder there is of a model.
enum extras {
    OLDER = 1 << 0, // config.v4.json
    TEXTS = 1 << 1, // tokenizer.json, and prompts that are texts
    GGUF = 1 << 2,  // the same values as F32
    Q8_0 = 1 << 3,  // and as Q8_0, with numbers of its own
};

static const struct arch_model {
    const char *name;
    unsigned extras;
} archs[] = {
    { "gpt2", GGUF | Q8_0 },
    { "gpt2-layer-scale", 0 },
    { "llama-mha", 0 },
    { "llama-gqa", TEXTS | GGUF | Q8_0 },
    { "llama-llama3", OLDER | GGUF },
    { "llama-linear", OLDER | GGUF },
    { "llama-yarn", OLDER | GGUF },
    { "llama-yarn-factors", OLDER },
    { "mistral", OLDER },
    { "mistral-full", GGUF | Q8_0 },
    { "qwen2", GGUF | Q8_0 },
    { "qwen2-window", OLDER },
    { "qwen3", GGUF },
    { "gemma", OLDER | GGUF },
    { "gemma2", OLDER },
    { "gemma2-plain", 0 },
    { "gemma3", 0 },
    { "phi3", 0 },
    { "phi3-long", 0 },
    { "smollm3", OLDER },
    { "smollm3-gguf", GGUF },
    { "granite", OLDER | GGUF },
    { "starcoder2", OLDER },
    { "gpt-neo", 0 },
    { "gptj", 0 },
    { "phi", OLDER },
    { "opt", 0 },
    { "bigcode", 0 },
    { "bigcode-mha", 0 },
    { "olmo", OLDER },
    { "olmo3", 0 },
    { "stablelm", OLDER },
    { "stablelm-parallel", 0 },
    { "cohere", OLDER },
    { "cohere2", 0 },
    { "bloom", 0 },
    { "olmo2", OLDER | GGUF },
    { "olmo2-gqa", 0 },
    { "neox-parallel", OLDER | TEXTS | GGUF | Q8_0 },
    { "neox-sequential", OLDER },
    { "neox-tied", 0 },
};

enum { N_ARCHS = sizeof archs / sizeof *archs };

static struct abl_err err;
static struct scratch scratch;

static int make_scratch(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

// ------------------------------------------------------------------- numbers of one way to compute

// The largest difference so far, relative to max(1, |expected|), and where it is.
struct worst {
    double difference, found, expected;
    char where[160];
};

static void note(struct worst *w, double found, double expected, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void note(struct worst *w, double found, double expected, const char *format, ...)
{
    double difference = fabs(found - expected) / fmax(1.0, fabs(expected));
    if (difference <= w->difference && w->where[0])
        return;
    if (isnan(w->difference))
        return;
    *w = (struct worst){ .difference = difference, .found = found, .expected = expected };
    va_list args;
    va_start(args, format);
    vsnprintf(w->where, sizeof w->where, format, args);
    va_end(args);
}

// An engine, or the double-precision reference where device is NULL, on a golden file's rows.
struct way {
    const char *device;
    const struct golden *golden;
    struct rig rig;
    struct reference_row *intact, *rows; // of the reference: (n_rows), [variant * n_rows + row]
    struct worst worst;
};

static void way_open(struct way *w, const char *device, const char *model, const struct golden *g)
{
    *w = (struct way){ .device = device, .golden = g };
    if (device) {
        struct rig_settings s
            = { .device = device, .model = model, .prompts = g->prompts, .n_prompts = g->n_rows };
        rig_open(&w->rig, &s);
    } else {
        CHECK(model_open(model, OWNER_TRANSFORMERS_5, &w->rig.model, &err));
        w->intact = calloc(g->n_rows, sizeof *w->intact);
        assert_non_null(w->intact);
    }
}

static void way_close(struct way *w)
{
    if (w->device) {
        rig_close(&w->rig);
        return;
    }
    model_free(w->rig.model);
    free(w->intact);
    free(w->rows);
}

static void way_run(struct way *w, const struct variants *v)
{
    size_t n = w->golden->n_rows;
    if (w->device) {
        rig_run(&w->rig, v);
        return;
    }
    free(w->rows);
    w->rows = calloc(v->n * n, sizeof *w->rows);
    assert_non_null(w->rows);
    struct reference_job job
        = { .model = w->rig.model, .prompts = w->golden->prompts, .n_prompts = n, .variants = v };
    CHECK(reference_run(&job, w->intact, w->rows, &err));
}

static double intact_value(const struct way *w, enum metric m, size_t row)
{
    return w->device ? metric_value(m, &w->rig.intact[row], &w->rig.intact[row])
                     : reference_metric(m, &w->intact[row], &w->intact[row]);
}

static double delta_ld(const struct way *w, size_t variant, size_t row)
{
    size_t at = variant * w->golden->n_rows + row;
    return w->device ? metric_delta(METRIC_LD, &w->rig.rows[at], &w->rig.intact[row])
                     : reference_metric(METRIC_LD, &w->rows[at], &w->intact[row])
                           - intact_value(w, METRIC_LD, row);
}

// ---------------------------------------------------------------------- lists and what they expect

// Every head zeroed, in order.
static void compare_heads(struct way *w, enum value_bias bias)
{
    const struct golden *g = w->golden;
    struct head heads[GOLDEN_MAX_HEADS];
    struct variants v;
    size_t n = 0;
    for (uint32_t l = 0; l < g->n_layers; l++)
        for (uint32_t h = 0; h < g->n_heads; h++)
            heads[n++] = (struct head){ l, h };
    struct ablation zero = { .scale = 0.0f, .value_bias = bias };
    CHECK(variants_heads(heads, n, zero, &v, &err));
    way_run(w, &v);
    for (size_t i = 0; i < g->n_rows; i++) {
        note(&w->worst, intact_value(w, METRIC_LD, i), g->rows[i].ld, "row %zu, ld", i);
        note(&w->worst, intact_value(w, METRIC_LOGPROB, i), g->rows[i].logprob, "row %zu, logprob",
             i);
        for (size_t k = 0; k < v.n; k++)
            note(&w->worst, delta_ld(w, k, i), g->rows[i].by_head[bias].delta_ld[k],
                 "row %zu, %s zeroed, delta_ld", i, v.items[k].label);
    }
    variants_release(&v);
}

typedef const struct golden_sets *sets_of(const struct golden_row *row);

static const struct golden_sets *joint(const struct golden_row *row)
{
    return &row->joint;
}

static const struct golden_sets *half_folded(const struct golden_row *row)
{
    return &row->half[VALUE_BIAS_FOLDED];
}

static const struct golden_sets *half_head(const struct golden_row *row)
{
    return &row->half[VALUE_BIAS_HEAD];
}

// The sets that a golden file names.
static void make_sets(const struct way *w, const struct golden_sets *named, struct ablation how,
                      struct variants *v)
{
    struct arena arena = { 0 };
    struct head_set *sets;
    size_t n;
    char text[512] = "";
    assert_true(named->n > 0);
    for (size_t k = 0; k < named->n; k++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", k ? ";" : "",
                 named->items[k].label);
    CHECK(sets_parse(text, &w->rig.model->shape, &arena, &sets, &n, &err));
    CHECK(variants_sets(sets, n, how, v, &err));
    arena_release(&arena);
}

static void compare_sets(struct way *w, struct ablation how, sets_of *of)
{
    const struct golden *g = w->golden;
    struct variants v;
    make_sets(w, of(&g->rows[0]), how, &v);
    way_run(w, &v);
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct golden_sets *s = of(&g->rows[i]);
        for (size_t k = 0; k < s->n; k++) {
            size_t at = labelled(&v, s->items[k].label);
            assert_true(at != NO_VARIANT);
            note(&w->worst, delta_ld(w, at, i), s->items[k].delta_ld,
                 "row %zu, %s scaled by %g, delta_ld", i, s->items[k].label, (double)how.scale);
        }
    }
    variants_release(&v);
}

static void compare(const struct golden *g, const char *model, const char *device)
{
    struct way w;
    double tolerance = device ? engine_tolerance : reference_tolerance;
    way_open(&w, device, model, g);
    compare_heads(&w, VALUE_BIAS_FOLDED);
    compare_heads(&w, VALUE_BIAS_HEAD);
    struct ablation how = { .scale = 0.0f, .value_bias = VALUE_BIAS_FOLDED };
    compare_sets(&w, how, joint);
    how.scale = 0.5f;
    compare_sets(&w, how, half_folded);
    how.value_bias = VALUE_BIAS_HEAD;
    compare_sets(&w, how, half_head);
    way_close(&w);
    if (!device)
        device = "the reference";
    print_message("             %-14s %.1e at %s\n", device, w.worst.difference, w.worst.where);
    if (!(w.worst.difference <= tolerance))
        fail_msg("%s on %s, %s: found %.9g, expected %.9g, off by %.2g of max(1, |expected|), "
                 "tolerance %g",
                 model, device, w.worst.where, w.worst.found, w.worst.expected, w.worst.difference,
                 tolerance);
}

static void compare_everywhere(const struct golden *g, const char *model)
{
    const char *devices[2];
    size_t n = test_devices(devices);
    compare(g, model, NULL);
    for (size_t i = 0; i < n; i++)
        compare(g, model, devices[i]);
}

// ------------------------------------------------------------------------------------------- tests

static void path_of(const struct arch_model *a, const char *suffix, char out[128])
{
    snprintf(out, 128, FOLDER "%s%s", a->name, suffix);
}

static void agrees_with_transformers(void **state)
{
    const struct arch_model *a = *state;
    struct golden g;
    char path[128];
    path_of(a, "-golden.json", path);
    golden_open(path, &g);
    compare_everywhere(&g, g.model);
    golden_release(&g);
}

// The same numbers are expected as of the folder: F32 holds fp16 and bf16 exactly.
static void agrees_as_a_gguf_file(void **state)
{
    const struct arch_model *a = *state;
    struct golden g;
    char path[128], file[128];
    path_of(a, "-golden.json", path);
    path_of(a, ".gguf", file);
    golden_open(path, &g);
    compare_everywhere(&g, file);
    golden_release(&g);
}

static void agrees_as_a_quantised_gguf_file(void **state)
{
    const struct arch_model *a = *state;
    struct golden g;
    char path[128];
    path_of(a, "-q8_0-golden.json", path);
    golden_open(path, &g);
    compare_everywhere(&g, g.model);
    golden_release(&g);
}

static void copy_in(const char *folder, const char *from, const char *to)
{
    struct file_bytes bytes = { 0 };
    char *path = file_join(folder, from);
    CHECK(file_read(path, 1 << 20, &bytes, ABL_FAILED, &err));
    scratch_write(&scratch, to, bytes.data, bytes.size);
    file_bytes_release(&bytes);
    free(path);
}

// The weights behind the config.json that transformers 4 would have written.
static void agrees_under_older_keys(void **state)
{
    static const char *const files[]
        = { "model.safetensors", "model.safetensors.index.json", "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors" };
    const struct arch_model *a = *state;
    struct golden g;
    char path[128], to[128];
    path_of(a, "-golden.json", path);
    golden_open(path, &g);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *from = file_join(g.model, files[i]);
        snprintf(to, sizeof to, "%s/%s", a->name, files[i]);
        if (file_exists(from))
            copy_in(g.model, files[i], to);
        free(from);
    }
    snprintf(to, sizeof to, "%s/config.json", a->name);
    copy_in(g.model, "config.v4.json", to);
    compare(&g, scratch_path(&scratch, a->name), NULL);
    golden_release(&g);
}

static void check_answer(const struct tokenizer *t, const struct golden_row *r,
                         const struct token_ids *ids, const char *answer, uint64_t expected)
{
    uint32_t found;
    CHECK(tokenizer_continuation(t, r->clean, ids, answer, &found, &err));
    assert_int_equal(found, expected);
}

// Text to ids, BOS included, to the answers' ids where the file has their texts; what follows from
// ids is compared above.
static void compare_texts(const struct golden *g)
{
    struct tokenizer *t;
    uint32_t bos;
    CHECK(tokenizer_open(g->model, OWNER_TRANSFORMERS_5, &t, &err));
    CHECK(tokenizer_bos(t, BOS_AUTO, &bos, &err));
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct golden_row *r = &g->rows[i];
        struct token_ids ids = { 0 };
        CHECK(tokenizer_encode(t, r->clean, strlen(r->clean), &ids, &err));
        assert_int_equal(bos, r->ids[0]);
        assert_int_equal(ids.n, r->n_ids - 1);
        assert_memory_equal(ids.ids, r->ids + 1, ids.n * sizeof *ids.ids);
        if (r->target[0]) {
            check_answer(t, r, &ids, r->target, r->target_id);
            check_answer(t, r, &ids, r->foil, r->foil_id);
        }
        token_ids_release(&ids);
    }
    tokenizer_free(t);
}

static void reads_texts_as_the_tokenizers_library(void **state)
{
    const struct arch_model *a = *state;
    struct golden g;
    char path[128];
    path_of(a, "-golden.json", path);
    golden_open(path, &g);
    compare_texts(&g);
    golden_release(&g);
}

static void the_bundled_llama_agrees_with_transformers(void **state)
{
    (void)state;
    struct golden g;
    golden_open("tests/fixtures/tiny-llama-golden.json", &g);
    golden_thin(&g, 8);
    compare_everywhere(&g, g.model);
    golden_release(&g);
}

static void the_bundled_llama_reads_texts_as_the_tokenizers_library(void **state)
{
    (void)state;
    struct golden g;
    golden_open("tests/fixtures/tiny-llama-golden.json", &g);
    compare_texts(&g);
    golden_release(&g);
}

// A test of every kind for every model that has what it takes.
static const struct {
    const char *sentence;
    CMUnitTestFunction test;
    unsigned needs;
} kinds[] = {
    { "agrees with transformers", agrees_with_transformers, 0 },
    { "reads texts as the tokenizers library", reads_texts_as_the_tokenizers_library, TEXTS },
    { "agrees under older keys", agrees_under_older_keys, OLDER },
    { "agrees as a GGUF file", agrees_as_a_gguf_file, GGUF },
    { "agrees as a quantised GGUF file", agrees_as_a_quantised_gguf_file, Q8_0 },
};

enum { N_KINDS = sizeof kinds / sizeof *kinds, MAX_TESTS = 2 + N_KINDS * N_ARCHS };

int main(void)
{
    static char names[MAX_TESTS][64];
    struct CMUnitTest tests[MAX_TESTS] = {
        cmocka_unit_test(the_bundled_llama_agrees_with_transformers),
        cmocka_unit_test(the_bundled_llama_reads_texts_as_the_tokenizers_library),
    };
    size_t n = 2;
    for (size_t k = 0; k < N_KINDS; k++)
        for (size_t i = 0; i < N_ARCHS; i++)
            if ((archs[i].extras & kinds[k].needs) == kinds[k].needs) {
                snprintf(names[n], sizeof names[n], "%s %s", archs[i].name, kinds[k].sentence);
                tests[n] = (struct CMUnitTest){ .name = names[n],
                                                .test_func = kinds[k].test,
                                                .initial_state = (void *)(uintptr_t)&archs[i] };
                n++;
            }
    return _cmocka_run_group_tests("archs", tests, n, make_scratch, remove_scratch);
}
