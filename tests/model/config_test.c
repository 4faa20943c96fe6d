// config.json: class defaults, spellings, and what is refused by name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/config.h"
#include "tests/support/scratch.h"

// The error must name both: mostly the place and what was found or expected.
static void expect_error(const struct abl_err *err, const char *first, const char *second)
{
    if (err->code != ABL_BAD_MODEL || !strstr(err->text, first) || !strstr(err->text, second))
        fail_msg("found error %d '%s', expected 4 with '%s' and '%s'", (int)err->code, err->text,
                 first, second);
}

// Read a folder that holds nothing but this config.json.
static bool read_config(const struct scratch *s, const char *text, struct model_shape *shape,
                        struct abl_err *err)
{
    const struct arch *arch;
    struct owner_notes notes = { 0 };
    scratch_text(s, "config/config.json", text);
    bool ok
        = config_read(scratch_path(s, "config"), OWNER_TRANSFORMERS_5, shape, &arch, &notes, err);
    owner_notes_release(&notes);
    return ok;
}

static struct model_shape must_read_config(const struct scratch *s, const char *text)
{
    struct model_shape shape;
    struct abl_err err = { 0 };
    if (!read_config(s, text, &shape, &err))
        fail_msg("'%s' was refused: %s", text, err.text);
    return shape;
}

static void absent_keys_take_the_class_default(void **state)
{
    struct model_shape h = must_read_config(*state, "{\"model_type\": \"gpt2\"}");
    // GPT2Config() of transformers: the smallest GPT-2.
    assert_true(h.n_layers == 12 && h.n_heads == 12 && h.d_model == 768 && h.d_head == 64);
    assert_true(h.d_mlp == 3072 && h.n_ctx == 1024 && h.n_vocab == 50257 && h.norm_eps == 1e-5f);
    assert_true(h.act == ACT_GELU_TANH && h.tied && h.attn_scale && !h.attn_scale_layer);
}

static void reads_every_key_that_changes_the_computation(void **state)
{
    struct model_shape h = must_read_config(
        *state, "{\"model_type\":\"gpt2\",\"n_layer\":3,\"n_head\":5,\"n_embd\":60,\"n_inner\":176,"
                "\"n_positions\":64,\"vocab_size\":2053,\"layer_norm_epsilon\":1e-4,"
                "\"activation_function\":\"gelu_pytorch_tanh\",\"scale_attn_weights\":false,"
                "\"scale_attn_by_inverse_layer_idx\":true,\"reorder_and_upcast_attn\":true,"
                "\"tie_word_embeddings\":false,\"add_cross_attention\":false}");
    assert_true(h.n_layers == 3 && h.n_heads == 5 && h.d_model == 60 && h.d_head == 12);
    assert_true(h.d_mlp == 176 && h.n_ctx == 64 && h.n_vocab == 2053 && h.norm_eps == 1e-4f);
    assert_true(!h.attn_scale && h.attn_scale_layer && !h.tied);
}

static void takes_old_and_new_spellings(void **state)
{
    struct scratch *s = *state;
    struct model_shape h = must_read_config(s, "{\"model_type\":\"gpt2\",\"n_ctx\":77}");
    assert_int_equal(h.n_ctx, 1024); // the class has no such key any more
    h = must_read_config(s, "{\"model_type\":\"gpt2\",\"n_ctx\":77,\"n_positions\":99,"
                            "\"n_embd\":12,\"n_inner\":null,\"activation_function\":\"gelu_new\"}");
    assert_true(h.n_ctx == 99 && h.d_mlp == 48);
    h = must_read_config(s, "{\"model_type\":\"gpt2\",\"n_embd\":12,\"hidden_size\":24}");
    assert_int_equal(h.d_model, 24); // the common words overrule GPT-2's own
    must_read_config(s, "{\"model_type\":\"gpt2\",\"torch_dtype\":\"float16\"}");
    must_read_config(s, "{\"model_type\":\"gpt2\",\"dtype\":\"bfloat16\"}");
}

static void expect_config_refused(const struct scratch *s, const char *members, const char *first,
                                  const char *second)
{
    char text[256];
    struct model_shape shape;
    struct abl_err err = { 0 };
    snprintf(text, sizeof text, "{\"model_type\":\"gpt2\",%s}", members);
    if (read_config(s, text, &shape, &err))
        fail_msg("%s was accepted", members);
    expect_error(&err, first, second);
    expect_error(&err, "config.json'", "expected");
}

