// What is particular to the Vulkan engine: devices, memory, windows and parts. The operations
// themselves are compared with scalar references in engine_*_test.c. Device tests are skipped where
// there is no device.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/engine.h"
#include "engine/vulkan/vulkan.h"

static struct abl_err err;

static void check(bool ok, const char *what, int line)
{
    if (!ok)
        fail_msg("line %d: %s failed: %s", line, what, err.text);
}
#define CHECK(call) check(call, #call, __LINE__)

static float random_float(struct rng *r)
{
    return (float)((double)(rng_next(r) >> 11) * 0x1p-52 - 1.0);
}

static float *random_floats(size_t n, uint64_t seed)
{
    struct rng r;
    rng_seed(&r, seed);
    float *p = malloc(n * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = random_float(&r);
    return p;
}

// The first device; skips the test where there is none or none is wanted.
static struct device_info first_device(void)
{
    struct device_info *list, first = { 0 };
    size_t n;
    char note[512];
    const char *wanted = getenv("ABLTUI_TEST_DEVICES");
    if (wanted && !strstr(wanted, "vulkan"))
        skip();
    CHECK(vulkan_device_list(&list, &n, note, sizeof note, &err));
    if (n > 0)
        first = list[0];
    free(list);
    if (n == 0) {
        print_message("no Vulkan device: %s\n", note);
        skip();
    }
    return first;
}

// Run by the shaders of one class: "texel", "tile", or NULL for its own.
static struct vulkan *open_device(const char *shaders)
{
    struct device_info first = first_device();
    if (shaders)
        setenv("ABLTUI_VULKAN_GEMM", shaders, 1);
    else
        unsetenv("ABLTUI_VULKAN_GEMM");
    struct engine *e;
    CHECK(vulkan_engine_open(&first, PRECISION_F32, &e, &err));
    unsetenv("ABLTUI_VULKAN_GEMM");
    return (struct vulkan *)e;
}

static void close_device(struct vulkan *v)
{
    v->engine.ops->free(&v->engine);
}

// Make the device look smaller than it is.
static void limit_writes(struct vulkan *v, uint32_t bytes)
{
    for (uint32_t i = 0; i < v->context.instance.n_devices; i++)
        v->context.instance.devices[i].limits.maxStorageBufferRange = bytes;
}

static struct tensor upload(struct vulkan *v, const float *from, uint32_t rows, uint32_t cols)
{
    struct tensor t;
    CHECK(vulkan_alloc(&v->engine, rows, cols, &t, &err));
    CHECK(vulkan_upload(&v->engine, t, from, &err));
    return t;
}

static float *download(struct vulkan *v, struct tensor t)
{
    float *p = malloc((size_t)t.rows * t.cols * sizeof *p);
    assert_non_null(p);
    CHECK(vulkan_download(&v->engine, t, p, &err));
    return p;
}

struct matrix {
    uint32_t k, n;
    bool out_in;
    const float *values;
};

static bool read_matrix(void *context, uint32_t first, uint32_t count, float *out,
                        struct abl_err *e)
{
    (void)e;
    const struct matrix *m = context;
    size_t cols = m->out_in ? m->k : m->n;
    memcpy(out, m->values + first * cols, count * cols * sizeof *out);
    return true;
}

static struct weight *load(struct vulkan *v, const float *values, uint32_t k, uint32_t n,
                           bool out_in)
{
    struct matrix m = { .k = k, .n = n, .out_in = out_in, .values = values };
    struct matrix_source source
        = { .k = k, .n = n, .out_in = out_in, .read = read_matrix, .context = &m };
    struct weight *w;
    CHECK(vulkan_weight_new(&v->engine, &source, &w, &err));
    return w;
}

static void assert_close(const char *what, const float *found, const double *expected, size_t n,
                         double tolerance)
{
    size_t worst = 0;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)found[i] - expected[i]);
        if (!(d <= most)) {
            most = d;
            worst = i;
        }
    }
    if (!(most <= tolerance))
        fail_msg("%s: found %.9g, expected %.9g at %zu of %zu, tolerance %g", what,
                 (double)found[worst], expected[worst], worst, n, tolerance);
}

