"""The config.json files that tools/golden_config.py tries: (name, architecture, what changes, {drop, weights, ours, same})."""

LLAMAS = ("llama", "mistral", "qwen2", "qwen3")
ROTARY = (*LLAMAS, "gpt_neox")
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}

CASES: list[tuple[str, str, dict, dict]] = []


def add(archs: object, name: str, change: dict, **more: object) -> None:
    for arch in (archs,) if isinstance(archs, str) else archs:
        own = dict(more)
        if own.pop("inert", False):
            own["same"] = f"{arch}: base"
        CASES.append((name, arch, change, own))


EVERY = ("gpt2", *ROTARY)
add(EVERY, "base", {})

# rotary positions, both spellings
add(LLAMAS, "rope_theta 500", {"rope_theta": 500.0})
add(LLAMAS, "rope_parameters theta", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
add(LLAMAS, "both thetas", {"rope_theta": 300.0, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
add(LLAMAS, "parameters without theta", {"rope_theta": 300.0, "rope_parameters": {"rope_type": "default"}})
add(("llama", "qwen3"), "empty scaling beside parameters", {"rope_scaling": {}, "rope_parameters": {"rope_theta": 500.0}})
add("llama", "empty scaling", {"rope_scaling": {}, "rope_theta": 300.0})
add("llama", "empty parameters", {"rope_parameters": {}, "rope_theta": 300.0})
add("llama", "null scaling", {"rope_scaling": None, "rope_parameters": None, "rope_theta": 300.0})
add("llama", "null theta", {"rope_theta": None}, ours="rope_theta")
add("llama", "null theta inside", {"rope_parameters": {"rope_theta": None}}, ours="rope_theta")
add("llama", "theta of scaling", {"rope_theta": 300.0, "rope_scaling": {"type": "linear", "factor": 2.0, "rope_theta": 500.0}})
add("llama", "scaling replaces parameters",
    {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
for kind in ("llama", "mistral", "qwen2", "gpt_neox"):
    add(kind, "linear, old", {"rope_scaling": {"type": "linear", "factor": 4.0}})
    add(kind, "linear, new", {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 700.0}})
    add(kind, "dynamic", {"rope_scaling": {"type": "dynamic", "factor": 4.0}} | ({"rotary_pct": 1.0} if kind == "gpt_neox" else {}))
    add(kind, "llama3", {"rope_scaling": LLAMA3} | ({"rotary_pct": 1.0} if kind == "gpt_neox" else {}))
    add(kind, "yarn", {"rope_scaling": YARN})
add("llama", "two kinds", {"rope_scaling": {"type": "linear", "rope_type": "dynamic", "factor": 4.0}})
add("llama", "null kind", {"rope_scaling": {"type": None, "factor": 4.0}})
add("llama", "kind default, with a factor", {"rope_scaling": {"rope_type": "default", "factor": 4.0}})
add("llama", "no kind", {"rope_scaling": {"factor": 4.0}})
add("llama", "factor missing", {"rope_scaling": {"rope_type": "linear"}}, ours="factor")
add("llama", "factor null", {"rope_scaling": {"rope_type": "linear", "factor": None}}, ours="factor")
add("llama", "factor 0.5", {"rope_scaling": {"rope_type": "linear", "factor": 0.5}})
add("llama", "factor whole", {"rope_scaling": {"rope_type": "linear", "factor": 4}})
add("llama", "llama3 without original", {"rope_scaling": {k: v for k, v in LLAMA3.items() if k[0] != "o"}})
add("llama", "llama3, original outside", {"original_max_position_embeddings": 16, "rope_scaling": LLAMA3})
LONG = YARN | {"original_max_position_embeddings": 2048}
add("llama", "yarn, long", {"rope_scaling": LONG})
add("llama", "yarn without original", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}})
add("llama", "yarn, original outside", {"original_max_position_embeddings": 8, "rope_scaling": YARN})
add("llama", "yarn, original outside null", {"original_max_position_embeddings": None, "rope_scaling": YARN})
add("llama", "yarn, original 0", {"rope_scaling": YARN | {"original_max_position_embeddings": 0}})
add("llama", "yarn, factor null", {"rope_scaling": YARN | {"factor": None}})
add("llama", "yarn, factor missing", {"rope_scaling": {k: v for k, v in YARN.items() if k != "factor"}})
for key, values in {
    "attention_factor": (2.0, 0.0, None, -1.0), "beta_fast": (1.5, 0, None), "beta_slow": (0.25, 0, None),
    "mscale": (2.0, 0.0, None), "mscale_all_dim": (2.0, 0.0, None), "truncate": (False, None, True, 0),
}.items():
    for value in values:
        add("llama", f"yarn, {key} {value}", {"rope_scaling": LONG | {key: value}})
add("llama", "yarn, mscales", {"rope_scaling": YARN | {"mscale": 2.0, "mscale_all_dim": 0.5}})
add("llama", "yarn, mscale and all_dim 0", {"rope_scaling": YARN | {"mscale": 2.0, "mscale_all_dim": 0}})
add("llama", "yarn, mscales and attention_factor",
    {"rope_scaling": YARN | {"mscale": 2.0, "mscale_all_dim": 0.5, "attention_factor": 1.5}})
add("llama", "yarn of both versions", {"rope_theta": 700.0, "rope_scaling": YARN | {"rope_theta": 700.0}})
for kind in ("longrope", "su", "proportional", "axial", "ntk", "mrope", "3d"):
    change = {"rope_type": kind, "factor": 2.0, "short_factor": [1.0] * 4, "long_factor": [2.0] * 4,
              "original_max_position_embeddings": 32, "rope_theta": 500.0}
    add("llama", f"kind {kind}", {"rope_scaling": change}, ours=kind)
add("qwen2", "nested by layer type", {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 500.0}}},
    ours="full_attention")
