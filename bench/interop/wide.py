"""Options that families.py leaves out: any family's own keys, drawn at values that are seldom seen.

`draw` changes a few keys of a drawn configuration. What transformers doesn't accept is drawn anew; what Attune doesn't
compute must be refused.
"""

import random

from transformers import AutoConfig

EPSILONS = ("rms_norm_eps", "layer_norm_eps", "norm_eps", "norm_epsilon", "layer_norm_epsilon")
ACTIVATIONS = ("hidden_act", "hidden_activation")
FLAGS = ("attention_bias", "mlp_bias", "use_bias", "norm_topk_prob", "use_qk_norm", "qkv_bias", "mamba_conv_bias", "mamba_proj_bias", "use_sliding_window")


def yarn(rng, rope):
    rope |= {"factor": rng.choice([1.5, 4.0, 8.0])}
    if rng.random() < 0.5:
        rope["original_max_position_embeddings"] = rng.choice([8, 16])
    for key, values in {
        "beta_fast": [2, 8.0, 32],
        "beta_slow": [1, 0.5],
        "mscale": [0.707, 1.0, 2.0],
        "mscale_all_dim": [0.707, 1.0, 0.0],
        "truncate": [True, False],
        "attention_factor": [0.8, 1.1, 1.0],
    }.items():
        if rng.random() < 0.4:
            rope[key] = rng.choice(values)
    return rope