static void assert_same(const char *what, const float *found, const float *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&found[i], &expected[i], sizeof *found) != 0)
            fail_msg("%s: found %.9g, expected %.9g at %zu of %zu", what, (double)found[i],
                     (double)expected[i], i, n);
}

// --- devices ---

static void device_list_describes_each_device(void **state)
{
    (void)state;
    first_device();
    struct device_info *list;
    size_t n;
    char note[512];
    CHECK(vulkan_device_list(&list, &n, note, sizeof note, &err));
    for (size_t i = 0; i < n; i++) {
        assert_true(list[i].name[0] && list[i].driver[0]);
        assert_int_equal(strspn(list[i].uuid, "0123456789abcdef"), 32);
        assert_true(list[i].memory > 0);
        assert_true(list[i].kind == DEVICE_VULKAN_GPU || list[i].kind == DEVICE_VULKAN_CPU);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(list[i].vulkan_index, list[k].vulkan_index);
    }
    free(list);
}

static void device_that_is_gone_is_named(void **state)
{
    (void)state;
    first_device();
    struct device_info gone = { .kind = DEVICE_VULKAN_GPU, .name = "Imaginary 9000" };
    struct engine *e;
    assert_false(vulkan_engine_open(&gone, PRECISION_F32, &e, &err));
    assert_int_equal(err.code, ABL_FAILED);
    assert_non_null(strstr(err.text, "Imaginary 9000"));
}

// What the lines about a device name has to be there.
static void lines_about_a_lost_device_name_what_there_is(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    struct vulkan_instance *in = &v->context.instance;
    char expected[512];
    in->n_devices = 1;
    assert_false(vulkan_check(&v->context, VK_ERROR_DEVICE_LOST, "wait for a result", &err));
    snprintf(expected, sizeof expected,
             "cannot wait for a result on '%s': VK_ERROR_DEVICE_LOST; its driver gave it up: run "
             "again, or choose --device cpu",
             v->engine.info.name);
    assert_string_equal(err.text, expected);
    // As if there were others, one of which will do.
    struct vulkan_device *only = in->devices, all[3] = { *only, *only, *only };
    all[1].lacks = "a compute queue";
    all[2].info.vulkan_index = 2;
    snprintf(all[2].info.name, sizeof all[2].info.name, "Imaginary 9000");
    in->devices = all;
    in->n_devices = 3;
    v->context.gpu = &all[0];
    assert_string_equal(vulkan_choice(&v->context).text,
                        "choose --device cpu, or --device vulkan:2 (Imaginary 9000)");
    v->context.halves = true; // the cpu has no f16
    v->context.gpu = &all[2];
    snprintf(expected, sizeof expected,
             "choose --device cpu --precision f32, or --device vulkan:%u (%s)",
             all[0].info.vulkan_index, all[0].info.name);
    assert_string_equal(vulkan_choice(&v->context).text, expected);
    in->devices = only;
    in->n_devices = 1;
    v->context.gpu = only;
    v->queue.failed = true;
    assert_false(v->engine.ops->finish(&v->engine, &err));
    snprintf(expected, sizeof expected,
             "'%s' has failed before and takes no more work; run again, or choose --device cpu "
             "--precision f32",
             v->engine.info.name);
    assert_string_equal(err.text, expected);
    close_device(v);
}

static void a_driver_runs_without_what_it_is_said_to_lack(void **state)
{
    (void)state;
    char *before = getenv("ABLTUI_VULKAN_WITHOUT") ? strdup(getenv("ABLTUI_VULKAN_WITHOUT")) : NULL;
    setenv("ABLTUI_VULKAN_WITHOUT", "push_descriptors,shuffles,workgroups_of_256", 1);
    struct vulkan *v = open_device("texel");
    const struct way *w = &v->context.way;
    assert_true(!w->push && !w->subgroups && !w->alone && !w->texels && w->threads == 128);
    assert_null(v->context.api->CmdPushDescriptorSetKHR);
    close_device(v);
    if (before)
        setenv("ABLTUI_VULKAN_WITHOUT", before, 1);
    else
        unsetenv("ABLTUI_VULKAN_WITHOUT");
    free(before);
}