add("llama", "nested by layer type", {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 500.0}}},
    ours="full_attention")
add("llama", "unknown key in scaling", {"rope_scaling": {"rope_type": "linear", "factor": 2.0, "facktor": 3}})

# part of a head that turns
add(LLAMAS, "partial_rotary_factor", {"partial_rotary_factor": 0.5})
add("llama", "partial_rotary_factor inside", {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}})
add("llama", "partial_rotary_factor inside scaling", {"rope_scaling": {"type": "default", "partial_rotary_factor": 0.5}})
add("llama", "partial_rotary_factor, linear", {"partial_rotary_factor": 0.5, "rope_scaling": {"type": "linear", "factor": 2.0}},
    ours="partial_rotary_factor")
add("llama", "partial_rotary_factor, dynamic", {"partial_rotary_factor": 0.5, "rope_scaling": {"type": "dynamic", "factor": 2.0}},
    ours="partial_rotary_factor")
add("llama", "partial_rotary_factor 1", {"partial_rotary_factor": 1.0}, inert=True)
add("llama", "partial_rotary_factor null", {"partial_rotary_factor": None})
add("llama", "rotary_pct", {"rotary_pct": 0.5}, inert=True)
add("llama", "rotary_emb_base", {"rotary_emb_base": 500}, inert=True)
add("gpt_neox", "rotary_pct 0.5", {"rotary_pct": 0.5})
add("gpt_neox", "rotary_pct 1", {"rotary_pct": 1.0})
add("gpt_neox", "rotary_pct 0.4", {"rotary_pct": 0.4}, ours="rotary")
add("gpt_neox", "rotary_emb_base", {"rotary_emb_base": 500, "rotary_pct": 0.5})
add("gpt_neox", "rope_theta", {"rope_theta": 500}, inert=True)
add("gpt_neox", "partial_rotary_factor", {"partial_rotary_factor": 0.5})
add("gpt_neox", "parameters", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5}})
add("gpt_neox", "parameters and old keys",
    {"rotary_pct": 1.0, "rotary_emb_base": 300, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
add("gpt_neox", "linear, half", {"rotary_pct": 0.5, "rope_scaling": {"type": "linear", "factor": 2.0}})
add("gpt_neox", "head_dim", {"head_dim": 4}, ours="head_dim")

# what Gemma and OLMo 2 have besides
NEWER = ("gemma", "gemma2", "olmo2")
add(NEWER, "base", {})
add(NEWER, "rope_theta 500", {"rope_theta": 500.0})
add(NEWER, "rope_parameters theta", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
add(NEWER, "attention_bias", {"attention_bias": True})
add(NEWER, "untied", {"tie_word_embeddings": False})
add(NEWER, "rms_norm_eps", {"rms_norm_eps": 1e-2})
add(NEWER, "linear", {"rope_scaling": {"type": "linear", "factor": 4.0}})
add(("gemma", "olmo2"), "hidden_act", {"hidden_act": "silu"})
add(("gemma", "olmo2"), "hidden_act gelu", {"hidden_act": "gelu"})
add("gemma", "hidden_activation", {"hidden_activation": "silu"}, inert=True)
add("gemma2", "hidden_act", {"hidden_act": "silu"}, inert=True)
add("gemma2", "hidden_activation", {"hidden_activation": "gelu"})
add("gemma2", "query_pre_attn_scalar", {"query_pre_attn_scalar": 3})
add("gemma2", "caps", {"attn_logit_softcapping": 1.5, "final_logit_softcapping": 2.5})
add("gemma2", "no caps", {"attn_logit_softcapping": None, "final_logit_softcapping": None})
add("gemma2", "window absent", {}, drop=["sliding_window"])
add("gemma2", "layer_types", {"layer_types": ["full_attention", "sliding_attention"]})
add("gemma2", "layer_types null", {"layer_types": None}, inert=True)
add("gemma2", "use_bidirectional_attention", {"use_bidirectional_attention": True}, ours="use_bidirectional_attention")
add("gemma2", "use_bidirectional_attention false", {"use_bidirectional_attention": False}, inert=True)
add("olmo2", "eps absent and mlp_bias", {"mlp_bias": True}, inert=True)

# what others have besides
THIRD = ("gemma3_text", "phi3", "smollm3", "granite", "starcoder2")
add((*THIRD, "gpt_neo"), "base", {})
add(THIRD, "rope_theta 500", {"rope_theta": 500.0})
add((*THIRD[1:],), "rope_parameters theta", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}})
add(("smollm3", "granite", "starcoder2"), "linear", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}})
add(THIRD, "tied", {"tie_word_embeddings": True})
BY_LAYER = {"full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}
add("gemma3_text", "local base", {"rope_local_base_freq": 50.0, "rope_theta": 500.0})
add("gemma3_text", "linear", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}})
add("gemma3_text", "by layer", {"rope_parameters": BY_LAYER})
add("gemma3_text", "by layer, full alone", {"rope_parameters": {"full_attention": BY_LAYER["full_attention"]}})
add("gemma3_text", "parameters of no layer", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
    ours="rope_parameters", ours4="accepted")
