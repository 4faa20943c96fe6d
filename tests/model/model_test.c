// Checkpoint folders: tensor names and shapes, shards, what is refused and why, and where models
// are found.
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "model/model.h"
#include "tests/support/mini_model.h"

static const char data_dir[] = "data";

// Sizes that share no factor by accident.
static const struct mini_model mini = { .n_layers = 2,
                                        .n_heads = 3,
                                        .d_model = 6,
                                        .n_ctx = 5,
                                        .n_vocab = 11,
                                        .d_mlp = 7,
                                        .dtype = "F32",
                                        .seed = 1 };

static struct model *must_open(const char *path)
{
    struct model *m;
    struct abl_err err = { 0 };
    if (!model_open(path, OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("%s", err.text);
    return m;
}

static struct model *write_and_open(const struct scratch *s, const struct mini_model *m)
{
    mini_model_write(s, "mini", m);
    return must_open(scratch_path(s, "mini"));
}

// The error must name both: mostly the place and what was found or expected.
static void expect_error(const struct abl_err *err, const char *first, const char *second)
{
    if (err->code != ABL_BAD_MODEL || !strstr(err->text, first) || !strstr(err->text, second))
        fail_msg("found error %d '%s', expected 4 with '%s' and '%s'", (int)err->code, err->text,
                 first, second);
}

static void expect_open_fails(const struct scratch *s, const char *first, const char *second)
{
    struct model *m;
    struct abl_err err = { 0 };
    if (model_open(scratch_path(s, "mini"), OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("the model was opened, expected '%s' and '%s'", first, second);
    expect_error(&err, first, second);
}

static void expect_mini_refused(const struct scratch *s, const struct mini_model *m,
                                const char *first, const char *second)
{
    mini_model_write(s, "mini", m);
    expect_open_fails(s, first, second);
}

static void expect_values(const struct mini_model *mini_model, const char *name, uint64_t first,
                          const float *found, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        float expected = mini_model_value(mini_model, name, first + i);
        if (!(found[i] == expected))
            fail_msg("%s, element %" PRIu64 ": found %.9g, expected %.9g", name, first + i,
                     (double)found[i], (double)expected);
    }
}

// Pull a matrix in blocks of `block` file rows and compare all of it.
static void expect_matrix(const struct model *m, const struct mini_model *from,
                          enum model_matrix which, uint32_t layer, const char *name, uint32_t k,
                          uint32_t n, uint32_t block)
{
    struct matrix_source s;
    struct abl_err err;
    float out[512];
    model_matrix_source(m, which, layer, &s);
    assert_true(s.k == k && s.n == n);
    assert_true(s.out_in == (which == MATRIX_UNEMBED));
    uint32_t rows = s.out_in ? n : k, cols = s.out_in ? k : n;
    for (uint32_t at = 0; at < rows; at += block) {
        uint32_t count = rows - at < block ? rows - at : block;
        assert_true(count * cols <= sizeof out / sizeof *out);
        if (!s.read(s.context, at, count, out, &err))
            fail_msg("%s", err.text);
        expect_values(from, name, (uint64_t)at * cols, out, (uint64_t)count * cols);
    }
}

static void expect_vector(const struct model *m, const struct mini_model *from,
                          enum model_vector which, uint32_t layer, const char *name, uint32_t n)
{
    float out[512];
    struct abl_err err;
    assert_int_equal(model_vector_len(&m->shape, which), n);
    if (!model_read_vector(m, which, layer, out, &err))
        fail_msg("%s", err.text);
    expect_values(from, name, 0, out, n);
}

static void expect_embedding(const struct model *m, const struct mini_model *from)
{
    float out[64];
    struct abl_err err;
    uint32_t d = from->d_model;
    for (uint32_t token = 0; token < from->n_vocab; token++)
        for (uint32_t position = 0; position < from->n_ctx; position++) {
            if (!model_embed(m, token, position, out, &err))
                fail_msg("%s", err.text);
            for (uint32_t i = 0; i < d; i++) {
                float expected = mini_model_value(from, "wte.weight", (uint64_t)token * d + i)
                                 + mini_model_value(from, "wpe.weight", (uint64_t)position * d + i);
                if (!(out[i] == expected))
                    fail_msg("token %" PRIu32 " at %" PRIu32 ", element %" PRIu32
                             ": found %.9g, expected %.9g",
                             token, position, i, (double)out[i], (double)expected);
            }
        }
}

static const char *in_layer(uint32_t layer, const char *name)
{
    static char full[64];
    snprintf(full, sizeof full, "h.%" PRIu32 ".%s", layer, name);
    return full;
}

// Every weight of the model is the one of that name.
static void expect_all_weights(const struct model *m, const struct mini_model *f)
{
    uint32_t d = f->d_model, ff = f->d_mlp ? f->d_mlp : 4 * d;
    for (uint32_t i = 0; i < f->n_layers; i++) {
        expect_matrix(m, f, MATRIX_QKV, i, in_layer(i, "attn.c_attn.weight"), d, 3 * d, 4);
        expect_matrix(m, f, MATRIX_OUT, i, in_layer(i, "attn.c_proj.weight"), d, d, 1);
        expect_matrix(m, f, MATRIX_MLP_IN, i, in_layer(i, "mlp.c_fc.weight"), d, ff, 5);
        expect_matrix(m, f, MATRIX_MLP_OUT, i, in_layer(i, "mlp.c_proj.weight"), ff, d, 3);
        expect_vector(m, f, VECTOR_LN1_GAIN, i, in_layer(i, "ln_1.weight"), d);
        expect_vector(m, f, VECTOR_LN1_BIAS, i, in_layer(i, "ln_1.bias"), d);
        expect_vector(m, f, VECTOR_QKV_BIAS, i, in_layer(i, "attn.c_attn.bias"), 3 * d);
        expect_vector(m, f, VECTOR_OUT_BIAS, i, in_layer(i, "attn.c_proj.bias"), d);
        expect_vector(m, f, VECTOR_LN2_GAIN, i, in_layer(i, "ln_2.weight"), d);
        expect_vector(m, f, VECTOR_LN2_BIAS, i, in_layer(i, "ln_2.bias"), d);
        expect_vector(m, f, VECTOR_MLP_IN_BIAS, i, in_layer(i, "mlp.c_fc.bias"), ff);
        expect_vector(m, f, VECTOR_MLP_OUT_BIAS, i, in_layer(i, "mlp.c_proj.bias"), d);
    }
    // The layer means nothing to what no layer has.
    expect_vector(m, f, VECTOR_FINAL_GAIN, f->n_layers - 1, "ln_f.weight", d);
    expect_vector(m, f, VECTOR_FINAL_BIAS, 0, "ln_f.bias", d);
    // tied or not: version 5 takes what lies beside the embedding
    const char *unembed = f->flags & MINI_LM_HEAD ? "lm_head.weight" : "wte.weight";
    expect_matrix(m, f, MATRIX_UNEMBED, f->n_layers - 1, unembed, d, f->n_vocab, 7);
    expect_embedding(m, f);
}

static void every_layout_gives_the_weights_of_those_names(void **state)
{
    struct scratch *s = *state;
    static const char *const dtypes[] = { "F32", "F16", "BF16" };
    static const unsigned layouts[] = { 0,
                                        MINI_PREFIX,
                                        MINI_MASKS,
                                        MINI_PREFIX | MINI_MASKS | MINI_LM_HEAD,
                                        MINI_LM_HEAD | MINI_UNTIED,
                                        MINI_SHARDS,
                                        MINI_SHARDS | MINI_PREFIX | MINI_LM_HEAD | MINI_UNTIED };
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
            char folder[16];
            struct mini_model m = mini;
            m.dtype = dtypes[t];
            m.flags = layouts[i];
            m.seed = 10 * t + i;
            snprintf(folder, sizeof folder, "m%zu-%zu", t, i);
            mini_model_write(s, folder, &m);
            struct model *opened = must_open(scratch_path(s, folder));
            expect_all_weights(opened, &m);
            assert_string_equal(opened->dtype, dtypes[t]);
            assert_string_equal(opened->name, folder);
            // 11·6 + 5·6 + 2·(4·6 + (6·18 + 18) + (6·6 + 6) + (6·7 + 7) + (7·6 + 6)) + 2·6 = 686,
            // by hand
            assert_int_equal(opened->n_params, 686 + (m.flags & MINI_LM_HEAD ? 66 : 0));
            model_free(opened);
        }
}

static void the_shape_is_that_of_the_config(void **state)
{
    struct scratch *s = *state;
    struct model *m = write_and_open(s, &mini);
    const struct model_shape *h = &m->shape;
    assert_string_equal(h->arch, "gpt2");
    assert_true(h->n_layers == 2 && h->n_heads == 3 && h->n_kv_heads == 3 && h->d_head == 2);
    assert_true(h->d_model == 6 && h->d_mlp == 7 && h->n_ctx == 5 && h->n_vocab == 11);
    assert_true(h->norm_eps == 1e-5f && h->act == ACT_GELU_TANH && h->tied && h->has_value_bias);
    assert_true(h->attn_scale && !h->attn_scale_layer);
    struct stat st;
    assert_int_equal(stat(scratch_path(s, "mini/model.safetensors"), &st), 0);
    assert_int_equal(m->weight_bytes, st.st_size);
    model_free(m);
}

static void drop_c_fc_of_layer_1(struct mini_tensor *t)
{
    if (strcmp(t->name, "h.1.mlp.c_fc.weight") == 0)
        t->name[0] = '\0';
}

static void drop_wte(struct mini_tensor *t)
{
    if (strcmp(t->name, "wte.weight") == 0)
        t->name[0] = '\0';
}

static void swap_dims_of_c_fc(struct mini_tensor *t)
{
    if (strcmp(t->name, "h.0.mlp.c_fc.weight") != 0)
        return;
    uint64_t rows = t->dims[0];
    t->dims[0] = t->dims[1];
    t->dims[1] = rows;
}

static void flatten_c_proj(struct mini_tensor *t)
{
    if (strcmp(t->name, "h.0.attn.c_proj.weight") != 0)
        return;
    t->n_dims = 1;
    t->dims[0] *= t->dims[1];
}

static void add_a_row_to_lm_head(struct mini_tensor *t)
{
    if (strcmp(t->name, "lm_head.weight") == 0)
        t->dims[0]++;
}

static void ln_f_as_bytes(struct mini_tensor *t)
{
    if (strcmp(t->name, "ln_f.bias") == 0)
        t->dtype = "U8";
}

static void refuses_tensors_that_do_not_fit_the_config(void **state)
{
    struct scratch *s = *state;
    struct mini_model m = mini;
    m.spoil = drop_c_fc_of_layer_1;
    expect_mini_refused(s, &m, "no tensor 'h.1.mlp.c_fc.weight'", "not complete");
    m.spoil = drop_wte;
    expect_mini_refused(s, &m, "no tensor 'wte.weight'", "not complete");
    m.spoil = swap_dims_of_c_fc;
    expect_mini_refused(s, &m, "'h.0.mlp.c_fc.weight'", "found (7, 6), expected (6, 7)");
    m.spoil = flatten_c_proj;
    expect_mini_refused(s, &m, "'h.0.attn.c_proj.weight'", "found (36), expected (6, 6)");
    m.spoil = ln_f_as_bytes;
    expect_mini_refused(s, &m, "tensor 'ln_f.bias'", "found U8, expected F32, F16 or BF16");
    m.spoil = add_a_row_to_lm_head;
    m.flags = MINI_LM_HEAD;
    expect_mini_refused(s, &m, "'lm_head.weight'", "found (12, 6), expected (11, 6)");
    m.flags = MINI_LM_HEAD | MINI_UNTIED;
    expect_mini_refused(s, &m, "'lm_head.weight'", "found (12, 6), expected (11, 6)");
    m.spoil = NULL;
    m.flags = MINI_UNTIED;
    expect_mini_refused(s, &m, "no tensor 'lm_head.weight'", "set \"tie_word_embeddings\" to true");
}

static void refuses_layers_that_the_config_does_not_count(void **state)
{
    struct scratch *s = *state;
    static const char *const beyond[] = { "h.2.ln_1.weight", "h.17.attn.bias", "h.99999999999.x" };
    static const char *const others[] = { "h.x.ln_1.weight", "h.2",
                                          "h..weight",       "score.weight",
                                          "h.1.attn.rotary", "transformer.h.7.ln_1.weight" };
    struct mini_tensor extra = { .dtype = "F32", .n_dims = 1, .dims = { 6 } };
    struct mini_model m = mini;
    m.extra = &extra;
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        snprintf(extra.name, sizeof extra.name, "%s", beyond[i]);
        expect_mini_refused(s, &m, beyond[i], "expected 2 layers");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(extra.name, sizeof extra.name, "%s", others[i]);
        struct model *opened = write_and_open(s, &m);
        assert_int_equal(opened->n_params, 686); // what is not used is not counted
        model_free(opened);
    }
    m.flags = MINI_PREFIX;
    snprintf(extra.name, sizeof extra.name, "transformer.h.2.ln_1.weight");
    expect_mini_refused(s, &m, extra.name, "expected 2 layers");
}

static void weights_that_are_no_numbers_are_refused_while_read(void **state)
{
    struct scratch *s = *state;
    static const float poisons[] = { NAN, INFINITY, -INFINITY };
    static const char *const dtypes[] = { "F32", "F16", "BF16" };
    for (int p = 0; p < 3; p++) {
        struct mini_model m = mini;
        m.dtype = dtypes[p];
        m.poisoned = "h.1.mlp.c_proj.weight";
        m.poisoned_at = 40;
        m.poison = poisons[p];
        struct model *opened = write_and_open(s, &m); // opening reads no weights
        struct matrix_source source;
        struct abl_err err = { 0 };
        float out[64];
        model_matrix_source(opened, MATRIX_MLP_OUT, 1, &source);
        assert_true(source.read(source.context, 0, 6, out, &err)); // elements 0 to 35
        assert_false(source.read(source.context, 3, 4, out, &err));
        expect_error(&err, "tensor 'h.1.mlp.c_proj.weight' at element 40",
                     p == 0 ? "found NaN" : "found infinity");
        model_free(opened);
    }
    struct mini_model m = mini;
    m.poisoned = "wpe.weight";
    m.poisoned_at = 4 * 6;
    m.poison = NAN;
    struct model *opened = write_and_open(s, &m);
    struct abl_err err = { 0 };
    float out[6];
    assert_true(model_embed(opened, 0, 3, out, &err));
    assert_false(model_embed(opened, 0, 4, out, &err));
    expect_error(&err, "'wpe.weight' at element 24", "found NaN");
    model_free(opened);
}

static void write_index(const struct scratch *s, const char *text)
{
    scratch_text(s, "mini/model.safetensors.index.json", text);
}

#define SHARD_1 "model-00001-of-00002.safetensors"
#define SHARD_2 "model-00002-of-00002.safetensors"

static void refuses_indexes_that_lie(void **state)
{
    struct scratch *s = *state;
    struct mini_model m = mini;
    m.flags = MINI_SHARDS;
    mini_model_write(s, "mini", &m);
    static const char *const names[]
        = { "../x.safetensors", "/etc/passwd", "a\\\\b", "..", "", SHARD_1 "\\u0000x" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"weight_map\":{\"ln_f.bias\":\"" SHARD_1 "\",\"wte.weight\":\"%s\"}}",
                 names[i]);
        write_index(s, text);
        expect_open_fails(s, "found shard name", "expected the name of a file beside this one");
    }
    write_index(s,
                "{\"weight_map\":{\"wte.weight\":\"" SHARD_2 "\",\"ln_f.bias\":\"" SHARD_1 "\"}}");
    expect_open_fails(s, "found no tensor 'wte.weight' in shard '" SHARD_2 "'", "not complete");
    write_index(s, "{\"weight_map\":{\"x\":\"" SHARD_1 "\"}}");
    expect_open_fails(s, "found no tensor 'x'", "not complete");
    write_index(s, "{\"weight_map\":{\"wte.weight\":\"other.safetensors\"}}");
    expect_open_fails(s, "no 'other.safetensors'", "not complete");
    write_index(s, "{\"weight_map\":{}}");
    expect_open_fails(s, "index.json", "found no weight_map");
    write_index(s, "{\"metadata\":{}}");
    expect_open_fails(s, "index.json", "found no weight_map");
    write_index(s, "{\"weight_map\":{\"a\":1}}");
    expect_open_fails(s, "index.json", "expected a string");
    write_index(s, "{\"weight_map\":{\"wte.weight\":\"" SHARD_1 "\"}}");
    expect_open_fails(s, "no tensor 'wpe.weight'", "not complete");
}