static void refuses_settings_out_of_range(void **state)
{
    struct scratch *s = *state;
    static const char range[] = "expected a whole number from 1 to 512";
    expect_config_refused(s, "\"n_layer\":0", "found 0", range);
    expect_config_refused(s, "\"n_layer\":513", "bad \"n_layer\"", range);
    expect_config_refused(s, "\"n_layer\":-1", "found -1", range);
    expect_config_refused(s, "\"n_layer\":2.5", "found 2.5", range);
    expect_config_refused(s, "\"n_layer\":\"2\"", "found \"2\"", range);
    expect_config_refused(s, "\"n_layer\":1e300", "bad \"n_layer\"", range);
    expect_config_refused(s, "\"n_positions\":0", "bad \"n_positions\"", "found 0");
    expect_config_refused(s, "\"n_layer\":null", "found null", range);
    expect_config_refused(s, "\"layer_norm_epsilon\":Infinity", "found \"Infinity\"", "below 1");
    expect_config_refused(s, "\"n_embd\":4294967296", "bad \"n_embd\"", "from 1 to 131072");
    expect_config_refused(s, "\"vocab_size\":99999999", "bad \"vocab_size\"", "found 99999999");
    expect_config_refused(s, "\"n_inner\":0", "bad \"n_inner\"", "found 0");
    expect_config_refused(s, "\"n_embd\":10,\"n_head\":3", "\"n_head\" does not fit \"n_embd\"",
                          "found 3 heads, expected a divisor of 10");
    expect_config_refused(s, "\"layer_norm_epsilon\":0", "found 0", "a number above 0");
    expect_config_refused(s, "\"layer_norm_epsilon\":-1e-5", "layer_norm_epsilon", "above 0");
    expect_config_refused(s, "\"layer_norm_epsilon\":1e-60", "found 1e-60", "above 0");
    expect_config_refused(s, "\"layer_norm_epsilon\":1e400", "layer_norm_epsilon", "below 1");
    expect_config_refused(s, "\"layer_norm_epsilon\":\"1e-5\"", "found \"1e-5\"", "above 0");
    expect_config_refused(s, "\"scale_attn_weights\":1", "found 1", "true or false");
    expect_config_refused(s, "\"tie_word_embeddings\":\"no\"", "found \"no\"", "true or false");
}

static void refuses_what_it_cannot_compute_by_name(void **state)
{
    struct scratch *s = *state;
    static const char *const others[] = { "relu2", "quick_gelu", "Gelu_new" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char members[80];
        snprintf(members, sizeof members, "\"activation_function\":\"%s\"", others[i]);
        expect_config_refused(s, members, others[i],
                              "expected gelu_new, gelu_pytorch_tanh, gelu, silu or relu");
    }
    expect_config_refused(s, "\"activation_function\":7", "found 7", "expected gelu_new");
    expect_config_refused(s, "\"add_cross_attention\":true", "\"add_cross_attention\"",
                          "found true, expected false");
    struct model_shape shape;
    struct abl_err err = { 0 };
    assert_false(read_config(s, "{\"model_type\":\"mamba\"}", &shape, &err));
    expect_error(&err, "found \"mamba\"", "one of: gpt2");
    assert_false(read_config(s, "{\"model_type\":null}", &shape, &err));
    expect_error(&err, "no \"model_type\"", "one of: gpt2");
    assert_false(read_config(s, "{\"Model_Type\":\"gpt2\"}", &shape, &err)); // case matters
    expect_error(&err, "no \"model_type\"", "one of: gpt2");
}

// A config of another family, with members behind its type.
static struct model_shape read_family(const struct scratch *s, const char *family,
                                      const char *members)
{
    char text[512];
    struct model_shape shape;
    struct abl_err err = { 0 };
    snprintf(text, sizeof text, "{\"model_type\":\"%s\"%s%s}", family, *members ? "," : "",
             members);
    if (!read_config(s, text, &shape, &err))
        fail_msg("%s %s: %s", family, members, err.text);
    return shape;
}

static void families_have_their_class_defaults(void **state)
{
    struct scratch *s = *state;
    struct model_shape m = read_family(s, "llama", "");
    assert_true(m.n_layers == 32 && m.n_kv_heads == 32 && m.d_head == 128 && m.d_mlp == 11008);
    assert_true(m.gated && m.norm == NORM_RMS && !m.qkv_bias && !m.mlp_bias && !m.tied
                && !m.window);
    assert_true(m.rope.n_dims == 128 && m.rope.theta == 10000 && m.rope.kind == ROPE_DEFAULT);
    m = read_family(s, "mistral", "");
    assert_true(m.n_kv_heads == 8 && m.window == 4096 && m.slides[0] && m.slides[31]);
    m = read_family(s, "mistral", "\"num_key_value_heads\":null,\"sliding_window\":null");
    assert_true(m.n_kv_heads == 32 && m.window == 0);
    m = read_family(s, "mistral", "\"head_dim\":96");
    assert_true(m.d_head == 96 && m.rope.n_dims == 96);
    m = read_family(s, "qwen2", "\"num_attention_heads\":32");
    assert_true(m.qkv_bias && !m.out_bias && m.window == 0 && m.has_value_bias);
    m = read_family(s, "qwen2", "\"use_sliding_window\":true,\"max_window_layers\":30");
    assert_true(m.window == 4096 && !m.slides[29] && m.slides[30]);
    m = read_family(s, "qwen3", "");
    assert_true(m.qk_norm && m.d_head == 128 && !m.qkv_bias && !m.has_value_bias);
    m = read_family(s, "gpt_neox", "");
    assert_true(m.parallel && m.act == ACT_GELU_ERF && m.rope.n_dims == 24 && m.d_head == 96);
    m = read_family(s, "gpt_neox", "\"rotary_pct\":1.0,\"rotary_emb_base\":500");
    assert_true(m.rope.n_dims == 96 && m.rope.theta == 500);
    m = read_family(s, "gpt_neox",
                    "\"rope_parameters\":{\"rope_theta\":7,\"partial_rotary_factor\":0.5}");
    assert_true(m.rope.n_dims == 48 && m.rope.theta == 7);
}