static void without_a_driver_the_list_is_empty_and_says_why(void **state)
{
    (void)state;
    char *before = getenv("VK_ICD_FILENAMES") ? strdup(getenv("VK_ICD_FILENAMES")) : NULL;
    char *newer = getenv("VK_DRIVER_FILES") ? strdup(getenv("VK_DRIVER_FILES")) : NULL;
    setenv("VK_ICD_FILENAMES", "/nonexistent/driver.json", 1);
    unsetenv("VK_DRIVER_FILES"); // which goes first
    struct device_info *list, wanted = { .name = "any" };
    struct engine *e;
    size_t n = 1;
    char note[512] = "";
    bool listed = vulkan_device_list(&list, &n, note, sizeof note, &err);
    bool opened = vulkan_engine_open(&wanted, PRECISION_F32, &e, &err);
    if (before)
        setenv("VK_ICD_FILENAMES", before, 1);
    else
        unsetenv("VK_ICD_FILENAMES");
    if (newer)
        setenv("VK_DRIVER_FILES", newer, 1);
    free(before);
    free(newer);
    assert_true(listed);
    free(list);
    assert_int_equal(n, 0);
    assert_non_null(strstr(note, "no Vulkan"));
    assert_false(opened);
    assert_int_equal(err.code, ABL_FAILED);
}

// --- memory ---

static void alloc_and_release_do_not_grow_memory(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    uint64_t after_warm_up = 0;
    for (uint32_t i = 0; i < 600; i++) {
        struct tensor t[4];
        for (uint32_t k = 0; k < 4; k++)
            CHECK(vulkan_alloc(&v->engine, 100 + 37 * (i % 7) + k, 64 + i % 5 * 100, &t[k], &err));
        for (uint32_t k = 0; k < 4; k++)
            vulkan_release(&v->engine, &t[(k + i) % 4]);
        assert_null(t[0].buffer);
        if (i == 100)
            after_warm_up = v->memory.allocated;
    }
    assert_int_equal(v->memory.allocated, after_warm_up);
    close_device(v);
}

// Each turn reuses the buffers that the turn before released while its commands were still pending.
static void reused_buffer_keeps_pending_commands_apart(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    enum { TURNS = 40, COLS = 96 };
    struct tensor all;
    CHECK(vulkan_alloc(&v->engine, TURNS, COLS, &all, &err));
    float row[COLS];
    for (uint32_t i = 0; i < TURNS; i++) {
        for (uint32_t c = 0; c < COLS; c++)
            row[c] = (float)(1000 * i + c);
        static const uint32_t zero = 0;
        struct tensor t = upload(v, row, 1, COLS);
        struct index only;
        CHECK(vulkan_index_new(&v->engine, &zero, 1, &only, &err));
        CHECK(vulkan_gather(&v->engine, tensor_rows(all, i, 1), t, only, &err));
        vulkan_index_release(&v->engine, &only);
        vulkan_release(&v->engine, &t);
    }
    float *found = download(v, all);
    for (uint32_t i = 0; i < TURNS * COLS; i++)
        assert_int_equal((int)found[i], 1000 * (i / COLS) + i % COLS);
    free(found);
    close_device(v);
}

static void alloc_beyond_the_limits_is_an_error(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    struct tensor t = { 0 };
    assert_false(vulkan_alloc(&v->engine, UINT32_MAX, 65536, &t, &err));
    assert_int_equal(err.code, ABL_FAILED);
    assert_non_null(strstr(err.text, v->engine.info.name));
    assert_null(t.buffer);
    CHECK(vulkan_alloc(&v->engine, 3, 5, &t, &err)); // and the engine goes on
    close_device(v);
}