static void refuses_a_tensor_that_two_shards_hold(void **state)
{
    struct scratch *s = *state;
    struct mini_model m = mini;
    m.flags = MINI_SHARDS;
    // mini_model puts "mlp.*" into the second shard, where this one then stands beside that of the
    // first.
    struct mini_tensor twin = { .name = "mlp.twin", .dtype = "F32", .n_dims = 1, .dims = { 6 } };
    m.extra = &twin;
    mini_model_write(s, "mini", &m);
    model_free(must_open(scratch_path(s, "mini")));
    scratch_text(s, "mini/x.safetensors", "");
    static const char header[]
        = "{\"mlp.twin\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}";
    struct buf file = { 0 };
    buf_char(&file, (char)(sizeof header - 1));
    buf_add(&file, "\0\0\0\0\0\0\0", 7);
    buf_str(&file, header);
    scratch_write(s, "mini/x.safetensors", file.data, file.len);
    buf_release(&file);
    write_index(s, "{\"weight_map\":{\"mlp.twin\":\"x.safetensors\",\"wpe.weight\":\"" SHARD_2
                   "\",\"wte.weight\":\"" SHARD_1 "\"}}");
    expect_open_fails(s, "tensor 'mlp.twin' is in both", "x.safetensors'");
}

static void says_how_to_convert_pickled_weights(void **state)
{
    struct scratch *s = *state;
    mini_model_write(s, "mini", &mini);
    scratch_delete(s, "mini/model.safetensors");
    expect_open_fails(s, "no safetensors in '", "expected model.safetensors");
    scratch_text(s, "mini/pytorch_model.bin", "x");
    expect_open_fails(s, "only 'pytorch_model.bin'", "save_pretrained(");
}

