"""Random tiny configurations of the model families, as keyword arguments of transformers' configuration classes.

A row says what the family has beyond the common keys. Its values are drawn anew for each model:
a list is a choice, a function gets the random generator and the keys drawn so far.
"""

import random


def common(rng: random.Random) -> dict:
    heads = rng.choice([2, 3, 4, 6])
    head_dim = rng.choice([8, 12, 16, 20])
    groups = rng.choice([g for g in (1, 2, 3, 4, 6) if heads % g == 0])
    layers = rng.choice([2, 3, 4])
    return {
        "vocab_size": rng.randrange(60, 140),
        "hidden_size": heads * head_dim,
        "intermediate_size": rng.choice([20, 36, 48, 72]),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "max_position_embeddings": 64,
        "tie_word_embeddings": rng.random() < 0.4,
        "rope_theta": rng.choice([500.0, 10000.0, 1000000.0]),
        "bos_token_id": None,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }


def free_head(rng, c):
    """A head as wide as it likes: queries needn't have the hidden size."""
    return rng.choice([8, 12, 16, 24])


def mostly(usual, other):
    """What GGUF files can say, and now and then what they can't."""
    return [usual] * 6 + [other]


def layer_types(*kinds):
    def draw(rng, c):
        types = [rng.choice(kinds) for _ in range(c["num_hidden_layers"])]
        types[rng.randrange(len(types))] = kinds[0]
        return types

    return draw


def shared_layers(rng, c):
    """Both kinds among the layers whose keys the last ones may share."""
    kinds = ["full_attention", "sliding_attention"]
    rng.shuffle(kinds)
    return kinds + [rng.choice(kinds) for _ in range(c["num_hidden_layers"] - 2)]


def pairs_of_layers(rng, c):
    """A layer with a window and one without, in turn; the last one sees all."""
    kinds = ["sliding_attention", "full_attention"]
    return [kinds[i % 2] for i in range(c["num_hidden_layers"] - 1)] + kinds[1:]


WINDOWS = layer_types("full_attention", "sliding_attention")
WINDOW = [4, 6, 9]
BOOL = [True, False]


def scaling(rng, c):
    """RoPE as most families may scale it; None leaves it as it is."""
    theta = c["rope_theta"]
    kind = rng.choice([None, None, "linear", "dynamic", "llama3", "yarn"])
    if kind is None:
        return {"rope_type": "default", "rope_theta": theta}
    rope = {"rope_type": kind, "rope_theta": theta, "factor": rng.choice([2.0, 4.0, 8.0])}
    if kind == "llama3":
        rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": rng.choice([8, 16])}
    if kind == "yarn":
        rope |= {"original_max_position_embeddings": rng.choice([8, 16]), "beta_fast": rng.choice([8.0, 32.0]), "beta_slow": 1.0}
        if rng.random() < 0.3:
            rope |= {"attention_factor": 1.1}
    return rope


def partial(*shares):
    def draw(rng, c):
        return {"rope_type": "default", "rope_theta": c["rope_theta"], "partial_rotary_factor": rng.choice(shares)}

    return draw


def experts(rng, c):
    return rng.choice([3, 4, 6])


EXPERTS = {"num_experts": experts, "num_experts_per_tok": [1, 2, 3], "moe_intermediate_size": [12, 20]}
LOCAL = {"num_local_experts": experts, "num_experts_per_tok": [1, 2, 3]}
DEEPSEEK = {
    "n_routed_experts": [4, 8],
    "num_experts_per_tok": [1, 2],
    "moe_intermediate_size": [12, 20],
    "n_shared_experts": [1, 2],
    "n_group": [1, 2],
    "topk_group": 1,
    "first_k_dense_replace": [0, 1],
    "norm_topk_prob": BOOL,
    "routed_scaling_factor": [1.0, 2.5],
}
CLIP = [None, 0.2, 0.7, 2.0]
LATENT = {
    "q_lora_rank": [12, 16],
    "kv_lora_rank": [12, 20],
    "qk_nope_head_dim": [8, 12],
    "qk_rope_head_dim": [4, 8],
    "v_head_dim": [8, 12],
    "num_key_value_heads": lambda rng, c: c["num_attention_heads"],
    "attention_bias": BOOL,
}
DELTA = {
    "layer_types": layer_types("full_attention", "linear_attention"),
    "head_dim": [8, 16],
    "rope_parameters": partial(0.25, 0.5),
    "linear_conv_kernel_dim": [3, 4],
    "linear_key_head_dim": [8, 12],
    "linear_value_head_dim": [8, 12],
    "linear_num_key_heads": [1, 2],
    "linear_num_value_heads": [2, 4],
}


