#include "model/config_keys.h"

#include <ctype.h>
#include <string.h>

#include "base/near.h"

#define LLAMAS                                                                                     \
    "llama mistral qwen2 qwen3 gemma gemma2 gemma3_text olmo olmo2 olmo3 phi3 smollm3 granite "    \
    "starcoder2 cohere"
#define ROTARY LLAMAS " gpt_neox phi stablelm cohere2"
#define GPT2S "gpt2 gptj gpt_bigcode"
#define ABSENT GPT2S " gpt_neo opt bloom"

enum { BARE = 64 };

static const char is_post_norm[] = "norms of the residual stream itself are not supported";
static const char is_head_norm[] = "LayerNorms of queries and keys are not supported";

static const char take_original[]
    = "take the checkpoint that it was made from, or a GGUF file of it";
static const char is_composed[] = "this is a model of several parts: save its language model on "
                                  "its own, with its own config.json";

// The first row that fits a family and a name counts.
const struct config_key config_keys[] = {
    { "model_type", NULL, KEY_READ, NULL, NULL },
    { "vocab_size", NULL, KEY_READ, NULL, NULL },
    { "tie_word_embeddings", NULL, KEY_READ, NULL, NULL },
    { "num_layers", "gpt_neo", KEY_READ, NULL, NULL },
    { "num_heads", "gpt_neo", KEY_READ, NULL, NULL },
    { "window_size", "gpt_neo", KEY_READ, NULL, NULL },
    { "attention_types", "gpt_neo", KEY_READ, NULL, NULL },
    { "attention_layers", "gpt_neo", KEY_INERT, NULL, NULL }, // made from attention_types
    { "intermediate_size", "gpt_neo", KEY_READ, NULL, NULL },
    { "activation_function", "gpt_neo", KEY_READ, NULL, NULL },
    { "layer_norm_epsilon", "gpt_neo", KEY_READ, NULL, NULL },
    { "n_positions", GPT2S, KEY_READ, NULL, NULL },
    { "n_embd", GPT2S, KEY_READ, NULL, NULL },
    { "n_layer", GPT2S, KEY_READ, NULL, NULL },
    { "n_head", GPT2S, KEY_READ, NULL, NULL },
    { "n_inner", GPT2S, KEY_READ, NULL, NULL },
    { "activation_function", GPT2S " opt", KEY_READ, NULL, NULL },
    { "layer_norm_epsilon", GPT2S, KEY_READ, NULL, NULL },
    { "scale_attn_weights", "gpt2 gpt_bigcode", KEY_READ, NULL, NULL },
    { "scale_attn_by_inverse_layer_idx", "gpt2", KEY_READ, NULL, NULL },
    { "seq_length", "bloom", KEY_READ, NULL, NULL },
    { "n_embed", "bloom", KEY_READ, NULL, NULL },
    { "n_layer", "bloom", KEY_READ, NULL, NULL },
    { "n_head", "bloom", KEY_READ, NULL, NULL },
    { "layer_norm_epsilon", "bloom", KEY_READ, NULL, NULL },
    { "apply_residual_connection_post_layernorm", "bloom", KEY_REFUSED, "false",
      "such models are not supported" },
    { "slow_but_exact", "bloom", KEY_REFUSED, "false", "such models are not supported" },
    { "max_position_embeddings", "bloom", KEY_INERT, NULL, NULL },
    { "multi_query", "gpt_bigcode", KEY_READ, NULL, NULL },
    { "rotary_dim", "gptj", KEY_READ, NULL, NULL },
    { "ffn_dim", "opt", KEY_READ, NULL, NULL },
    { "enable_bias", "opt", KEY_READ, NULL, NULL },
    { "word_embed_proj_dim", "opt", KEY_READ, NULL, NULL },
    { "use_qkv_bias", "stablelm", KEY_READ, NULL, NULL },
    { "logit_scale", "cohere cohere2", KEY_READ, NULL, NULL },
    { "do_layer_norm_before", "opt", KEY_REFUSED, "true", is_post_norm },
    { "remove_final_layer_norm", "opt", KEY_INERT, NULL, NULL },
    { "_remove_final_layer_norm", "opt", KEY_REFUSED, "false", "such models are not supported" },
    { "layer_norm_elementwise_affine", "opt", KEY_REFUSED, "true",
      "such models are not supported" },
    { "qk_layernorm", "phi stablelm", KEY_REFUSED, "false", is_head_norm },
    { "use_qk_norm", "cohere", KEY_REFUSED, "false", is_head_norm },
    { "clip_qkv", "olmo", KEY_REFUSED, "null",
      "clipped queries, keys and values are not supported" },
    { "attention_softmax_in_fp32", "gpt_bigcode", KEY_INERT, NULL, NULL },
    { "scale_attention_softmax_in_fp32", "gpt_bigcode", KEY_INERT, NULL, NULL },
    { "dropout", "opt", KEY_INERT, NULL, NULL },
    { "layerdrop", "opt", KEY_INERT, NULL, NULL },
    { "init_std", "opt", KEY_INERT, NULL, NULL },
    // chooses a precision below the one used here
    { "reorder_and_upcast_attn", NULL, KEY_INERT, NULL, NULL },
    { "n_ctx", NULL, KEY_INERT, NULL, NULL },
    // in GPT-2 other words for n_positions, n_embd, n_layer and n_head, which they overrule
    { "max_position_embeddings", NULL, KEY_READ, NULL, NULL },
    { "hidden_size", NULL, KEY_READ, NULL, NULL },
    { "num_hidden_layers", NULL, KEY_READ, NULL, NULL },
    { "num_attention_heads", NULL, KEY_READ, NULL, NULL },
    { "num_key_value_heads", LLAMAS " phi stablelm cohere2", KEY_READ, NULL, NULL },
    { "head_dim", LLAMAS " phi", KEY_READ, NULL, NULL },
    { "head_dim", "gpt_neox stablelm cohere2", KEY_READ, NULL, NULL }, // has to be width / heads
    { "intermediate_size", ROTARY, KEY_READ, NULL, NULL },
    { "hidden_activation", "gemma2 gemma3_text", KEY_READ, NULL, NULL },
    { "hidden_activation", "gemma", KEY_INERT, NULL, NULL },
    { "hidden_act", "gemma2 gemma3_text", KEY_INERT, NULL, NULL },
    { "hidden_act", ROTARY, KEY_READ, NULL, NULL },
    { "rms_norm_eps", "starcoder2 olmo cohere cohere2 phi stablelm opt gptj gpt_bigcode bloom",
      KEY_INERT, NULL, NULL },
    { "norm_epsilon", "starcoder2", KEY_READ, NULL, NULL },
    { "use_bias", "starcoder2", KEY_READ, NULL, NULL },
    { "rms_norm_eps", LLAMAS, KEY_READ, NULL, NULL },
    { "layer_norm_eps", "gpt_neox phi stablelm cohere cohere2", KEY_READ, NULL, NULL },
    { "attention_bias",
      "llama qwen3 gpt_neox gemma gemma2 gemma3_text olmo olmo2 olmo3 smollm3 "
      "granite cohere cohere2",
      KEY_READ, NULL, NULL },
    { "mlp_bias", "llama smollm3 granite", KEY_READ, NULL, NULL },
    { "use_parallel_residual", "gpt_neox stablelm", KEY_READ, NULL, NULL },
    { "rope_theta", LLAMAS " phi stablelm cohere2", KEY_READ, NULL, NULL },
    { "partial_rotary_factor", LLAMAS " phi stablelm cohere2", KEY_READ, NULL, NULL },
    { "rotary_emb_base", "gpt_neox", KEY_READ, NULL, NULL },
    { "rotary_pct", "gpt_neox", KEY_READ, NULL, NULL },
    // the class makes them from rotary_emb_base and rotary_pct, whatever the file has
    { "rope_theta", "gpt_neox", KEY_INERT, NULL, NULL },
    { "partial_rotary_factor", "gpt_neox", KEY_INERT, NULL, NULL },
    { "rope_scaling", ROTARY, KEY_READ, NULL, NULL },
    { "rope_parameters", ROTARY, KEY_READ, NULL, NULL },
    { "original_max_position_embeddings", ROTARY, KEY_READ, NULL, NULL },
    { "attention_multiplier", "granite", KEY_READ, NULL, NULL },
    { "embedding_multiplier", "granite", KEY_READ, NULL, NULL },
    { "residual_multiplier", "granite", KEY_READ, NULL, NULL },
    { "logits_scaling", "granite", KEY_READ, NULL, NULL },
    { "no_rope_layers", "smollm3", KEY_READ, NULL, NULL },
    { "no_rope_layer_interval", "smollm3", KEY_READ, NULL, NULL },
    { "rope_local_base_freq", "gemma3_text", KEY_READ, NULL, NULL },
    { "sliding_window_pattern", "gemma3_text cohere2", KEY_READ, NULL, NULL },
    { "attn_logit_softcapping", "gemma3_text", KEY_INERT, NULL, NULL },
    { "query_pre_attn_scalar", "gemma2 gemma3_text", KEY_READ, NULL, NULL },
    { "attn_logit_softcapping", "gemma2", KEY_READ, NULL, NULL },
    { "final_logit_softcapping", "gemma2 gemma3_text", KEY_READ, NULL, NULL },
    { "sliding_window",
      "mistral qwen2 qwen3 gemma2 gemma3_text phi3 smollm3 starcoder2 "
      "olmo3 cohere2",
      KEY_READ, NULL, NULL },
    { "layer_types", "mistral qwen2 qwen3 gemma2 gemma3_text smollm3 olmo3 cohere2", KEY_READ, NULL,
      NULL },
    { "use_sliding_window", "qwen2 qwen3 smollm3", KEY_READ, NULL, NULL },
    { "max_window_layers", "qwen2 qwen3", KEY_READ, NULL, NULL },
    { "sliding_window", NULL, KEY_INERT, NULL, NULL },
    { "layer_types", NULL, KEY_INERT, NULL, NULL },
    { "use_sliding_window", NULL, KEY_INERT, NULL, NULL },
    { "max_window_layers", NULL, KEY_INERT, NULL, NULL },
    { "num_key_value_heads", "gpt_neox gpt_neo opt gptj gpt_bigcode bloom", KEY_INERT, NULL, NULL },
    { "rms_norm_eps", "gpt_neox gpt_neo opt gptj gpt_bigcode bloom", KEY_INERT, NULL, NULL },
    { "head_dim", ABSENT, KEY_INERT, NULL, NULL },
    { "rope_theta", ABSENT, KEY_INERT, NULL, NULL },
    { "rope_scaling", ABSENT, KEY_INERT, NULL, NULL },
    { "rope_parameters", ABSENT, KEY_INERT, NULL, NULL },
    { "partial_rotary_factor", ABSENT, KEY_INERT, NULL, NULL },
    { "original_max_position_embeddings", ABSENT, KEY_INERT, NULL, NULL },
    { "attention_bias", "mistral qwen2 phi3 starcoder2 gpt_neo opt phi stablelm gptj gpt_bigcode",
      KEY_INERT, NULL, NULL },
    { "mlp_bias",
      "mistral qwen2 qwen3 gemma gemma2 gemma3_text olmo olmo2 olmo3 phi3 starcoder2 phi "
      "stablelm cohere cohere2",
      KEY_INERT, NULL, NULL },
    { "architectures", NULL, KEY_READ, NULL, NULL }, // for a note
    // training, other tasks, caches, element types, generation
    { "attention_dropout", NULL, KEY_INERT, NULL, NULL },
    { "resid_dropout", NULL, KEY_INERT, NULL, NULL },
    { "embed_dropout", NULL, KEY_INERT, NULL, NULL },
    { "residual_dropout", NULL, KEY_INERT, NULL, NULL },
    { "embedding_dropout", NULL, KEY_INERT, NULL, NULL },
    { "resid_pdrop", NULL, KEY_INERT, NULL, NULL },
    { "embd_pdrop", NULL, KEY_INERT, NULL, NULL },
    { "attn_pdrop", NULL, KEY_INERT, NULL, NULL },
    { "hidden_dropout", NULL, KEY_INERT, NULL, NULL },
    { "classifier_dropout", NULL, KEY_INERT, NULL, NULL },
    { "summary_type", NULL, KEY_INERT, NULL, NULL },
    { "summary_use_proj", NULL, KEY_INERT, NULL, NULL },
    { "summary_activation", NULL, KEY_INERT, NULL, NULL },
    { "summary_proj_to_labels", NULL, KEY_INERT, NULL, NULL },
    { "summary_first_dropout", NULL, KEY_INERT, NULL, NULL },
    { "summary_last_dropout", NULL, KEY_INERT, NULL, NULL },
    { "initializer_range", NULL, KEY_INERT, NULL, NULL },
    { "image_token_id", "gemma3_text", KEY_INERT, NULL, NULL },
    { "_sliding_window_pattern", "gemma3_text", KEY_INERT, NULL, NULL }, // saved beside layer_types
    { "mm_tokens_per_image", "gemma3_text", KEY_INERT, NULL, NULL },
    { "token_type_ids", "gemma3_text", KEY_INERT, NULL, NULL },
    { "pre_quantization_dtype", "gpt_neo gptj", KEY_INERT, NULL, NULL },
    { "ignore_keys_at_rope_validation", NULL, KEY_INERT, NULL, NULL },
    { "pretraining_tp", NULL, KEY_INERT, NULL, NULL },
    { "use_cache", NULL, KEY_INERT, NULL, NULL },
    { "gradient_checkpointing", NULL, KEY_INERT, NULL, NULL },
    { "mlp_layer_types", NULL, KEY_INERT, NULL, NULL },
    { "mtp_layer_types", NULL, KEY_INERT, NULL, NULL },
    { "mtp_mlp_layer_types", NULL, KEY_INERT, NULL, NULL },
    { "mtp_per_layer_config", NULL, KEY_INERT, NULL, NULL },
    { "num_mtp_layers", NULL, KEY_INERT, NULL, NULL },
    { "chunk_size_feed_forward", NULL, KEY_INERT, NULL, NULL },
    { "is_decoder", NULL, KEY_INERT, NULL, NULL },
    { "is_encoder_decoder", NULL, KEY_INERT, NULL, NULL },
    { "cross_attention_hidden_size", NULL, KEY_INERT, NULL, NULL },
    { "tie_encoder_decoder", NULL, KEY_INERT, NULL, NULL },
    { "tie_last_hidden_states", NULL, KEY_INERT, NULL, NULL },
    { "num_labels", NULL, KEY_INERT, NULL, NULL },
    { "id2label", NULL, KEY_INERT, NULL, NULL },
    { "label2id", NULL, KEY_INERT, NULL, NULL },
    { "problem_type", NULL, KEY_INERT, NULL, NULL },
    { "finetuning_task", NULL, KEY_INERT, NULL, NULL },
    { "task_specific_params", NULL, KEY_INERT, NULL, NULL },
    { "dtype", NULL, KEY_INERT, NULL, NULL }, // the tensors say it themselves
    { "torch_dtype", NULL, KEY_INERT, NULL, NULL },
    { "use_bfloat16", NULL, KEY_INERT, NULL, NULL },
    { "tf_legacy_loss", NULL, KEY_INERT, NULL, NULL },
    { "torchscript", NULL, KEY_INERT, NULL, NULL },
    { "use_return_dict", NULL, KEY_INERT, NULL, NULL },
    { "return_dict", NULL, KEY_INERT, NULL, NULL },
    { "output_attentions", NULL, KEY_INERT, NULL, NULL },
    { "output_hidden_states", NULL, KEY_INERT, NULL, NULL },
    { "attn_implementation", NULL, KEY_INERT, NULL, NULL },
    { "experts_implementation", NULL, KEY_INERT, NULL, NULL },
    { "experts_implementation_internal", NULL, KEY_INERT, NULL, NULL },
    { "rope_type_labels", NULL, KEY_INERT, NULL, NULL },
    { "post_init_done", NULL, KEY_INERT, NULL, NULL },
    { "name_or_path", NULL, KEY_INERT, NULL, NULL },
    { "commit_hash", NULL, KEY_INERT, NULL, NULL },
    { "transformers_version", NULL, KEY_INERT, NULL, NULL },
    { "tokenizer_class", NULL, KEY_INERT, NULL, NULL },
    { "prefix", NULL, KEY_INERT, NULL, NULL },
    { "bos_token_id", NULL, KEY_INERT, NULL, NULL }, // of the forward pass; text/bos.c reads them
    { "eos_token_id", NULL, KEY_INERT, NULL, NULL },
    { "pad_token_id", NULL, KEY_INERT, NULL, NULL },
    { "sep_token_id", NULL, KEY_INERT, NULL, NULL },
    { "decoder_start_token_id", NULL, KEY_INERT, NULL, NULL },
    { "bad_words_ids", NULL, KEY_INERT, NULL, NULL },
    { "begin_suppress_tokens", NULL, KEY_INERT, NULL, NULL },
    { "diversity_penalty", NULL, KEY_INERT, NULL, NULL },
    { "do_sample", NULL, KEY_INERT, NULL, NULL },
    { "early_stopping", NULL, KEY_INERT, NULL, NULL },
    { "encoder_no_repeat_ngram_size", NULL, KEY_INERT, NULL, NULL },
    { "exponential_decay_length_penalty", NULL, KEY_INERT, NULL, NULL },
    { "forced_bos_token_id", NULL, KEY_INERT, NULL, NULL },
    { "forced_eos_token_id", NULL, KEY_INERT, NULL, NULL },
    { "length_penalty", NULL, KEY_INERT, NULL, NULL },
    { "max_length", NULL, KEY_INERT, NULL, NULL },
    { "min_length", NULL, KEY_INERT, NULL, NULL },
    { "no_repeat_ngram_size", NULL, KEY_INERT, NULL, NULL },
    { "num_beam_groups", NULL, KEY_INERT, NULL, NULL },
    { "num_beams", NULL, KEY_INERT, NULL, NULL },
    { "num_return_sequences", NULL, KEY_INERT, NULL, NULL },
    { "output_scores", NULL, KEY_INERT, NULL, NULL },
    { "remove_invalid_values", NULL, KEY_INERT, NULL, NULL },
    { "repetition_penalty", NULL, KEY_INERT, NULL, NULL },
    { "return_dict_in_generate", NULL, KEY_INERT, NULL, NULL },
    { "suppress_tokens", NULL, KEY_INERT, NULL, NULL },
    { "temperature", NULL, KEY_INERT, NULL, NULL },
    { "top_k", NULL, KEY_INERT, NULL, NULL },
    { "top_p", NULL, KEY_INERT, NULL, NULL },
    { "typical_p", NULL, KEY_INERT, NULL, NULL },
    // what the owner's code heeds and this program has not
    { "add_cross_attention", "gpt2 gpt_bigcode", KEY_REFUSED, "false",
      "such models are not supported" },
    { "add_cross_attention", NULL, KEY_INERT, NULL, NULL },
    { "is_causal", NULL, KEY_REFUSED, "true", "models that look ahead are not supported" },
    { "use_bidirectional_attention", "gemma gemma2 gemma3_text", KEY_REFUSED, "false",
      "models that look ahead are not supported" },
    { "pruned_heads", NULL, KEY_REFUSED, "{}", take_original },
    { "per_layer_config", NULL, KEY_REFUSED, "{}", "layers that differ are not supported" },
    { "quantization_config", NULL, KEY_REFUSED, "{}", take_original },
    { "compression_config", NULL, KEY_REFUSED, "{}", take_original },
    { "text_config", NULL, KEY_REFUSED, "{}", is_composed },
    { "llm_config", NULL, KEY_REFUSED, "{}", is_composed },
    { "language_config", NULL, KEY_REFUSED, "{}", is_composed },
    { "thinker_config", NULL, KEY_REFUSED, "{}", is_composed },
    // what other families' code heeds, and code of a checkpoint's own
    { "auto_map", NULL, KEY_FOREIGN, NULL, NULL },
    { "logit_scale", NULL, KEY_FOREIGN, NULL, NULL },
    { "logits_scaling", NULL, KEY_FOREIGN, NULL, NULL },
    { "final_logit_softcapping", NULL, KEY_FOREIGN, NULL, NULL },
    { "attn_logit_softcapping", NULL, KEY_FOREIGN, NULL, NULL },
    { "query_pre_attn_scalar", NULL, KEY_FOREIGN, NULL, NULL },
    { "attention_multiplier", NULL, KEY_FOREIGN, NULL, NULL },
    { "embedding_multiplier", NULL, KEY_FOREIGN, NULL, NULL },
    { "residual_multiplier", NULL, KEY_FOREIGN, NULL, NULL },
    { "scale_emb", NULL, KEY_FOREIGN, NULL, NULL },
    { "scale_depth", NULL, KEY_FOREIGN, NULL, NULL },
    { "dim_model_base", NULL, KEY_FOREIGN, NULL, NULL },
    { "clip_qkv", NULL, KEY_FOREIGN, NULL, NULL },
    { "alibi", NULL, KEY_FOREIGN, NULL, NULL },
    { "use_alibi", NULL, KEY_FOREIGN, NULL, NULL },
    { "position_embedding_type", NULL, KEY_FOREIGN, NULL, NULL },
    { "hidden_activation", NULL, KEY_FOREIGN, NULL, NULL },
    { "rotary_dim", NULL, KEY_FOREIGN, NULL, NULL },
    { "rope_ratio", NULL, KEY_FOREIGN, NULL, NULL },
    { "rope_interleaved", NULL, KEY_FOREIGN, NULL, NULL },
    { "rope_local_base_freq", NULL, KEY_FOREIGN, NULL, NULL },
    { "no_rope_layers", NULL, KEY_FOREIGN, NULL, NULL },
    { "no_rope_layer_interval", NULL, KEY_FOREIGN, NULL, NULL },
    { "use_qk_norm", NULL, KEY_FOREIGN, NULL, NULL },
    { "qk_layernorm", NULL, KEY_FOREIGN, NULL, NULL },
    { "qkv_bias", NULL, KEY_FOREIGN, NULL, NULL },
    { "use_qkv_bias", NULL, KEY_FOREIGN, NULL, NULL },
    { "use_bias", NULL, KEY_FOREIGN, NULL, NULL },
    { "no_bias", NULL, KEY_FOREIGN, NULL, NULL },
    { "attention_out_bias", NULL, KEY_FOREIGN, NULL, NULL },
    { "parallel_attn", NULL, KEY_FOREIGN, NULL, NULL },
    { "parallel_residual", NULL, KEY_FOREIGN, NULL, NULL },
    { "multi_query", NULL, KEY_FOREIGN, NULL, NULL },
    { "new_decoder_architecture", NULL, KEY_FOREIGN, NULL, NULL },
    { "sliding_window_pattern", NULL, KEY_FOREIGN, NULL, NULL },
    { "attention_chunk_size", NULL, KEY_FOREIGN, NULL, NULL },
    { "num_experts", NULL, KEY_FOREIGN, NULL, NULL },
    { "num_local_experts", NULL, KEY_FOREIGN, NULL, NULL },
    { "n_routed_experts", NULL, KEY_FOREIGN, NULL, NULL },
    { "num_experts_per_tok", NULL, KEY_FOREIGN, NULL, NULL },
    { "moe_intermediate_size", NULL, KEY_FOREIGN, NULL, NULL },
    { "kv_lora_rank", NULL, KEY_FOREIGN, NULL, NULL },
    { "q_lora_rank", NULL, KEY_FOREIGN, NULL, NULL },
    { "use_bidirectional_attention", NULL, KEY_FOREIGN, NULL, NULL },
    { "vision_config", NULL, KEY_FOREIGN, NULL, NULL },
    { "audio_config", NULL, KEY_FOREIGN, NULL, NULL },
    // what belongs among the rotary parameters
    { "rope_type", NULL, KEY_FOREIGN, NULL, NULL },
    { "factor", NULL, KEY_FOREIGN, NULL, NULL },
    { "low_freq_factor", NULL, KEY_FOREIGN, NULL, NULL },
    { "high_freq_factor", NULL, KEY_FOREIGN, NULL, NULL },
    { "attention_factor", NULL, KEY_FOREIGN, NULL, NULL },
    { "beta_fast", NULL, KEY_FOREIGN, NULL, NULL },
    { "beta_slow", NULL, KEY_FOREIGN, NULL, NULL },
    { "mscale", NULL, KEY_FOREIGN, NULL, NULL },
    { "mscale_all_dim", NULL, KEY_FOREIGN, NULL, NULL },
};