static void upload_larger_than_staging_arrives(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    enum { ROWS = 2600, COLS = 1024 }; // 10.2 MiB, padded rows
    float *from = random_floats((size_t)ROWS * COLS, 3);
    struct tensor t = upload(v, from, ROWS, COLS);
    assert_true(t.stride > t.cols);
    float *found = download(v, t);
    assert_same("upload", found, from, (size_t)ROWS * COLS);
    free(found);
    vulkan_release(&v->engine, &t);
    t = upload(v, from, 1, ROWS * COLS); // one row alone is larger
    found = download(v, t);
    assert_same("upload of one row", found, from, (size_t)ROWS * COLS);
    free(found);
    free(from);
    close_device(v);
}

static void many_submissions_stay_in_order(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    v->queue.work_limit = 1; // a submission for each command
    float one = 1.0f;
    struct tensor x = upload(v, &one, 1, 1), y = upload(v, &one, 1, 1);
    // x += y and y += x in turn: Fibonacci numbers.
    struct row_edit add = { .n_cols = 1, .keep = 1, .add = 1 };
    for (int i = 0; i < 30; i++)
        CHECK(vulkan_edit(&v->engine, i % 2 ? y : x, &add, 1, i % 2 ? x : y, &err));
    float *found = download(v, y);
    assert_int_equal((int)found[0], 2178309); // F(32)
    free(found);
    close_device(v);
}

// --- windows and parts: a device of small bindings computes the same bits ---

enum { ROWS = 45, COLS = 36, WIDE = 44, D_HEAD = 9, HEADS = 4 };

enum op { NORM, RMS_NORM, LINEAR, GATHER, EDIT, GATE, ROPE, ATTEND, N_OPS };
static const char *const op_names[N_OPS]
    = { "norm", "RMS norm in place", "linear", "gather", "edit", "gate", "rope", "attend" };

struct outputs {
    float *of[N_OPS];
};

// All operations into columns `offset` on of a wider tensor, whose other columns must stay as they
// are.
static void run_all(struct vulkan *v, uint32_t offset, struct outputs *o)
{
    struct engine *e = &v->engine;
    float *x_values = random_floats(ROWS * COLS, 11), *w_values = random_floats(COLS * COLS, 12);
    float *before = random_floats(ROWS * WIDE, 13);
    struct tensor x = upload(v, x_values, ROWS, COLS), wide = upload(v, before, ROWS, WIDE);
    struct tensor out = tensor_cols(wide, offset, COLS);
    struct tensor row = tensor_rows(x, 3, 1), none = { 0 };
    struct weight *w = load(v, w_values, COLS, COLS, true);
    struct norm_args norm = { .gain = row, .bias = row, .eps = 1e-5f, .groups = 1 };
    CHECK(vulkan_norm(e, out, x, &norm, &err));
    o->of[NORM] = download(v, out);
    struct norm_args rms
        = { .gain = tensor_cols(row, 0, D_HEAD), .eps = 1e-5f, .kind = NORM_RMS, .groups = HEADS };
    CHECK(vulkan_norm(e, out, out, &rms, &err));
    o->of[RMS_NORM] = download(v, out);
    struct epilogue gelu = { .bias = row, .act = ACT_GELU_TANH, .accumulate = true };
    CHECK(vulkan_linear(e, out, x, w, &gelu, &err));
    o->of[LINEAR] = download(v, out);

    uint32_t rows[ROWS], starts[ROWS + 1];
    struct row_edit edits[ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = i * 7 % ROWS;
        starts[i] = i;
        edits[i] = (struct row_edit){ .row = rows[i],
                                      .first_col = i % 9,
                                      .n_cols = 20,
                                      .keep = 0.5f,
                                      .add = 2,
                                      .source_row = i,
                                      .source_col = 3 };
    }
    starts[ROWS] = ROWS;
    struct attend_args args = { .q = x,
                                .k = x,
                                .v = x,
                                .n_heads = HEADS,
                                .n_kv_heads = HEADS,
                                .d_head = D_HEAD,
                                .scale = 0.3f };
    CHECK(vulkan_index_new(e, rows, ROWS, &args.contexts.rows, &err));
    CHECK(vulkan_index_new(e, starts, ROWS + 1, &args.contexts.start, &err));
    CHECK(vulkan_gather(e, out, x, args.contexts.rows, &err));
    o->of[GATHER] = download(v, out);
    CHECK(vulkan_edit(e, out, edits, ROWS, x, &err));
    o->of[EDIT] = download(v, out);
    CHECK(vulkan_gate(e, out, x, ACT_SILU, &err));
    o->of[GATE] = download(v, out);
    // Rows of x serve as the table, too.
    CHECK(vulkan_rope(e, out, tensor_cols(x, 4, 8), args.contexts.rows, 12, &err));
    o->of[ROPE] = download(v, out);
    CHECK(vulkan_attend(e, out, &args, &err));
    o->of[ATTEND] = download(v, out);
    CHECK(vulkan_edit(e, out, edits, 0, none, &err));
    float *after = download(v, wide);
    for (uint32_t i = 0; i < ROWS * WIDE; i++)
        if (i % WIDE < offset || i % WIDE >= offset + COLS)
            assert_same("column outside of the output", &after[i], &before[i], 1);
    vulkan_weight_free(e, w);
    free(before);
    free(after);
    free(x_values);
    free(w_values);
}