static void hash_of_shards_is_that_of_their_digests(void **state)
{
    struct scratch *s = *state;
    struct mini_model m = mini;
    struct abl_err err;
    char whole[SHA256_HEX], parts[2 * SHA256_HEX], expected[SHA256_HEX], found[SHA256_HEX];
    struct model *opened = write_and_open(s, &m);
    assert_true(sha256_file(scratch_path(s, "mini/model.safetensors"), whole, &err));
    assert_true(model_sha256(opened, found, &err));
    assert_string_equal(found, whole);
    model_free(opened);
    m.flags = MINI_SHARDS;
    mini_model_write(s, "shards", &m);
    opened = must_open(scratch_path(s, "shards"));
    assert_true(sha256_file(scratch_path(s, "shards/" SHARD_1), parts, &err));
    assert_true(sha256_file(scratch_path(s, "shards/" SHARD_2), parts + SHA256_HEX - 1, &err));
    assert_true(sha256_bytes(parts, strlen(parts), expected, &err));
    assert_true(model_sha256(opened, found, &err));
    assert_string_equal(found, expected);
    model_free(opened);
}

// Written into, with a time that any clock tells from the one before.
static void write_into(const struct scratch *s, const char *name)
{
    const char *path = scratch_path(s, name);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\x7f", 1, 100), 1);
    assert_int_equal(futimens(fd, (struct timespec[2]){ { .tv_sec = 1 }, { .tv_sec = 1 } }), 0);
    close(fd);
}