add("gemma3_text", "pattern 2", {"sliding_window_pattern": 2})
add("gemma3_text", "layer_types", {"layer_types": ["full_attention", "sliding_attention"]})
add("gemma3_text", "caps", {"attn_logit_softcapping": 1.5, "final_logit_softcapping": 2.5})
add("gemma3_text", "score cap", {"attn_logit_softcapping": 1.5}, inert=True)
add("gemma3_text", "query_pre_attn_scalar", {"query_pre_attn_scalar": 3})
add("gemma3_text", "use_bidirectional_attention", {"use_bidirectional_attention": True},
    ours="use_bidirectional_attention")
LONG_ROPE = {"short_factor": [1.0, 1.5, 2.0, 3.0], "long_factor": [2.0, 3.0, 4.0, 5.0]}
add("phi3", "window", {"sliding_window": 3})
add("phi3", "partial", {"partial_rotary_factor": 0.5})
for kind in ("longrope", "su", "yarn"):
    add("phi3", kind, {"rope_scaling": LONG_ROPE | {"type": kind}, "original_max_position_embeddings": 16},
        ours="accepted")
add("phi3", "longrope, as long", {"rope_scaling": LONG_ROPE | {"type": "longrope"}, "original_max_position_embeddings": 64})
add("phi3", "longrope, factors missing", {"rope_scaling": {"type": "longrope"}}, ours="short_factor")
add("smollm3", "no_rope_layers", {"no_rope_layers": [0, 1]})
add("smollm3", "no_rope_layers null", {"no_rope_layers": None}, inert=True)
add("smollm3", "interval 2", {"no_rope_layer_interval": 2})
add("smollm3", "window", {"use_sliding_window": True, "sliding_window": 3, "no_rope_layers": [0, 1]})
add("smollm3", "window not used", {"sliding_window": 3, "no_rope_layers": [0, 1]}, same="smollm3: no_rope_layers")
add("smollm3", "biases", {"attention_bias": True, "mlp_bias": True})
add("granite", "multipliers", {"embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.4,
                               "logits_scaling": 2.0})