static void release_outputs(struct outputs *o)
{
    for (int i = 0; i < N_OPS; i++)
        free(o->of[i]);
}

static void compare_small_windows(const char *shaders, uint32_t offset)
{
    struct vulkan *v = open_device(shaders);
    struct outputs whole, parts;
    run_all(v, offset, &whole);
    uint32_t alignment = (uint32_t)v->context.gpu->limits.minStorageBufferOffsetAlignment;
    // 7 rows
    limit_writes(v, 2 * (alignment < 16 ? 16 : alignment) + 7 * WIDE * (uint32_t)sizeof(float));
    run_all(v, offset, &parts);
    for (int i = 0; i < N_OPS; i++)
        assert_same(op_names[i], parts.of[i], whole.of[i], ROWS * COLS);
    release_outputs(&whole);
    release_outputs(&parts);
    close_device(v);
}

static void small_output_windows_give_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t offset = 0; offset <= 4; offset++) {
        compare_small_windows("texel", offset);
        compare_small_windows("tile", offset);
    }
}

static void weight_in_parts_gives_the_same_bits(void **state)
{
    (void)state;
    enum { M = 21, K = 40, N = 700 };
    for (int tile = 0; tile < 2; tile++)
        for (int out_in = 0; out_in < 2; out_in++) {
            struct vulkan *v = open_device(tile ? "tile" : "texel");
            float *xs = random_floats(M * K, 1), *ws = random_floats(K * N, 2),
                  *bs = random_floats(N, 3);
            struct tensor x = upload(v, xs, M, K), bias = upload(v, bs, 1, N), out;
            struct epilogue epilogue = { .bias = bias };
            CHECK(vulkan_alloc(&v->engine, M, N, &out, &err));
            struct weight *whole = load(v, ws, K, N, out_in);
            assert_int_equal(whole->n_parts, 1);
            CHECK(vulkan_linear(&v->engine, out, x, whole, &epilogue, &err));
            float *expected = download(v, out);
            v->context.max_read = 48 * 1024;
            struct weight *parts = load(v, ws, K, N, out_in);
            assert_true(parts->n_parts > 2);
            CHECK(vulkan_linear(&v->engine, out, x, parts, &epilogue, &err));
            float *found = download(v, out);
            assert_same(tile ? "tile" : "texel", found, expected, M * N);
            vulkan_weight_free(&v->engine, whole);
            vulkan_weight_free(&v->engine, parts);
            free(expected);
            free(found);
            free(xs);
            free(ws);
            free(bs);
            close_device(v);
        }
}