const size_t n_config_keys = sizeof config_keys / sizeof *config_keys;

const char *key_use_name(size_t use)
{
    static const char *const names[] = { [KEY_READ] = "read",
                                         [KEY_INERT] = "inert",
                                         [KEY_REFUSED] = "refused",
                                         [KEY_FOREIGN] = "foreign" };
    return use < sizeof names / sizeof *names ? names[use] : NULL;
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, len) == 0 && (!at[len] || at[len] == ' '))
            return true;
    }
    return false;
}

const struct config_key *config_key_find(const char *family, const char *name)
{
    for (size_t i = 0; i < n_config_keys; i++)
        if (strcmp(config_keys[i].name, name) == 0
            && (!config_keys[i].families || has_word(config_keys[i].families, family)))
            return &config_keys[i];
    return NULL;
}

// Whether a value says no more than that the key is there.
static bool says_nothing(const cJSON *v)
{
    return cJSON_IsNull(v) || cJSON_IsFalse(v)
           || ((cJSON_IsArray(v) || cJSON_IsObject(v)) && !v->child);
}

static bool is_harmless(const struct config_key *key, const cJSON *v)
{
    char text[16];
    return cJSON_IsNull(v)
           || (cJSON_PrintPreallocated((cJSON *)v, text, sizeof text, false)
               && strcmp(text, key->harmless) == 0);
}