add("granite", "biases", {"attention_bias": True, "mlp_bias": True})
add("starcoder2", "window", {"sliding_window": 3})
add("starcoder2", "use_bias false", {"use_bias": False})
add("starcoder2", "norm_epsilon", {"norm_epsilon": 1e-2})
add("starcoder2", "rms_norm_eps", {"rms_norm_eps": 1e-2}, inert=True)
add("gpt_neo", "other spellings", {"num_hidden_layers": 2, "num_attention_heads": 4}, drop=["num_layers", "num_heads"],
    ours="accepted")
add("gpt_neo", "all local", {"attention_types": [[["local"], 2]]})
add("gpt_neo", "too few", {"attention_types": [[["local"], 1]]}, ours="attention_types")
add("gpt_neo", "unknown", {"attention_types": [[["global", "sparse"], 1]]}, ours="attention_types")
add("gpt_neo", "width of MLP null", {"intermediate_size": None}, ours="bad shape")
add("gpt_neo", "activation", {"activation_function": "gelu"})

FOURTH = ("gptj", "phi", "opt", "gpt_bigcode", "olmo", "olmo3", "stablelm", "cohere", "cohere2")
add(FOURTH, "base", {})
add(("phi", "olmo", "stablelm", "cohere", "cohere2"), "rope_theta 500", {"rope_theta": 500.0})
add(("phi", "stablelm"), "partial", {"partial_rotary_factor": 0.75})
add(("phi", "stablelm", "cohere"), "linear", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}})
add(FOURTH, "tied", {"tie_word_embeddings": True})
add("gptj", "rotary_dim 8", {"rotary_dim": 8})
add("gptj", "rotary_dim null", {"rotary_dim": None}, ours="rotary_dim")
add("gptj", "rope_theta", {"rope_theta": 500.0}, inert=True)
add("phi", "qk_layernorm", {"qk_layernorm": True}, ours="qk_layernorm")
add("opt", "no biases", {"enable_bias": False})
add("opt", "activation gelu", {"activation_function": "gelu"})
add("opt", "word_embed_proj_dim", {"word_embed_proj_dim": 16}, inert=True)
add("opt", "word_embed_proj_dim 8", {"word_embed_proj_dim": 8}, ours="word_embed_proj_dim")
add("opt", "norms behind", {"do_layer_norm_before": False}, ours="do_layer_norm_before")
add("opt", "norms without gain", {"layer_norm_elementwise_affine": False}, ours="layer_norm_elementwise_affine")
add("opt", "no final norm", {"_remove_final_layer_norm": True}, ours="remove_final_layer_norm")
add("gpt_bigcode", "not scaled", {"scale_attn_weights": False})
add("gpt_bigcode", "heads of their own", {"multi_query": False}, ours="c_attn")
add("gpt_bigcode", "precision", {"attention_softmax_in_fp32": False}, inert=True)
add("olmo", "clip_qkv", {"clip_qkv": 0.5}, ours="clip_qkv")
add("olmo", "clip_qkv null", {"clip_qkv": None}, inert=True)
add("olmo", "rms_norm_eps", {"rms_norm_eps": 0.3}, inert=True)
add("olmo3", "theta", {"rope_theta": 500.0})
add("olmo3", "yarn", {"rope_theta": 500.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0,
                                                            "original_max_position_embeddings": 16}})