static void hash_is_of_the_files_that_are_open(void **state)
{
    struct scratch *s = *state;
    struct abl_err err = { 0 };
    char before[SHA256_HEX], found[SHA256_HEX];
    for (int begun = 0; begun < 2; begun++) {
        struct model *m = write_and_open(s, &mini);
        assert_true(sha256_file(scratch_path(s, "mini/model.safetensors"), before, &err));
        if (begun)
            model_sha256_begin(m);
        scratch_delete(s, "mini/model.safetensors");
        scratch_text(s, "mini/model.safetensors", "another file");
        assert_true(model_sha256(m, found, &err));
        assert_string_equal(found, before);
        assert_true(model_sha256(m, found, &err)); // again
        model_free(m);
    }
}

static void weights_that_are_written_into_are_read_no_more(void **state)
{
    struct scratch *s = *state;
    struct abl_err err = { 0 };
    char before[SHA256_HEX], found[SHA256_HEX];
    float row[1024];
    struct model *early = write_and_open(s, &mini), *late = must_open(scratch_path(s, "mini"));
    assert_true(model_sha256(late, before, &err));
    model_sha256_begin(early);
    assert_true(model_sha256(early, found, &err)); // waits for it
    assert_true(model_embed(late, 0, 0, row, &err));
    write_into(s, "mini/model.safetensors");
    assert_false(model_embed(late, 0, 0, row, &err));
    assert_int_equal(err.code, ABL_FAILED);
    assert_non_null(strstr(err.text, "model.safetensors' was written to while it was read"));
    err = (struct abl_err){ 0 };
    assert_false(model_sha256(late, found, &err));
    assert_int_equal(err.code, ABL_FAILED);
    assert_non_null(strstr(err.text, "model.safetensors' was written to while it was read"));
    assert_true(model_sha256(early, found, &err)); // it was taken before
    assert_string_equal(found, before);
    model_free(early);
    model_free(late);
}