static bool refuse(const struct config *c, const struct config_key *key, const cJSON *v)
{
    char *found = cJSON_PrintUnformatted(v);
    abl_fail(c->err, ABL_BAD_MODEL,
             "\"%s\" in '%s' is not supported: found %.60s, expected %s or no such key; %s",
             key->name, c->path, found ? found : "?", key->harmless, key->instead);
    cJSON_free(found);
    return false;
}

// Letters and digits of a key, small ones: what two spellings have in common.
static void bare(const char *key, char out[BARE])
{
    size_t n = 0;
    for (; *key && n + 1 < BARE; key++)
        if (isalnum((unsigned char)*key))
            out[n++] = (char)tolower((unsigned char)*key);
    out[n] = '\0';
}

// The key of this family that an unknown one was most likely meant to be; NULL where none is near.
static const struct config_key *meant(const struct config *c, const char *name)
{
    char wanted[BARE], known[BARE];
    bare(name, wanted);
    size_t len = strlen(wanted);
    for (size_t i = 0; len > 5 && i < n_config_keys; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->use != KEY_READ)
            continue;
        bare(key->name, known);
        size_t len_known = strlen(known);
        if (len <= len_known + 1 && len_known <= len + 1 && near_distance(wanted, known) <= 1
            && config_key_find(c->arch->model_type, key->name) == key)
            return key;
    }
    return NULL;
}

