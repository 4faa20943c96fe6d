// Checkpoints that are not quite what their configuration says: what is read all the same, with a
// note, and what a refusal takes them for.
#include "model/missing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "tests/support/mini_model.h"
#include "tests/support/scratch.h"

static const struct mini_model mini = { .n_layers = 2,
                                        .n_heads = 3,
                                        .d_model = 6,
                                        .n_ctx = 5,
                                        .n_vocab = 11,
                                        .d_mlp = 7,
                                        .dtype = "F32",
                                        .seed = 1 };

static struct model *write_and_open(const struct scratch *s, const struct mini_model *from,
                                    enum owner like)
{
    struct model *m;
    struct abl_err err;
    mini_model_write(s, "mini", from);
    if (!model_open(scratch_path(s, "mini"), like, &m, &err))
        fail_msg("%s", err.text);
    return m;
}

static void expect_mini_refused(const struct scratch *s, const struct mini_model *from,
                                const char *first, const char *second)
{
    struct model *m;
    struct abl_err err = { 0 };
    mini_model_write(s, "mini", from);
    if (model_open(scratch_path(s, "mini"), OWNER_TRANSFORMERS_5, &m, &err))
        fail_msg("the model was opened, expected '%s' and '%s'", first, second);
    if (err.code != ABL_BAD_MODEL || !strstr(err.text, first) || !strstr(err.text, second))
        fail_msg("found error %d '%s', expected 4 with '%s' and '%s'", (int)err.code, err.text,
                 first, second);
}

// The unembedding, row by row, is the tensor of that name.
static void expect_unembedding(const struct model *m, const struct mini_model *from,
                               const char *name)
{
    struct matrix_source source;
    struct abl_err err;
    float row[8];
    model_matrix_source(m, MATRIX_UNEMBED, 0, &source);
    assert_true(source.out_in && source.n == from->n_vocab && source.k == from->d_model);
    for (uint32_t i = 0; i < source.n; i++) {
        if (!source.read(source.context, i, 1, row, &err))
            fail_msg("%s", err.text);
        for (uint32_t k = 0; k < source.k; k++)
            if (!(row[k] == mini_model_value(from, name, (uint64_t)i * source.k + k)))
                fail_msg("the unembedding is not '%s' in row %u", name, (unsigned)i);
    }
}

static void prefix_name(struct mini_tensor *t, const char *prefix)
{
    char name[2 * MINI_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, t->name);
    assert_true(strlen(name) < MINI_NAME);
    memcpy(t->name, name, strlen(name) + 1);
}

static void compile_names(struct mini_tensor *t)
{
    prefix_name(t, "_orig_mod.");
}

static void wrap_names(struct mini_tensor *t)
{
    prefix_name(t, "module._orig_mod.");
}

static void spoil_names(struct mini_tensor *t)
{
    prefix_name(t, "my.");
}

static void reads_what_a_compiled_or_wrapped_model_saved(void **state)
{
    struct scratch *s = *state;
    static const struct {
        void (*spoil)(struct mini_tensor *t);
        const char *prefix;
        unsigned flags;
    } wraps[] = {
        { compile_names, "'_orig_mod.'", 0 },
        { compile_names, "'_orig_mod.'", MINI_PREFIX | MINI_LM_HEAD | MINI_UNTIED },
        { wrap_names, "'module._orig_mod.'", MINI_PREFIX },
    };
    for (size_t i = 0; i < sizeof wraps / sizeof *wraps; i++) {
        struct mini_model m = mini;
        m.flags = wraps[i].flags;
        m.spoil = wraps[i].spoil;
        struct model *opened = write_and_open(s, &m, OWNER_TRANSFORMERS_5);
        expect_unembedding(opened, &m, m.flags & MINI_UNTIED ? "lm_head.weight" : "wte.weight");
        assert_int_equal(opened->n_params, 686 + (m.flags & MINI_UNTIED ? 66 : 0));
        assert_int_equal(opened->notes.n, 1);
        assert_non_null(strstr(opened->notes.lines[0], wraps[i].prefix));
        model_free(opened);
    }
    struct mini_model m = mini;
    m.spoil = spoil_names;
    expect_mini_refused(s, &m, "found 28 others, such as 'my.h.0.attn.c_attn.bias'",
                        "names of their own");
    m.spoil = compile_names;
    struct mini_tensor extra
        = { .name = "h.2.ln_1.weight", .dtype = "F32", .n_dims = 1, .dims = { 6 } };
    m.extra = &extra; // named by the same hand
    expect_mini_refused(s, &m, "'_orig_mod.h.2.ln_1.weight'", "expected 2 layers");
}

static void drop_c_fc_of_layer_1(struct mini_tensor *t)
{
    if (strcmp(t->name, "h.1.mlp.c_fc.weight") == 0)
        t->name[0] = '\0';
}