def mamba_heads(rng, c):
    return rng.choice([2, 4, 8])


def even_heads(rng, c):
    """Heads and hidden size whose expansion by two is a whole number of Mamba heads of 8."""
    return rng.choice([4, 8]) * 8


GATED = ["silu", "gelu", "gelu_pytorch_tanh"]
LLAMA = {"head_dim": free_head, "rope_parameters": scaling}

FAMILIES = {
    "llama": LLAMA | {"attention_bias": BOOL, "mlp_bias": BOOL, "hidden_act": GATED},
    "mistral": LLAMA | {"sliding_window": [None, *WINDOW]},
    "ministral": {"head_dim": free_head, "layer_types": WINDOWS, "sliding_window": WINDOW},
    "ministral3": {
        "head_dim": free_head,
        "sliding_window": None,
        "rope_parameters": lambda rng, c: {
            "rope_type": "yarn",
            "type": "yarn",
            "rope_theta": c["rope_theta"],
            "factor": rng.choice([2.0, 4.0]),
            "original_max_position_embeddings": rng.choice([8, 16]),
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "llama_4_scaling_beta": rng.choice([0.1, 0.3]),
        },
    },
    "qwen2": {"rope_parameters": scaling, "use_sliding_window": BOOL, "sliding_window": WINDOW, "max_window_layers": [0, 1, 2]},
    "qwen3": LLAMA | {"attention_bias": BOOL, "use_sliding_window": BOOL, "sliding_window": WINDOW, "max_window_layers": [0, 1, 2]},
    "gemma": {"head_dim": free_head},
    "gemma2": {
        "head_dim": free_head,
        "layer_types": WINDOWS,
        "sliding_window": WINDOW,
        "query_pre_attn_scalar": [10, 16],
        "attn_logit_softcapping": [2.0, 5.0, None],
        "final_logit_softcapping": [3.0, None],
        "attention_bias": BOOL,
        "tie_word_embeddings": True,
    },
    "gemma3_text": {
        "head_dim": free_head,
        "layer_types": WINDOWS,
        "sliding_window": WINDOW,
        "query_pre_attn_scalar": [10, 16],
        "tie_word_embeddings": True,
        "rope_parameters": lambda rng, c: {
            "full_attention": rng.choice(
                [{"rope_type": "default", "rope_theta": 1000000.0}, {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}]
            ),
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    },
    "gemma4_text": {
        "head_dim": free_head,
        "global_head_dim": free_head,
        "num_hidden_layers": [4, 5, 6],
        "layer_types": pairs_of_layers,
        "num_kv_shared_layers": lambda rng, c: rng.choice([0, c["num_hidden_layers"] - 2, c["num_hidden_layers"] - 3]),
        "sliding_window": WINDOW,
        "attention_k_eq_v": BOOL,
        "num_global_key_value_heads": lambda rng, c: rng.choice([None, 1, c["num_attention_heads"]]),
        "hidden_size_per_layer_input": [0, 8, 12],
        "vocab_size_per_layer_input": lambda rng, c: c["vocab_size"],
        "use_double_wide_mlp": BOOL,
        "enable_moe_block": BOOL,
        "num_experts": [4, 6],
        "top_k_experts": [1, 2],
        "moe_intermediate_size": [12, 20],
        "final_logit_softcapping": [None, 3.0, 30.0],
        "tie_word_embeddings": True,
        "rope_parameters": lambda rng, c: {
            "full_attention": {
                "rope_type": "proportional",
                "rope_theta": 1000000.0,
                "partial_rotary_factor": rng.choice([0.25, 0.5, 0.75, 1.0]),
            },
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    },
    "gemma3n_text": {
        "head_dim": free_head,
        "num_hidden_layers": [3, 4, 5],
        "layer_types": shared_layers,
        "num_kv_shared_layers": [0, 1],
        "sliding_window": WINDOW,
        "intermediate_size": lambda rng, c: rng.choice([48, [rng.choice([40, 56]) for _ in range(c["num_hidden_layers"])]]),
        "activation_sparsity_pattern": lambda rng, c: [rng.choice([0.0, 0.0, 0.3, 0.6]) for _ in range(c["num_hidden_layers"])],
        "hidden_size_per_layer_input": [8, 12],
        "vocab_size_per_layer_input": lambda rng, c: c["vocab_size"] + rng.choice([-10, 0, 4]),
        "laurel_rank": [4, 8],
        "altup_num_inputs": [1, 2, 3, 4],
        "altup_active_idx": lambda rng, c: rng.randrange(c["altup_num_inputs"]),
        "altup_correct_scale": BOOL,
        "attention_bias": BOOL,
        "final_logit_softcapping": [3.0, 30.0],
        "tie_word_embeddings": True,
        "rope_parameters": lambda rng, c: {
            "full_attention": {"rope_type": "default", "rope_theta": rng.choice([500.0, 1000000.0])},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
    },
    "llama4_text": {
        "head_dim": free_head,
        "num_hidden_layers": [4, 5],
        "rope_parameters": scaling,
        "attention_bias": mostly(False, True),
        "intermediate_size_mlp": [20, 36],
        "num_local_experts": experts,
        "num_experts_per_tok": [1, 2],
        "interleave_moe_layer_step": [1, 2],
        "use_qk_norm": mostly(True, False),
        "no_rope_layer_interval": mostly(4, 2),
        "attention_chunk_size": [8, 64, 8192],
        "floor_scale": mostly(8192, 4),
        "attn_temperature_tuning": mostly(True, False),
    },
    "phi": {"rope_parameters": partial(0.5, 1.0), "hidden_act": ["gelu_new"], "qk_layernorm": False, "tie_word_embeddings": False},
    "phi3": {"sliding_window": [None, *WINDOW], "rope_parameters": partial(0.5, 1.0), "original_max_position_embeddings": 64},
    "smollm3": {
        "no_rope_layers": lambda rng, c: [rng.choice([0, 1]) for _ in range(c["num_hidden_layers"])],
        "rope_parameters": scaling,
        "attention_bias": BOOL,
        "mlp_bias": BOOL,
    },
    "olmo": {"attention_bias": BOOL, "clip_qkv": CLIP},
    "olmo2": {"attention_bias": BOOL},
    "olmo3": {"layer_types": WINDOWS, "sliding_window": WINDOW},
    "granite": {
        "rope_parameters": scaling,
        "attention_multiplier": [0.1, 0.3],
        "embedding_multiplier": [1.0, 3.0],
        "logits_scaling": [0.5, 2.0],
        "residual_multiplier": [0.4, 1.0],
        "attention_bias": BOOL,
        "mlp_bias": BOOL,
    },
    "gpt_neox": {"rope_parameters": partial(0.5, 1.0), "use_parallel_residual": BOOL, "hidden_act": ["gelu", "gelu_new", "relu"], "attention_bias": BOOL, "num_key_value_heads": lambda rng, c: c["num_attention_heads"]},
    "cohere": {"use_qk_norm": BOOL, "logit_scale": [0.3, 0.7], "attention_bias": BOOL, "tie_word_embeddings": True},
    "cohere2": {
        "head_dim": free_head,
        "layer_types": WINDOWS,
        "sliding_window": WINDOW,
        "logit_scale": [0.3, 0.7],
        "attention_bias": BOOL,
        "tie_word_embeddings": True,
    },
    "glm": {"head_dim": [8, 16], "rope_parameters": partial(0.5), "attention_bias": BOOL},
    "glm4": {"head_dim": [8, 16], "rope_parameters": partial(0.5), "attention_bias": BOOL},
    "starcoder2": {"sliding_window": [None, *WINDOW], "use_bias": BOOL, "hidden_act": ["gelu_pytorch_tanh", "gelu"]},
    "stablelm": {
        "rope_parameters": partial(0.25, 0.5),
        "use_parallel_residual": BOOL,
        "qk_layernorm": BOOL,
        "use_qkv_bias": BOOL,
        "num_attention_heads": 2,
        "hidden_size": 32,
        "num_key_value_heads": [1, 2],
    },
    "exaone4": {"layer_types": WINDOWS, "sliding_window": [None, *WINDOW]},
    "seed_oss": {"head_dim": free_head, "attention_bias": BOOL, "attention_out_bias": BOOL, "mlp_bias": BOOL},
    "arcee": LLAMA | {"attention_bias": BOOL, "mlp_bias": BOOL},
    "nemotron": {"head_dim": free_head, "rope_parameters": partial(0.5), "attention_bias": BOOL, "mlp_bias": BOOL},
    "ernie4_5": {"head_dim": free_head, "use_bias": BOOL},
    "hunyuan_v1_dense": {"head_dim": free_head, "attention_bias": BOOL},
    "helium": {"head_dim": lambda rng, c: c["hidden_size"] // c["num_attention_heads"]},
    "jais2": {"head_dim": free_head},
    "bitnet": {},
    "nanochat": {"tie_word_embeddings": False},
    "apertus": {"rope_parameters": scaling, "attention_bias": BOOL},
    "minicpm3": LATENT | {"mlp_bias": BOOL},
    "mixtral": LOCAL | {"sliding_window": [None, *WINDOW]},
    "qwen2_moe": EXPERTS
    | {
        "shared_expert_intermediate_size": [16, 24],
        "norm_topk_prob": BOOL,
        "decoder_sparse_step": [1, 2],
        "qkv_bias": BOOL,
        "mlp_only_layers": [[], [1]],
    },
    "qwen3_moe": EXPERTS | {"head_dim": free_head, "norm_topk_prob": BOOL, "decoder_sparse_step": [1, 2], "mlp_only_layers": [[], [0]]},
    "olmoe": {
        "num_experts": experts,
        "num_experts_per_tok": [1, 2],
        "norm_topk_prob": BOOL,
        "attention_bias": BOOL,
        "clip_qkv": CLIP,
    },
    "granitemoe": LOCAL | {"attention_multiplier": [0.1, 0.3], "embedding_multiplier": [1.0, 3.0], "logits_scaling": [0.5, 2.0], "residual_multiplier": [0.4]},
    "granitemoeshared": LOCAL | {"shared_intermediate_size": [16, 24], "attention_multiplier": [0.2], "embedding_multiplier": [2.0]},
    "gpt_oss": LOCAL
    | {
        "head_dim": [8, 16],
        "layer_types": WINDOWS,
        "sliding_window": WINDOW,
        "rope_parameters": lambda rng, c: {
            "rope_type": "yarn",
            "rope_theta": c["rope_theta"],
            "factor": 4.0,
            "original_max_position_embeddings": 16,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "truncate": rng.choice(BOOL),
        },
    },
    "phimoe": LOCAL | {"num_experts_per_tok": 2, "attention_bias": True, "lm_head_bias": True, "tie_word_embeddings": False},
    "deepseek_v3": LATENT | DEEPSEEK | {"rope_interleave": BOOL},
    "glm4_moe_lite": LATENT | DEEPSEEK | {"rope_interleave": BOOL},
    "glm4_moe": DEEPSEEK | {"head_dim": [8, 16], "rope_parameters": partial(0.5), "use_qk_norm": BOOL, "attention_bias": BOOL},
    "dots1": DEEPSEEK | {"head_dim": [8, 16], "attention_bias": BOOL},
    "ernie4_5_moe": {
        "moe_num_experts": experts,
        "moe_k": [1, 2],
        "moe_intermediate_size": [12, 20],
        "moe_num_shared_experts": [0, 1, 2],
        "moe_layer_start_index": [0, 1],
        "moe_layer_interval": [1, 2],
        "use_bias": False,
    },
    "minimax_m2": LOCAL | {"head_dim": [8, 16], "rotary_dim": lambda rng, c: c["head_dim"] // 2, "rope_parameters": partial(0.5)},
    "hunyuan_v1_moe": {"num_experts": experts, "moe_topk": [1, 2], "head_dim": free_head, "attention_bias": BOOL},
    "lfm2": {
        "layer_types": layer_types("full_attention", "conv"),
        "conv_L_cache": [3, 4],
        "conv_bias": BOOL,
        "block_auto_adjust_ff_dim": BOOL,
        "block_multiple_of": 8,
    },
    "qwen3_next": DELTA | EXPERTS | {"norm_topk_prob": BOOL, "shared_expert_intermediate_size": [16, 24]},
    "qwen3_5_text": DELTA,
    "qwen3_5_moe_text": DELTA | EXPERTS | {"shared_expert_intermediate_size": [16, 24]},
    "kimi_linear": {key: value for key, value in LATENT.items() if key != "q_lora_rank"}
    | {
        "q_lora_rank": mostly(None, 12),
        "layer_types": layer_types("full_attention", "linear_attention"),
        "linear_head_dim": [8, 12],
        "linear_num_heads": lambda rng, c: rng.choice(mostly(c["num_attention_heads"], 2)),
        "linear_conv_kernel_dim": [2, 4],
        "num_experts": [4, 8],
        "num_experts_per_token": [1, 2],
        "moe_intermediate_size": [12, 20],
        "num_shared_experts": [1, 2],
        "num_expert_group": [1, 2],
        "topk_group": 1,
        "mlp_layer_types": lambda rng, c: rng.choice([layer_types("sparse", "dense")(rng, c), ["dense"] + ["sparse"] * (c["num_hidden_layers"] - 1)]),
        "moe_renormalize": mostly(True, False),
        "routed_scaling_factor": [1.0, 2.446],
        "tie_word_embeddings": False,
    },
    "mamba2": {
        "hidden_size": even_heads,
        "state_size": [4, 8],
        "expand": 2,
        "head_dim": 8,
        "num_heads": lambda rng, c: c["hidden_size"] * 2 // 8,
        "n_groups": [1, 2],
        "conv_kernel": [3, 4],
        "chunk_size": [4, 8],
        "use_bias": BOOL,
        "use_conv_bias": BOOL,
    },
    "granitemoehybrid": {
        "hidden_size": even_heads,
        "num_attention_heads": 4,
        "num_key_value_heads": [1, 2],
        "layer_types": layer_types("attention", "mamba"),
        "num_local_experts": [0, 4],
        "num_experts_per_tok": 2,
        "shared_intermediate_size": [16, 24],
        "position_embedding_type": ["nope", "rope"],
        "mamba_n_heads": lambda rng, c: c["hidden_size"] * 2 // 8,
        "mamba_d_head": 8,
        "mamba_d_state": [4, 8],
        "mamba_n_groups": [1, 2],
        "mamba_chunk_size": 8,
        "attention_multiplier": [0.2],
        "logits_scaling": [0.5],
    },
}


def draw(rng: random.Random, family: str) -> dict:
    keys = common(rng)
    for key, value in FAMILIES[family].items():
        keys[key] = rng.choice(value) if isinstance(value, list) else value(rng, keys) if callable(value) else value
    if "rope_parameters" in keys:
        keys.pop("rope_theta")
    return keys