add("olmo3", "by layer", {"rope_parameters": BY_LAYER})
add("olmo3", "layer_types", {"layer_types": ["full_attention", "sliding_attention"]})
add("stablelm", "parallel", {"use_parallel_residual": True})
add("stablelm", "biases", {"use_qkv_bias": True})
add("stablelm", "qk_layernorm", {"qk_layernorm": True}, ours="qk_layernorm")
add(("cohere", "cohere2"), "logit_scale", {"logit_scale": 0.5})
add(("cohere", "cohere2"), "attention_bias", {"attention_bias": True})
add("cohere", "use_qk_norm", {"use_qk_norm": True}, ours="use_qk_norm")
add("cohere2", "layer_types", {"layer_types": ["full_attention", "sliding_attention"]})
add("cohere2", "pattern 2", {"sliding_window_pattern": 2})

add("bloom", "base", {})
add("bloom", "other spellings", {"num_hidden_layers": 2, "num_attention_heads": 4, "n_embed": 16})
add("bloom", "eps", {"layer_norm_epsilon": 1e-2})
add("bloom", "slow but exact", {"slow_but_exact": True, "pretraining_tp": 2}, ours="slow_but_exact")
add("bloom", "residual of the norm", {"apply_residual_connection_post_layernorm": True},
    ours="apply_residual_connection_post_layernorm")

# windows
FULL, SLIDES = "full_attention", "sliding_attention"
add("mistral", "no window", {"sliding_window": None})
add("mistral", "window absent", {}, drop=["sliding_window"])
add("mistral", "window 2", {"sliding_window": 2})
add("mistral", "layer_types", {"layer_types": [FULL, SLIDES]})
add("mistral", "layer_types, the other", {"layer_types": [SLIDES, FULL]})
add("mistral", "layer_types full", {"layer_types": [FULL, FULL]})
add("mistral", "layer_types null", {"layer_types": None})
add("mistral", "layer_types without head_dim", {"layer_types": [FULL, SLIDES]}, drop=["head_dim"], ours="accepted")
add("mistral", "layer_types, window null", {"layer_types": [FULL, SLIDES], "sliding_window": None}, ours="sliding_window")
add("mistral", "layer_types full, window null", {"layer_types": [FULL, FULL], "sliding_window": None},
    ours="accepted")
add("mistral", "layer_types, one too few", {"layer_types": [FULL]}, ours="layer_types")
add("mistral", "layer_types, unknown", {"layer_types": [FULL, "chunked_attention"]}, ours="layer_types")
add("mistral", "layer_types and theta", {"layer_types": [FULL, SLIDES], "rope_theta": 500.0})
add("mistral", "layer_types nested rope", {"layer_types": [FULL, SLIDES], "rope_parameters": {
    FULL: {"rope_type": "default", "rope_theta": 500.0}, SLIDES: {"rope_type": "default", "rope_theta": 50.0}}},
    ours="full_attention")