static void drop_layer_1(struct mini_tensor *t)
{
    if (strncmp(t->name, "h.1.", 4) == 0)
        t->name[0] = '\0';
}

// Names of tensors that tell what a folder holds.
static void names_what_the_weights_are_of(void **state)
{
    struct scratch *s = *state;
    static const char *const kinds[][3] = {
        { "h.0.attn.c_attn.qweight", "GPTQ or AWQ", "GGUF" },
        { "h.0.attn.c_attn.weight.absmax", "bitsandbytes", "GGUF" },
        { "base_model.model.h.0.attn.c_attn.lora_A.weight", "LoRA adapter", "merge_and_unload" },
        { "h.0.mlp.experts.0.w1.weight", "mixture of experts", "not supported" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct mini_tensor extra = { .dtype = "F32", .n_dims = 1, .dims = { 6 } };
        struct mini_model m = mini;
        snprintf(extra.name, sizeof extra.name, "%s", kinds[i][0]);
        m.extra = &extra;
        m.spoil = drop_c_fc_of_layer_1;
        expect_mini_refused(s, &m, kinds[i][1], kinds[i][2]);
    }
    struct mini_model m = mini;
    m.spoil = drop_layer_1;
    expect_mini_refused(s, &m, "found 1 layers, expected 2", "to 1, else download");
}

// Beside a tied embedding: version 5 takes the file's own unembedding where it is another.
static void an_unembedding_beside_a_tied_one_is_the_owners_choice(void **state)
{
    struct scratch *s = *state;
    struct mini_model m = mini;
    m.flags = MINI_LM_HEAD;
    for (size_t like = 0; like < N_OWNERS; like++) {
        struct model *opened = write_and_open(s, &m, (enum owner)like);
        bool v5 = like == OWNER_TRANSFORMERS_5;
        expect_unembedding(opened, &m, v5 ? "lm_head.weight" : "wte.weight");
        assert_true(opened->shape.tied == !v5);
        assert_int_equal(opened->notes.n, 1);
        assert_non_null(strstr(opened->notes.lines[0], "'lm_head.weight'"));
        model_free(opened);
    }
}

// By the files of a folder.
static void names_what_a_folder_is_instead(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *files[3], *first, *second;
    } folders[] = {
        { { "adapter_config.json", "adapter_model.safetensors" },
          "PEFT adapter",
          "merge_and_unload" },
        { { "modules.json", "0_x/config.json" }, "sentence-transformers", "language model" },
        { { "model-q4.gguf" }, "'model-q4.gguf'", "name the file itself" },
        { { "consolidated.00.pth", "params.json" }, "'consolidated.00.pth'", "convert" },
        { { "config.json", "pytorch_model.bin" }, "only 'pytorch_model.bin'", "save_pretrained(" },
        { { "config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json" },
          "only 'pytorch_model-00001-of-00002.bin'",
          "save_pretrained(" },
        { { "config.json", "tf_model.h5" }, "TensorFlow", "save_pretrained(" },
        { { "config.json", "model-00001-of-00002.safetensors" },
          "shards without their index",
          "model.safetensors.index.json" },
        { { "config.json", "weights.safetensors" },
          "'weights.safetensors'",
          "call it model.safetensors" },
        { { "config.json", "adapter_model.safetensors" }, "PEFT adapter", "merge_and_unload" },
        { { "model.safetensors" }, "no config.json", "beside them" },
        { { "x.txt" }, "no config.json", "download it again" },
        { { "config.json" }, "no safetensors", "download the checkpoint again" },
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char name[32], file[96];
        struct model *m;
        struct abl_err err = { 0 };
        snprintf(name, sizeof name, "folder%zu", i);
        for (size_t k = 0; k < 3 && folders[i].files[k]; k++) {
            snprintf(file, sizeof file, "%s/%s", name, folders[i].files[k]);
            scratch_text(s, file, "{\"model_type\":\"gpt2\"}");
        }
        if (model_open(scratch_path(s, name), OWNER_TRANSFORMERS_5, &m, &err))
            fail_msg("folder %zu was opened", i);
        if (err.code != ABL_BAD_MODEL || !strstr(err.text, folders[i].first)
            || !strstr(err.text, folders[i].second))
            fail_msg("folder %zu: found '%s', expected '%s' and '%s'", i, err.text,
                     folders[i].first, folders[i].second);
    }
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(reads_what_a_compiled_or_wrapped_model_saved),
        IN_SCRATCH(names_what_the_weights_are_of),
        IN_SCRATCH(names_what_a_folder_is_instead),
        IN_SCRATCH(an_unembedding_beside_a_tied_one_is_the_owners_choice),
    };
    return cmocka_run_group_tests_name("missing", tests, NULL, NULL);
}
