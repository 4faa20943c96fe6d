// The table of config.json's keys against the owner's configuration classes, as
// tools/golden_config.py walked them: every key is known, and every default is the class's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/config.h"
#include "model/arch.h"
#include "model/config_keys.h"
#include "tests/support/fixture.h"
#include "tests/support/scratch.h"

#define GOLDEN "tests/fixtures/config/keys.json"

// Whom a class's files are read as: Ministral is what Mistral becomes with "layer_types".
static const char *family_of(const char *class_name)
{
    return strcmp(class_name, "ministral") == 0 ? "mistral" : class_name;
}

static size_t expect_known(const char *owner, const char *class_name, const char *key)
{
    if (config_key_find(family_of(class_name), key))
        return 0;
    print_error("%s, %s: the table does not know \"%s\"\n", owner, class_name, key);
    return 1;
}

// The first name of a list, key by key or item by item.
static const char *name_of(const cJSON *item)
{
    return cJSON_IsString(item) && !item->string ? item->valuestring : item->string;
}

static void every_key_of_the_classes_is_in_the_table(void **state)
{
    (void)state;
    static const char *const lists[] = { "keys", "spellings", "asked" };
    cJSON *golden = fixture_read(GOLDEN);
    const cJSON *owner, *class, *item;
    size_t unknown = 0, n = 0;
    cJSON_ArrayForEach(owner, golden)
    {
        cJSON_ArrayForEach(class, fixture_at(owner, "classes"))
        {
            for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
                cJSON_ArrayForEach(item, fixture_at(class, lists[i]))
                {
                    unknown += expect_known(owner->string, class->string, name_of(item));
                    n++;
                }
        }
    }
    cJSON_Delete(golden);
    assert_true(n > 800);
    if (unknown)
        fail_msg("%zu of %zu keys are not in the table", unknown, n);
}

// What a class default is called in the shape; where the class says none, the shape has what
// follows from the rest.
struct by_default {
    const char *key;
    double found;
};

static size_t compare_defaults(const char *owner, const cJSON *class, const struct model_shape *s)
{
    bool neox = arch_find(class->string) && arch_find(class->string)->rope.part_key;
    const struct by_default all[] = {
        { "vocab_size", s->n_vocab },
        { "n_positions", s->n_ctx },
        { "max_position_embeddings", s->n_ctx },
        { "n_embd", s->d_model },
        { "hidden_size", s->d_model },
        { "num_layers", s->n_layers },
        { "n_layer", s->n_layers },
        { "num_hidden_layers", s->n_layers },
        { "num_heads", s->n_heads },
        { "n_head", s->n_heads },
        { "num_attention_heads", s->n_heads },
        { "num_key_value_heads", s->n_kv_heads },
        { "head_dim", s->d_head },
        { "intermediate_size", s->d_mlp },
        { "layer_norm_epsilon", (double)s->norm_eps },
        { "layer_norm_eps", (double)s->norm_eps },
        { "norm_epsilon", (double)s->norm_eps },
        { "rms_norm_eps", (double)s->norm_eps },
        { "tie_word_embeddings", s->tied },
        { "scale_attn_weights", s->attn_scale },
        { "scale_attn_by_inverse_layer_idx", s->attn_scale_layer },
        { "use_parallel_residual", s->parallel },
        { "attention_bias", s->out_bias },
        { "mlp_bias", s->mlp_bias },
        { "attention_multiplier", s->score_scale },
        { "embedding_multiplier", (double)s->embed_scale },
        { "residual_multiplier", (double)s->residual_scale },
        { "logits_scaling", 1 / (double)s->logit_scale },
        { "rope_local_base_freq", s->rope_local.theta },
        { "window_size", s->window },
        { "rope_theta", s->rope.theta },
        { "rotary_emb_base", s->rope.theta },
        { "rotary_pct", neox ? s->rope.n_dims / (double)s->d_head : 1 },
        { "partial_rotary_factor", neox ? s->rope.n_dims / (double)s->d_head : 1 },
        { "sliding_window", s->window },
        { "use_sliding_window", s->window > 0 },
        { "query_pre_attn_scalar", 1 / (s->score_scale * s->score_scale) },
        { "attn_logit_softcapping", (double)s->score_cap },
        { "final_logit_softcapping", (double)s->logit_cap },
    };
    const cJSON *keys = fixture_at(class, "keys");
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(keys, all[i].key);
        double expected = cJSON_IsNumber(v) ? v->valuedouble : cJSON_IsTrue(v);
        // none: nothing slides, and heads follow from the width
        bool follows = !v || (cJSON_IsNull(v) && strcmp(all[i].key, "sliding_window") != 0);
        if (follows || (float)expected == (float)all[i].found)
            continue;
        print_error("%s, %s: \"%s\" is %g by default, found %g\n", owner, class->string, all[i].key,
                    expected, all[i].found);
        wrong++;
    }
    return wrong;
}