static const struct config_key *of_another_family(const char *name)
{
    for (size_t i = 0; i < n_config_keys; i++)
        if (config_keys[i].use == KEY_READ && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

static bool check_unknown(const struct config *c, const cJSON *v)
{
    const struct config_key *near = meant(c, v->string), *other = of_another_family(v->string);
    if (near)
        return owner_note(
            c->notes, c->err,
            "config.json: \"%.60s\" is no key that anybody reads; \"%s\" may be meant", v->string,
            near->name);
    if (!other)
        return true;
    return owner_note(c->notes, c->err,
                      "config.json: \"%s\" is a key of %s; in %s it is not read, nor does "
                      "transformers read it",
                      v->string, other->families ? other->families : "others", c->arch->model_type);
}

bool config_keys_check(const struct config *c)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, c->root)
    {
        const struct config_key *key = config_key_find(c->arch->model_type, v->string);
        if (key && key->use == KEY_REFUSED && !is_harmless(key, v))
            return refuse(c, key, v);
        if (says_nothing(v) || (key && key->use != KEY_FOREIGN))
            continue;
        if (!key && !check_unknown(c, v))
            return false;
        if (key
            && !owner_note(c->notes, c->err,
                           "config.json: \"%s\" is not a key of %s: it is not read, nor does "
                           "transformers read it without code of the checkpoint's own",
                           key->name, c->arch->model_type))
            return false;
    }
    return true;
}