// Enough rows and columns for tiles of 128; then, with little work allowed in a submission, 128
// rows at a time.
static void large_product_agrees_with_reference(void **state)
{
    (void)state;
    enum { M = 1500, K = 19, N = 1409 };
    struct vulkan *v = open_device("tile");
    float *xs = random_floats(M * K, 1), *ws = random_floats(K * N, 2);
    double *expected = calloc((size_t)M * N, sizeof *expected);
    assert_non_null(expected);
    for (size_t m = 0; m < M; m++)
        for (size_t n = 0; n < N; n++)
            for (size_t k = 0; k < K; k++)
                expected[m * N + n] += (double)xs[m * K + k] * ws[k * N + n];
    struct tensor x = upload(v, xs, M, K), out;
    struct weight *w = load(v, ws, K, N, false);
    CHECK(vulkan_alloc(&v->engine, M, N, &out, &err));
    for (int i = 0; i < 2; i++) {
        CHECK(vulkan_linear(&v->engine, out, x, w, NULL, &err));
        float *found = download(v, out);
        assert_close(i ? "in portions" : "at once", found, expected, (size_t)M * N, 4e-6);
        free(found);
        v->queue.work_limit = 1;
    }
    vulkan_weight_free(&v->engine, w);
    free(expected);
    free(xs);
    free(ws);
    close_device(v);
}

static bool read_nothing(void *context, uint32_t first, uint32_t count, float *out,
                         struct abl_err *e)
{
    (void)context;
    (void)out;
    return abl_fail(e, ABL_BAD_MODEL, "rows %u to %u are missing", first, first + count - 1);
}

static void error_of_a_source_is_passed_on(void **state)
{
    (void)state;
    struct vulkan *v = open_device(NULL);
    struct matrix_source source = { .k = 4, .n = 4, .read = read_nothing };
    struct weight *w = NULL;
    assert_false(vulkan_weight_new(&v->engine, &source, &w, &err));
    assert_int_equal(err.code, ABL_BAD_MODEL);
    assert_string_equal(err.text, "rows 0 to 3 are missing");
    assert_null(w);
    close_device(v);
}

// Blocks of few rows must give what one block gives; the base rows repeat and skip.
static void a_weight_beyond_fp16_is_an_error(void **state)
{
    (void)state;
    float values[6] = { 1, 2, 3, -65520, 5, 6 };
    for (int out_in = 0; out_in < 2; out_in++) {
        struct device_info first = first_device();
        struct engine *e;
        struct weight *w = NULL;
        CHECK(vulkan_engine_open(&first, PRECISION_F16, &e, &err));
        struct matrix m = { .values = values, .k = 3, .n = 2, .out_in = out_in };
        struct matrix_source source
            = { .k = 3, .n = 2, .out_in = out_in, .read = read_matrix, .context = &m };
        assert_false(vulkan_weight_new(e, &source, &w, &err));
        assert_string_equal(err.text,
                            "a weight of -65520 is beyond fp16's 65504: take --precision f32");
        assert_null(w);
        values[3] = -65504;
        CHECK(vulkan_weight_new(e, &source, &w, &err));
        values[3] = -65520;
        vulkan_weight_free(e, w);
        e->ops->free(e);
    }
}

static void readout_in_blocks_gives_the_same_bits(void **state)
{
    (void)state;
    enum { M = 60, K = 16, N = 515, BASES = 30 };
    static const uint64_t scratch[] = { UINT64_C(64) << 20, 9 * (N + 65) * 4, 1 };
    first_device();
    float *xs = random_floats(M * K, 5), *bs = random_floats(BASES * K, 6),
          *ws = random_floats(K * N, 7);
    struct readout_ask rows[M];
    struct row_stats stats[3][M];
    for (uint32_t i = 0; i < M; i++)
        rows[i] = (struct readout_ask){
            .row = i, .target = i * 8, .foil = N - 1 - i, .base = i / 5 * 2 + (i > 40)
        };
    for (int i = 0; i < 3; i++) {
        struct vulkan *v = open_device(NULL);
        v->logits_bytes = scratch[i];
        struct tensor x = upload(v, xs, M, K), base = upload(v, bs, BASES, K);
        struct weight *w = load(v, ws, K, N, false);
        CHECK(vulkan_readout(&v->engine, x, w, NULL, base, rows, M, stats[i], &err));
        assert_memory_equal(stats[i], stats[0], sizeof stats[0]);
        vulkan_weight_free(&v->engine, w);
        close_device(v);
    }
    free(xs);
    free(bs);
    free(ws);
}

// --- numbers at the edges ---