static void finds_paths_before_bundled_names(void **state)
{
    struct scratch *s = *state;
    struct abl_err err = { 0 };
    char data[SCRATCH_PATH + 16], here[4096], *path;
    mini_model_write(s, "data/models/one", &mini);
    mini_model_write(s, "work/two", &mini);
    scratch_text(s, "work/one/notes.txt", "a folder of that name that is no model");
    snprintf(data, sizeof data, "%s", scratch_path(s, "data"));
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(scratch_path(s, "work")), 0);
    static const char *const cases[][2]
        = { { "two", "two" }, { "./one", "./one" }, { "one/", "one/" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!model_find(cases[i][0], &(struct model_places){ .data_dir = data }, &path, NULL, &err))
            fail_msg("%s", err.text);
        assert_string_equal(path, cases[i][1]);
        free(path);
    }
    if (!model_find("one", &(struct model_places){ .data_dir = data }, &path, NULL, &err))
        fail_msg("%s", err.text);
    assert_string_equal(path + strlen(data), "/models/one");
    free(path);
    static const char *const missing[]
        = { "none", "", ".", "..", "models/one", "/none", "../data/models/no" };
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        char named[64];
        snprintf(named, sizeof named, "no model '%s'", missing[i]);
        if (model_find(missing[i], &(struct model_places){ .data_dir = data }, &path, NULL, &err))
            fail_msg("'%s' was found at '%s'", missing[i], path);
        expect_error(&err, named, "bundled are one");
    }
    assert_false(
        model_find("none", &(struct model_places){ .data_dir = "nowhere" }, &path, NULL, &err));
    expect_error(&err, "no model 'none'", "bundled are none");
    assert_int_equal(chdir(here), 0);
}