static void expect_family_refused(const struct scratch *s, const char *members, const char *first,
                                  const char *second)
{
    char text[512];
    struct model_shape shape;
    struct abl_err err = { 0 };
    snprintf(text, sizeof text, "{\"model_type\":\"llama\",%s}", members);
    if (read_config(s, text, &shape, &err))
        fail_msg("%s was accepted", members);
    expect_error(&err, first, second);
}

static void refuses_rotary_positions_that_it_cannot_turn(void **state)
{
    struct scratch *s = *state;
    expect_family_refused(s, "\"rope_scaling\":{\"type\":\"longrope\"}", "found \"longrope\"",
                          "llama3, yarn");
    expect_family_refused(s, "\"rope_parameters\":{\"rope_type\":\"mrope\"}", "found \"mrope\"",
                          "one of: default");
    expect_family_refused(s, "\"rope_scaling\":{\"type\":\"linear\"}", "no \"factor\"",
                          "a number above 0");
    expect_family_refused(s, "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}",
                          "no \"low_freq_factor\"", "config.json");
    expect_family_refused(s, "\"rope_theta\":-1", "bad \"rope_theta\"", "found -1");
    expect_family_refused(s, "\"rope_scaling\":7", "bad \"rope_scaling\"", "expected an object");
    expect_family_refused(s, "\"head_dim\":7", "found 7 of 7", "an even number");
    expect_family_refused(s, "\"rope_parameters\":{\"full_attention\":{\"rope_theta\":1}}",
                          "full_attention", "one set for all layers");
    expect_family_refused(s, "\"quantization_config\":{\"quant_method\":\"awq\"}",
                          "quantization_config", "GGUF file");
    expect_family_refused(s, "\"num_key_value_heads\":5", "does not fit", "a divisor of 32");
    expect_family_refused(s, "\"hidden_act\":\"relu2\"", "found \"relu2\"", "silu or relu");
}

// Read a LLaMA config with these members; the notes belong to the caller.
static void read_noted(const struct scratch *s, enum owner like, const char *members,
                       struct owner_notes *notes)
{
    char text[512];
    struct model_shape shape;
    const struct arch *arch;
    struct abl_err err;
    snprintf(text, sizeof text, "{\"model_type\":\"llama\",%s}", members);
    scratch_text(s, "config/config.json", text);
    if (!config_read(scratch_path(s, "config"), like, &shape, &arch, notes, &err))
        fail_msg("%s: %s", members, err.text);
}

// The only note has both, or there is none.
static void expect_note(const struct scratch *s, enum owner like, const char *members,
                        const char *first, const char *second)
{
    struct owner_notes notes = { 0 };
    read_noted(s, like, members, &notes);
    bool as_expected
        = first ? notes.n == 1 && strstr(notes.lines[0], first) && strstr(notes.lines[0], second)
                : notes.n == 0;
    if (!as_expected)
        fail_msg("%s: found %zu notes, first '%s'", members, notes.n,
                 notes.n ? notes.lines[0] : "");
    owner_notes_release(&notes);
}