// y = x through the identity, then GELU.
static void gelu_is_right_far_from_zero(void **state)
{
    (void)state;
    static const float x[]
        = { 0,    1e-6f, -1e-6f, 0.1f, -0.1f, 1,   -1,   3,     -3,    5,      -5,
            6.5f, -6.5f, 9,      -9,   20,    -20, 1e3f, -1e3f, 1e10f, -1e10f, 1e20f };
    enum { N = sizeof x / sizeof *x };
    double expected[N];
    for (int i = 0; i < N; i++) {
        double v = x[i];
        expected[i] = v > 0 ? 1 : 0;
        if (fabs(v) < 1e3)
            expected[i] = 0.5 * v * (1 + tanh(sqrt(2 / acos(-1.0)) * (v + 0.044715 * v * v * v)));
        else
            expected[i] *= v;
    }
    float one = 1;
    for (int tile = 0; tile < 2; tile++) {
        struct vulkan *v = open_device(tile ? "tile" : "texel");
        struct tensor t = upload(v, x, N, 1), out;
        struct weight *w = load(v, &one, 1, 1, false);
        struct epilogue gelu = { .act = ACT_GELU_TANH };
        CHECK(vulkan_alloc(&v->engine, N, 1, &out, &err));
        CHECK(vulkan_linear(&v->engine, out, t, w, &gelu, &err));
        float *found = download(v, out);
        for (int i = 0; i < N; i++)
            assert_close("gelu", &found[i], &expected[i], 1, 2e-7 * fabs(expected[i]) + 1e-9);
        free(found);
        vulkan_weight_free(&v->engine, w);
        close_device(v);
    }
}

static void softmax_of_far_scores_picks_the_largest(void **state)
{
    (void)state;
    enum { N = 40 };
    static const float one = 1;
    float keys[N], values[N];
    uint32_t rows[N], starts[2] = { 0, N };
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = (i == 23 ? 3e4f : -3e4f + (float)i);
        values[i] = (float)(i + 100);
        rows[i] = i;
    }
    for (int tile = 0; tile < 2; tile++) {
        struct vulkan *v = open_device(tile ? "tile" : "texel");
        struct tensor z;
        struct attend_args args = { .q = upload(v, &one, 1, 1),
                                    .k = upload(v, keys, N, 1),
                                    .v = upload(v, values, N, 1),
                                    .n_heads = 1,
                                    .n_kv_heads = 1,
                                    .d_head = 1,
                                    .scale = 1 };
        CHECK(vulkan_alloc(&v->engine, 1, 1, &z, &err));
        CHECK(vulkan_index_new(&v->engine, starts, 2, &args.contexts.start, &err));
        CHECK(vulkan_index_new(&v->engine, rows, N, &args.contexts.rows, &err));
        CHECK(vulkan_attend(&v->engine, z, &args, &err));
        float *found = download(v, z);
        assert_true(found[0] == 123.0f);
        free(found);
        close_device(v);
    }
}