add("mistral", "use_sliding_window false", {"use_sliding_window": False}, inert=True)
add("mistral", "max_window_layers", {"max_window_layers": 1}, inert=True)
for kind in ("qwen2", "qwen3"):
    on = {"use_sliding_window": True, "sliding_window": 3}
    add(kind, "window", on | {"max_window_layers": 1})
    add(kind, "window of all", on | {"max_window_layers": 0})
    add(kind, "window beyond", on)
    add(kind, "window not used", {"sliding_window": 3, "max_window_layers": 0}, inert=True)
    add(kind, "window null", on | {"sliding_window": None, "max_window_layers": 0}, inert=True)
    add(kind, "layer_types", on | {"layer_types": [SLIDES, FULL]})
    add(kind, "layer_types, legacy word", on | {"layer_types": [SLIDES, "attention"]})
    add(kind, "layer_types full", on | {"layer_types": [FULL, FULL], "max_window_layers": 0}, inert=True)
    add(kind, "layer_types, window not used", {"layer_types": [SLIDES, FULL], "sliding_window": 3}, ours="use_sliding_window")
    add(kind, "layer_types, too many", {"layer_types": [FULL, FULL, FULL]}, ours="layer_types")
add("llama", "sliding_window", {"sliding_window": 3, "use_sliding_window": True}, inert=True)
add("llama", "layer_types", {"sliding_window": 3, "layer_types": [SLIDES, SLIDES]}, inert=True)
add("gpt2", "sliding_window", {"sliding_window": 3}, inert=True)

# flags and the rest that is implemented
add("llama", "attention_bias", {"attention_bias": True})
add("llama", "mlp_bias", {"mlp_bias": True})
add("qwen3", "attention_bias", {"attention_bias": True})
add(("mistral", "qwen2"), "attention_bias", {"attention_bias": True}, inert=True)
add(("mistral", "qwen2", "qwen3"), "mlp_bias", {"mlp_bias": True}, inert=True)
add("gpt_neox", "attention_bias false", {"attention_bias": False})
add("gpt_neox", "sequential", {"use_parallel_residual": False})
add(LLAMAS, "rms_norm_eps", {"rms_norm_eps": 0.3})
add("gpt_neox", "layer_norm_eps", {"layer_norm_eps": 0.3})
add("gpt2", "layer_norm_epsilon", {"layer_norm_epsilon": 0.3})
add("gpt2", "layer_norm_eps", {"layer_norm_eps": 0.3}, inert=True)
add("gpt2", "scale_attn_weights", {"scale_attn_weights": False})
add("gpt2", "scale by layer", {"scale_attn_by_inverse_layer_idx": True})
add("gpt2", "names of others",
    {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
     "max_position_embeddings": 64}, drop=["n_embd", "n_layer", "n_head", "n_positions"], inert=True)