def scaled(rng, c, theta, rotary):
    """Any kind of rotation, with keys left out where transformers has a value for them."""
    kind = rng.choice(["linear", "dynamic", "llama3", "yarn", "yarn", "longrope"])
    rope = {"rope_type": kind, "rope_theta": theta}
    if kind == "linear" or kind == "dynamic":
        return rope | {"factor": rng.choice([1.0, 1.5, 2, 8.0])}
    if kind == "llama3":
        return rope | {
            "factor": rng.choice([2.0, 8.0]),
            "low_freq_factor": rng.choice([1.0, 0.5]),
            "high_freq_factor": rng.choice([4.0, 2.0]),
            "original_max_position_embeddings": rng.choice([8, 16, 32]),
        }
    if kind == "yarn":
        return yarn(rng, rope)
    short = [round(rng.uniform(1, 2), 3) for _ in range(rotary // 2)]
    rope |= {"short_factor": short, "long_factor": [round(rng.uniform(2, 5), 3) for _ in short], "original_max_position_embeddings": rng.choice([8, 16, 32])}
    if rng.random() < 0.4:
        rope["factor"] = rng.choice([2.0, 4.0])
    if rng.random() < 0.3:
        rope["attention_factor"] = rng.choice([0.9, 1.2])
    return rope


def rotate(rng, c, has):
    """Changes rope_parameters, whose form stays: by layer types or for all."""
    theta = rng.choice([500.0, 10000, 1e6])
    width = c.get("qk_rope_head_dim") or c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    now = c.get("rope_parameters", {})
    if "full_attention" in now:
        for kind in ("full_attention", "sliding_attention"):
            if rng.random() < 0.6:
                now[kind] = scaled(rng, c, theta, width)
                now[kind].pop("truncate", None)  # transformers 5.24 doesn't read it here, Attune does
        return
    share = now.get("partial_rotary_factor")
    if rng.random() < 0.25:
        share = rng.choice([0.25, 0.5, 0.75, 1.0])
    rope = scaled(rng, c, theta, int(width * (share or 1))) if rng.random() < 0.8 else {"rope_type": "default", "rope_theta": theta}
    if share is not None:
        rope["partial_rotary_factor"] = share
    for key in ("llama_4_scaling_beta", "mrope_section"):
        if key in now:
            rope[key] = now[key]
    c["rope_parameters"] = rope
    c.pop("rope_theta", None)


def draw(rng: random.Random, family: str, c: dict) -> dict:
    has = AutoConfig.for_model(family).to_dict()
    for key in EPSILONS:
        if key in has and rng.random() < 0.5:
            c[key] = rng.choice([1e-3, 1e-2, 1e-6])
    for key in ACTIVATIONS:
        if key in has and rng.random() < 0.35:
            c[key] = rng.choice(["gelu", "gelu_pytorch_tanh", "gelu_new", "relu", "relu2", "silu", "gelu_fast", "quick_gelu", "swish"])
    for key in FLAGS:
        if key in has and rng.random() < 0.35:
            c[key] = rng.random() < 0.5
    if has.get("rope_parameters") is not None and rng.random() < 0.7:
        rotate(rng, c, has)
    if rng.random() < 0.3:
        c["vocab_size"] = rng.choice([61, 97, 127])
        if "vocab_size_per_layer_input" in c:
            c["vocab_size_per_layer_input"] = c["vocab_size"]
    if rng.random() < 0.3:
        c["tie_word_embeddings"] = rng.random() < 0.5
    if rng.random() < 0.2 and "head_dim" in has and family not in ("mamba2",):
        c["head_dim"] = rng.choice([4, 10, 32])
    own(rng, has, c)
    return c


OWN = {
    "sliding_window": [None, 1, 2, 5, 30],
    "layer_types": None,
    "first_k_dense_replace": [0, 1, 2, 9],
    "mlp_only_layers": [[], [0], [1], [0, 1]],
    "decoder_sparse_step": [1, 2, 3],
    "routed_scaling_factor": [0.5, 1.0, 2.5],
    "n_group": [1, 2, 4],
    "topk_group": [1, 2],
    "final_logit_softcapping": [None, 2.0, 30.0],
    "attn_logit_softcapping": [None, 2.0],
    "query_pre_attn_scalar": [8, 16, 17],
    "clip_qkv": [None, 0.5, 3.0],
    "altup_coef_clip": [None, 0.2, 120.0],
    "attn_scale": [0.1, 0.3],
    "floor_scale": [4, 8192],
    "swiglu_alpha": [1.702, 1.0],
    "swiglu_limit": [7.0, 1.0],
    "moe_layer_end_index": [-1, 0, 1],
    "moe_norm_min": [1e-12, 0.5],
    "block_ffn_dim_multiplier": [None, 1.0, 1.3],
    "full_attn_idxs": None,
    "scale_emb": [1, 12, 3.5],
    "scale_depth": [1.4, 0.7],
    "dim_model_base": [16, 256],
    "use_bidirectional_attention": [None, False, True],
    "n_shared_experts": [1, 2, 3],
    "moe_num_shared_experts": [0, 1, 2],
    "use_rope": [True, False],
    "time_step_limit": [[0.0, float("inf")], [0.0, 0.5], [0.3, 2.0]],
    "mamba_d_conv": [2, 3, 4],
    "mamba_expand": [2],
    "embedding_multiplier": [1.0, 4.0],
    "residual_multiplier": [0.3, 1.0],
    "logits_scaling": [0.5, 2.0],
    "num_experts_per_tok": [1, 2, 3],
    "max_window_layers": [0, 1, 9],
    "no_rope_layer_interval": [1, 2, 4],
    "sliding_window_pattern": [1, 2, 3, "LLG", "LG"],
    "shared_expert_intermediate_size": [8, 16],
    "attn_temperature_tuning": [True, False],
    "output_router_logits": [True, False],
    "logit_scale": [1.0, 0.25, None],
    "max_position_embeddings": [16, 24, 64],
    "attention_out_bias": [True, False],
    "is_decoder": [True, False],
    "use_qkv_bias": [True, False],
    "qk_layernorm": [True, False],
    "residual_in_fp32": [True, False],
    "rope_interleave": [True, False],
}


def own(rng, has, c):
    for key, values in OWN.items():
        if key in has and values and rng.random() < 0.25:
            c[key] = rng.choice(values)