// A divergence far below the rounding of the logits' sums, and entropies near their ends.
static void readout_keeps_small_numbers(void **state)
{
    (void)state;
    enum { N = 3000 };
    first_device();
    float *w = random_floats(N, 9);
    w[77] = 40; // at x = 1 nearly everything lies here
    static const float xs[] = { 0, 1, 1e-3f, 1.01e-3f };
    enum { M = sizeof xs / sizeof *xs };
    struct readout_ask rows[M] = { { .row = 0, .base = 0 },
                                   { .row = 1, .base = 1 },
                                   { .row = 2, .base = 2 },
                                   { .row = 3, .base = 2 } };
    struct row_stats stats[M];
    struct vulkan *v = open_device(NULL);
    struct tensor x = upload(v, xs, M, 1);
    struct weight *weight = load(v, w, 1, N, true);
    CHECK(vulkan_readout(&v->engine, x, weight, NULL, x, rows, M, stats, &err));
    for (int i = 0; i < M; i++) {
        double b = xs[rows[i].base], top = 0, sum = 0, base_sum = 0, slope = 0, kl = 0;
        for (int k = 0; k < N; k++) // the largest logit is w[77] * x, or 0 at x = 0
            top += k == 77 ? xs[i] * 40.0 : 0;
        for (int k = 0; k < N; k++) {
            sum += k == 77 ? 0 : exp((double)w[k] * xs[i] - top);
            base_sum += exp((double)w[k] * b);
            slope += exp((double)w[k] * xs[i] - top) * ((double)w[k] * xs[i] - top);
        }
        for (int k = 0; k < N; k++) {
            double ln_p = (double)w[k] * xs[i] - top - log1p(sum),
                   ln_b = (double)w[k] * b - log(base_sum);
            kl += exp(ln_b) * (expm1(ln_p - ln_b) - (ln_p - ln_b));
        }
        double entropy = log1p(sum) - slope / (1 + sum);
        assert_close("entropy", &stats[i].entropy, &entropy, 1, 1e-6 * entropy);
        assert_close("kl", &stats[i].kl, &kl, 1, 1e-2 * kl + 1e-13);
    }
    assert_true(stats[3].kl > 0 && stats[3].kl < 1e-9f);
    assert_true(stats[1].entropy < 1e-10f);
    vulkan_weight_free(&v->engine, weight);
    free(w);
    close_device(v);
}

static void nan_is_not_hidden(void **state)
{
    (void)state;
    enum { K = 8, N = 40 };
    for (int tile = 0; tile < 2; tile++) {
        struct vulkan *v = open_device(tile ? "tile" : "texel");
        float *xs = random_floats(2 * K, 1), *ws = random_floats(K * N, 2);
        xs[K + 3] = NAN;
        struct tensor x = upload(v, xs, 2, K), out;
        struct weight *w = load(v, ws, K, N, false);
        struct readout_ask rows[2] = { { .row = 0 }, { .row = 1 } };
        struct row_stats stats[2];
        CHECK(vulkan_alloc(&v->engine, 2, N, &out, &err));
        for (int act = ACT_IDENTITY; act <= ACT_RELU; act++) {
            struct epilogue epilogue = { .act = (enum act)act };
            CHECK(vulkan_linear(&v->engine, out, x, w, &epilogue, &err));
            float *found = download(v, out);
            for (int i = 0; i < N; i++) {
                assert_true(isfinite(found[i]));
                assert_true(isnan(found[N + i]));
            }
            free(found);
        }
        CHECK(vulkan_readout(&v->engine, x, w, NULL, (struct tensor){ 0 }, rows, 2, stats, &err));
        assert_true(isfinite(stats[0].lse) && isnan(stats[1].lse));
        assert_true(stats[1].argmax < N);
        free(xs);
        free(ws);
        vulkan_weight_free(&v->engine, w);
        close_device(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_list_describes_each_device),
        cmocka_unit_test(device_that_is_gone_is_named),
        cmocka_unit_test(lines_about_a_lost_device_name_what_there_is),
        cmocka_unit_test(a_driver_runs_without_what_it_is_said_to_lack),
        cmocka_unit_test(without_a_driver_the_list_is_empty_and_says_why),
        cmocka_unit_test(alloc_and_release_do_not_grow_memory),
        cmocka_unit_test(reused_buffer_keeps_pending_commands_apart),
        cmocka_unit_test(alloc_beyond_the_limits_is_an_error),
        cmocka_unit_test(upload_larger_than_staging_arrives),
        cmocka_unit_test(many_submissions_stay_in_order),
        cmocka_unit_test(small_output_windows_give_the_same_bits),
        cmocka_unit_test(weight_in_parts_gives_the_same_bits),
        cmocka_unit_test(large_product_agrees_with_reference),
        cmocka_unit_test(error_of_a_source_is_passed_on),
        cmocka_unit_test(a_weight_beyond_fp16_is_an_error),
        cmocka_unit_test(readout_in_blocks_gives_the_same_bits),
        cmocka_unit_test(gelu_is_right_far_from_zero),
        cmocka_unit_test(softmax_of_far_scores_picks_the_largest),
        cmocka_unit_test(readout_keeps_small_numbers),
        cmocka_unit_test(nan_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