static void lists_models_by_name_with_what_is_wrong(void **state)
{
    struct scratch *s = *state;
    struct model_entry *entries;
    struct abl_err err = { 0 };
    size_t n;
    struct mini_model m = mini;
    m.dtype = "BF16";
    mini_model_write(s, "models/b", &m);
    mini_model_write(s, "models/a", &mini);
    scratch_delete(s, "models/a/config.json");
    scratch_text(s, "models/README", "no folder");
    scratch_text(s, "models/.hidden/config.json", "{}");
    assert_true(model_list(&(struct model_places){ .data_dir = s->path }, &entries, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(entries[0].name, "a");
    assert_false(entries[0].usable);
    expect_error(&entries[0].why, "no config.json", "put the config.json");
    assert_string_equal(entries[1].name, "b");
    assert_true(entries[1].usable && entries[1].shape.n_heads == 3 && entries[1].n_params == 686);
    assert_string_equal(entries[1].dtype, "BF16");
    assert_string_equal(entries[1].path, scratch_path(s, "models/b"));
    model_entries_free(entries, n);
    assert_true(model_list(&(struct model_places){ .data_dir = "nowhere" }, &entries, &n, &err));
    assert_int_equal(n, 0);
    model_entries_free(entries, n);
}

// Values taken from the file by a few lines of Python (struct.unpack_from at the header's offsets).
static void reads_a_checkpoint_that_another_program_wrote(void **state)
{
    (void)state;
    struct model *m = must_open("tests/fixtures/odd-gpt2/");
    struct matrix_source source;
    struct abl_err err;
    char hex[SHA256_HEX];
    float row[180], position[60];
    assert_string_equal(m->name, "odd-gpt2");
    assert_true(m->n_params == 235848 && m->weight_bytes == 996332);
    assert_true(m->shape.n_layers == 3 && m->shape.d_head == 12 && m->shape.d_mlp == 176);
    assert_true(model_sha256(m, hex, &err));
    assert_string_equal(hex, "8ea4736cab954a3cfff3808a55238375c9fe387aba47e29bfb337bbd3fbdeb2e");
    model_matrix_source(m, MATRIX_QKV, 2, &source);
    assert_true(source.read(source.context, 59, 1, row, &err) && row[179] == 0x1.38cdeep-3f);
    model_matrix_source(m, MATRIX_MLP_OUT, 1, &source);
    assert_true(source.read(source.context, 175, 1, row, &err) && row[7] == -0x1.5e3b00p-3f);
    assert_true(model_read_vector(m, VECTOR_LN1_BIAS, 0, row, &err) && row[59] == -0x1.b950e0p-5f);
    assert_true(model_read_vector(m, VECTOR_FINAL_GAIN, 0, row, &err) && row[0] == 0x1.6b5954p+0f);
    model_matrix_source(m, MATRIX_UNEMBED, 0, &source);
    assert_true(source.read(source.context, 1044, 1, row, &err) && row[59] == -0x1.5ef7a0p-4f);
    assert_true(model_embed(m, 1044, 63, position, &err));
    assert_true(position[0] == row[0] + -0x1.b4cbf4p-4f);
    model_free(m);
}

static void the_bundled_model_is_complete(void **state)
{
    (void)state;
    struct abl_err err = { 0 };
    char *path;
    static float out[2048 * 128];
    if (!model_find("tiny-gpt2", &(struct model_places){ .data_dir = data_dir }, &path, NULL, &err))
        fail_msg("%s", err.text);
    struct model *m = must_open(path);
    free(path);
    assert_string_equal(m->name, "tiny-gpt2");
    for (uint32_t layer = 0; layer < m->shape.n_layers; layer++) {
        for (int i = MATRIX_QKV; i <= MATRIX_UNEMBED; i++) {
            struct matrix_source s;
            if (i == MATRIX_MLP_GATE && !m->shape.gated)
                continue;
            model_matrix_source(m, (enum model_matrix)i, layer, &s);
            assert_true((size_t)s.k * s.n <= sizeof out / sizeof *out);
            if (!s.read(s.context, 0, s.out_in ? s.n : s.k, out, &err))
                fail_msg("%s", err.text);
        }
        for (int i = VECTOR_LN1_GAIN; i <= VECTOR_FINAL_BIAS; i++)
            if (!model_read_vector(m, (enum model_vector)i, layer, out, &err))
                fail_msg("%s", err.text);
    }
    model_free(m);
}

static void spoilt_configs_and_indexes_open_or_say_why(void **state)
{
    struct scratch *s = *state;
    static const char config[] = "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":3,\"n_embd\":6,"
                                 "\"n_positions\":5,\"vocab_size\":11,\"n_inner\":7}";
    static const char index[]
        = "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"wte.weight\":\"" SHARD_1
          "\",\"wpe.weight\":\"" SHARD_2 "\"}}";
    struct mini_model m = mini;
    m.flags = MINI_SHARDS;
    mini_model_write(s, "mini", &m);
    struct rng rng;
    rng_seed(&rng, 5);
    for (int i = 0; i < 3000; i++) {
        bool spoil_index = i % 2;
        const char *text = spoil_index ? index : config;
        char copy[sizeof config + sizeof index];
        size_t n = strlen(text);
        memcpy(copy, text, n + 1);
        for (uint32_t k = 1 + rng_below(&rng, 2); k; k--)
            copy[rng_below(&rng, (uint32_t)n)] = (char)(1 + rng_below(&rng, 255));
        scratch_text(s, "mini/config.json", spoil_index ? config : copy);
        write_index(s, spoil_index ? copy : index);
        struct model *opened;
        struct abl_err err = { 0 };
        if (model_open(scratch_path(s, "mini"), OWNER_TRANSFORMERS_5, &opened, &err))
            model_free(opened);
        else
            assert_true(err.text[0] && err.code == ABL_BAD_MODEL);
    }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(every_layout_gives_the_weights_of_those_names),
        IN_SCRATCH(the_shape_is_that_of_the_config),
        IN_SCRATCH(refuses_tensors_that_do_not_fit_the_config),
        IN_SCRATCH(refuses_layers_that_the_config_does_not_count),
        IN_SCRATCH(weights_that_are_no_numbers_are_refused_while_read),
        IN_SCRATCH(refuses_indexes_that_lie),
        IN_SCRATCH(refuses_a_tensor_that_two_shards_hold),
        IN_SCRATCH(says_how_to_convert_pickled_weights),
        IN_SCRATCH(hash_of_shards_is_that_of_their_digests),
        IN_SCRATCH(hash_is_of_the_files_that_are_open),
        IN_SCRATCH(weights_that_are_written_into_are_read_no_more),
        IN_SCRATCH(finds_paths_before_bundled_names),
        IN_SCRATCH(lists_models_by_name_with_what_is_wrong),
        cmocka_unit_test(reads_a_checkpoint_that_another_program_wrote),
        cmocka_unit_test(the_bundled_model_is_complete),
        IN_SCRATCH(spoilt_configs_and_indexes_open_or_say_why),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