static size_t compare_activation(const char *owner, const cJSON *class, enum act found)
{
    const cJSON *keys = fixture_at(class, "keys");
    const cJSON *v = cJSON_GetObjectItem(keys, "hidden_act");
    v = v ? v : cJSON_GetObjectItem(keys, "hidden_activation");
    v = v ? v : cJSON_GetObjectItem(keys, "activation_function");
    if (!v) // a family that has one alone
        return 0;
    enum act expected = strcmp(v->valuestring, "silu") == 0   ? ACT_SILU
                        : strcmp(v->valuestring, "relu") == 0 ? ACT_RELU
                        : strcmp(v->valuestring, "gelu") == 0 ? ACT_GELU_ERF
                                                              : ACT_GELU_TANH;
    if (expected == found)
        return 0;
    print_error("%s, %s: another activation than %s\n", owner, class->string, v->valuestring);
    return 1;
}

static void an_empty_config_is_the_class_itself(void **state)
{
    const struct scratch *scratch = *state;
    cJSON *golden = fixture_read(GOLDEN);
    const cJSON *owner, *class;
    size_t wrong = 0;
    cJSON_ArrayForEach(owner, golden)
    {
        cJSON_ArrayForEach(class, fixture_at(owner, "classes"))
        {
            char text[64];
            struct model_shape s;
            const struct arch *arch;
            struct owner_notes notes = { 0 };
            struct abl_err err;
            enum owner like = strcmp(owner->string, owner_name(OWNER_TRANSFORMERS_4)) == 0
                                  ? OWNER_TRANSFORMERS_4
                                  : OWNER_TRANSFORMERS_5;
            snprintf(text, sizeof text, "{\"model_type\":\"%s\"}", family_of(class->string));
            scratch_text(scratch, "c/config.json", text);
            if (!config_read(scratch_path(scratch, "c"), like, &s, &arch, &notes, &err))
                fail_msg("%s", err.text);
            // but for classes whose two versions have different defaults
            assert_true(notes.n == 0 || arch->rope.theta_v4 > 0);
            wrong += compare_defaults(owner->string, class, &s)
                     + compare_activation(owner->string, class, s.act);
            owner_notes_release(&notes);
        }
    }
    cJSON_Delete(golden);
    if (wrong)
        fail_msg("%zu defaults differ", wrong);
}

// Each kind of rotary positions that a version knows is read, or refused by its name.
static void every_kind_of_rotary_positions_is_read_or_refused_by_name(void **state)
{
    const struct scratch *scratch = *state;
    cJSON *golden = fixture_read(GOLDEN);
    const cJSON *owner, *kind;
    size_t n_read = 0, n_refused = 0;
    cJSON_ArrayForEach(owner, golden)
    {
        cJSON_ArrayForEach(kind, fixture_at(owner, "rope_types"))
        {
            char text[256];
            struct model_shape s;
            const struct arch *arch;
            struct owner_notes notes = { 0 };
            struct abl_err err;
            snprintf(
                text, sizeof text,
                "{\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"%s\",\"factor\":2,"
                "\"low_freq_factor\":1,\"high_freq_factor\":4,"
                "\"original_max_position_embeddings\":1024}}",
                kind->valuestring);
            scratch_text(scratch, "c/config.json", text);
            bool read = config_read(scratch_path(scratch, "c"), OWNER_TRANSFORMERS_5, &s, &arch,
                                    &notes, &err);
            if (!read && !strstr(err.text, kind->valuestring))
                fail_msg("%s is refused without its name: %s", kind->valuestring, err.text);
            n_read += read;
            n_refused += !read;
            owner_notes_release(&notes);
        }
    }
    cJSON_Delete(golden);
    assert_true(n_read >= 10 && n_refused >= 2);
}

static void expect_read(const char *family, const char *key)
{
    const struct config_key *row = key ? config_key_find(family, key) : NULL;
    if (key && (!row || row->use != KEY_READ))
        fail_msg("%s reads \"%s\", but the table has it as %s", family, key,
                 row ? key_use_name(row->use) : "unknown");
}

static void what_the_families_read_is_in_the_table_as_read(void **state)
{
    (void)state;
    static const char *const families[]
        = { "gpt2", "llama", "mistral", "qwen2", "qwen3", "gpt_neox" };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct arch *a = arch_find(families[i]);
        for (int k = 0; k < N_COUNTS; k++) {
            expect_read(families[i], a->counts[k].key);
            expect_read(families[i], a->counts[k].wins);
        }
        for (int k = 0; k < N_FLAGS; k++)
            expect_read(families[i], a->flags[k].key);
        expect_read(families[i], a->eps_key);
        expect_read(families[i], a->act_key);
        expect_read(families[i], a->rope.theta_key);
        expect_read(families[i], a->rope.part_key);
        if (a->window != WINDOW_NONE)
            expect_read(families[i], "sliding_window");
    }
}

// A row says what it needs to say, and no other row hides it.
static void every_row_can_be_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_config_keys; i++) {
        const struct config_key *key = &config_keys[i];
        assert_int_equal(key->use == KEY_REFUSED, key->harmless != NULL);
        assert_int_equal(key->use == KEY_REFUSED, key->instead != NULL);
        for (size_t k = 0; k < i; k++)
            if (strcmp(config_keys[k].name, key->name) == 0 && !config_keys[k].families)
                fail_msg("\"%s\" stands behind a row for all families", key->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_of_the_classes_is_in_the_table),
        cmocka_unit_test_setup_teardown(an_empty_config_is_the_class_itself, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(every_kind_of_rotary_positions_is_read_or_refused_by_name,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test(what_the_families_read_is_in_the_table_as_read),
        cmocka_unit_test(every_row_can_be_found),
    };
    return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