static void says_what_is_read_by_nobody_though_it_looks_as_if(void **state)
{
    struct scratch *s = *state;
    const enum owner v5 = OWNER_TRANSFORMERS_5, v4 = OWNER_TRANSFORMERS_4;
    expect_note(s, v5, "\"logit_scale\":0.5", "\"logit_scale\"", "not read");
    expect_note(s, v5, "\"logit_scale\":null", NULL, NULL);
    expect_note(s, v5, "\"num_hidden_layer\":3", "\"num_hidden_layer\"",
                "\"num_hidden_layers\" may be meant");
    expect_note(s, v5, "\"rope-theta\":3", "\"rope-theta\"", "\"rope_theta\" may be meant");
    expect_note(s, v5, "\"n_layer\":3", "a key of gpt2", "not read");
    expect_note(s, v5, "\"factor\":3", "\"factor\"", "not read");
    expect_note(s, v5, "\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"facktor\":3}",
                "\"facktor\"", "not read");
    expect_note(s, v5, "\"auto_map\":{\"AutoModel\":\"x.Y\"}", "auto_map", "code");
    expect_note(s, v5, "\"architectures\":[\"Qwen2ForCausalLM\"]", "Qwen2ForCausalLM",
                "read as llama");
    expect_note(s, v5, "\"architectures\":[\"LlamaForCausalLM\"]", NULL, NULL);
    expect_note(s, v5, "\"my_notes\":\"run 7\",\"_unsloth_version\":\"1\"", NULL, NULL);
    expect_note(s, v5, "\"partial_rotary_factor\":0.5", "the whole head turns", "transformers-5");
    expect_note(s, v4, "\"rope_parameters\":{\"rope_theta\":500000}",
                "base 10000, 128 dimensions of a head, as transformers-4 reads it",
                "base 500000, 128 dimensions of a head; --like transformers-5 takes that");
    expect_note(s, v4, "\"rope_theta\":500000", NULL, NULL);
}

static void passes_numbers_of_python_that_nobody_reads(void **state)
{
    struct scratch *s = *state;
    expect_note(s, OWNER_TRANSFORMERS_5,
                "\"initializer_range\":Infinity,\"mine\":[-Infinity, {\"x\":NaN}],"
                "\"said\":\"NaN \\\" Infinity\"",
                NULL, NULL);
    expect_family_refused(s, "\"rope_theta\":Infinity", "bad \"rope_theta\"", "found \"Infinity\"");
    expect_family_refused(s, "\"num_hidden_layers\":NaN", "bad \"num_hidden_layers\"",
                          "found \"NaN\"");
    expect_family_refused(s, "\"x\":Infinit", "config.json", "at byte");
}

static void reads_the_language_model_of_several_parts(void **state)
{
    struct scratch *s = *state;
    struct model_shape shape;
    struct abl_err err;
    assert_true(read_config(s,
                            "{\"model_type\":\"gemma3\",\"vision_config\":{},\"text_config\":"
                            "{\"model_type\":\"gemma3_text\",\"hidden_size\":640}}",
                            &shape, &err));
    assert_string_equal(shape.arch, "gemma3_text");
    assert_int_equal(shape.d_model, 640);
    assert_int_equal(shape.n_vocab, 262208);
    assert_true(shape.slides[4] && !shape.slides[5] && shape.rope_local.n_dims == 256);
    assert_false(read_config(s, "{\"model_type\":\"gemma3\",\"text_config\":{}}", &shape, &err));
    expect_error(&err, "model_type", "gemma3");
}

static void refuses_configs_that_are_no_strict_json(void **state)
{
    struct scratch *s = *state;
    struct model_shape shape;
    struct abl_err err = { 0 };
    static const char *const bad[][2] = {
        { "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_layer\":3}", "duplicate key \"n_layer\"" },
        { "{\"model_type\":\"gpt2\"} {}", "expected nothing behind the value" },
        { "{\"model_type\":\"gpt2\",\"x\":\"\xff\"}", "expected valid UTF-8" },
        { "{\"model_type\":\"gpt2\",}", "at byte 21: found '}'" },
        { "{\"model_type\":\"gpt2\"", "found the end of the text" },
        { "[]", "is not a JSON object" },
        { "", "expected a value" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (read_config(s, bad[i][0], &shape, &err))
            fail_msg("'%s' was accepted", bad[i][0]);
        expect_error(&err, "config.json", bad[i][1]);
    }
    scratch_delete(s, "config/config.json");
    const struct arch *arch;
    struct owner_notes notes = { 0 };
    assert_false(
        config_read(scratch_path(s, "config"), OWNER_TRANSFORMERS_5, &shape, &arch, &notes, &err));
    expect_error(&err, "no config.json in", "the one that the checkpoint came with");
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(absent_keys_take_the_class_default),
        IN_SCRATCH(reads_every_key_that_changes_the_computation),
        IN_SCRATCH(takes_old_and_new_spellings),
        IN_SCRATCH(refuses_settings_out_of_range),
        IN_SCRATCH(refuses_what_it_cannot_compute_by_name),
        IN_SCRATCH(families_have_their_class_defaults),
        IN_SCRATCH(refuses_rotary_positions_that_it_cannot_turn),
        IN_SCRATCH(says_what_is_read_by_nobody_though_it_looks_as_if),
        IN_SCRATCH(passes_numbers_of_python_that_nobody_reads),
        IN_SCRATCH(reads_the_language_model_of_several_parts),
        IN_SCRATCH(refuses_configs_that_are_no_strict_json),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