add("gpt2", "names of others win", {"num_attention_heads": 4})
add("gpt2", "n_ctx", {"n_ctx": 32}, inert=True)
add("gpt2", "add_cross_attention", {"add_cross_attention": True}, ours="add_cross_attention")
for act in ("gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "silu", "swish"):
    add("gpt2", f"activation {act}", {"activation_function": act})
    add("llama", f"activation {act}", {"hidden_act": act})
for act in ("gelu_accurate", "gelu_python", "gelu_python_tanh", "relu"):
    add("gpt2", f"activation {act}", {"activation_function": act})
for act in ("quick_gelu", "gelu_10", "relu2", "mish", "tanh",
            "linear", "sigmoid", "laplace", "leaky_relu", "relu6", "relu_squared", "gelu_python_fast", "prelu"):
    add("gpt2", f"activation {act}", {"activation_function": act}, ours=act)
add("llama", "hidden_activation", {"hidden_activation": "gelu"}, inert=True)
add("gpt_neox", "activation gelu_new", {"hidden_act": "gelu_new"})

# unembedding
add("gpt2", "head beside, tied", {}, weights="-head")
add("gpt2", "head beside, not tied", {"tie_word_embeddings": False}, weights="-head")
add(("llama", "gpt_neox"), "tied, head beside", {"tie_word_embeddings": True})
add(("llama", "gpt_neox"), "tied, alone", {"tie_word_embeddings": True}, weights="-tied")
add("llama", "not tied, alone", {}, weights="-tied", ours="lm_head.weight")

# nulls
for key in ("rms_norm_eps", "hidden_act", "attention_bias", "mlp_bias", "tie_word_embeddings", "vocab_size"):
    add("llama", f"null {key}", {key: None}, ours=key)
add("llama", "null kv heads", {"num_key_value_heads": None}, ours="k_proj")
add("llama", "null head_dim", {"head_dim": None}, inert=True)
add("qwen2", "null head_dim", {"head_dim": None}, ours="head_dim")
add("qwen3", "null head_dim", {"head_dim": None}, ours="head_dim")
add("qwen2", "no head_dim", {}, drop=["head_dim"], inert=True)
add("mistral", "null head_dim", {"head_dim": None}, inert=True)
add("gpt2", "null activation", {"activation_function": None}, ours="activation_function")
add("gpt2", "null tie", {"tie_word_embeddings": None}, ours="tie_word_embeddings")

# of every class, not built
add(EVERY, "is_causal false", {"is_causal": False}, ours="is_causal")
add(EVERY, "is_causal true", {"is_causal": True}, inert=True)
add(("gpt2", "llama"), "pruned_heads", {"pruned_heads": {"0": [1]}}, ours="pruned_heads")
add("llama", "pruned_heads empty", {"pruned_heads": {}}, inert=True)
add("llama", "per_layer_config", {"per_layer_config": {"0": {"rms_norm_eps": 0.3}}}, ours="per_layer_config")
add("llama", "per_layer_config empty", {"per_layer_config": {}}, inert=True)
add("llama", "per_layer_config null", {"per_layer_config": None}, inert=True)
add("llama", "quantization_config", {"quantization_config": {"quant_method": "awq"}}, ours="quantization_config")
add("llama", "text_config", {"text_config": {"hidden_size": 32}}, ours="text_config")
add(EVERY, "every inert key", {
    "attention_dropout": 0.5, "resid_pdrop": 0.5, "embd_pdrop": 0.5, "attn_pdrop": 0.5, "hidden_dropout": 0.5,
    "classifier_dropout": 0.5, "initializer_range": 0.5, "use_cache": False, "pad_token_id": 3, "bos_token_id": 5,
    "eos_token_id": 6, "pretraining_tp": 2, "summary_type": "mean", "summary_use_proj": False, "summary_activation": "tanh",
    "summary_proj_to_labels": False, "summary_first_dropout": 0.4, "chunk_size_feed_forward": 3, "is_decoder": True,
    "output_hidden_states": True, "output_attentions": True, "problem_type": "regression", "id2label": {"0": "x"},
    "label2id": {"x": 0}, "torchscript": False, "tokenizer_class": "X", "prefix": "p", "sep_token_id": 4,
    "decoder_start_token_id": 5, "finetuning_task": "x", "task_specific_params": {"a": 1}, "torch_dtype": "float16",
    "transformers_version": "4.0", "cross_attention_hidden_size": 8, "tie_encoder_decoder": False,
    "use_bfloat16": True, "tf_legacy_loss": True, "temperature": 2.0, "name_or_path": "x", "bad_words_ids": [[1]]},
    inert=True)
add(EVERY, "is_encoder_decoder", {"is_encoder_decoder": True}, inert=True)
add(ROTARY, "torchscript true", {"torchscript": True}, inert=True)
add("llama", "tie_last_hidden_states", {"tie_last_hidden_states": False}, inert=True)
add("llama", "keys of other families", {"logit_scale": 0.5, "final_logit_softcapping": 3.0, "embedding_multiplier": 2.0,
                                         "attn_logit_softcapping": 5.0, "clip_qkv": 0.1}, inert=True)
