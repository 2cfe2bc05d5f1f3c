"""Writes tiny models of several families as GGUF files with llama.cpp's own converter, and what transformers computes.

    python make_gguf.py LLAMA_CPP OUT

LLAMA_CPP is a checkout of llama.cpp. Of each model, OUT gets NAME.gguf and NAME.safetensors (`input_ids`, `logits`).
The tokenizer in the files is a list of words that stand for nothing.
"""
import json
import os
import re
import sys
import tempfile
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"
llama_cpp, out = Path(sys.argv[1]), Path(sys.argv[2])
sys.path[:0] = [str(llama_cpp / "gguf-py"), str(llama_cpp)]

import gguf
import torch
import transformers
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class
from safetensors.torch import load_file, save_file

SIZES = dict(
    vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
LINEAR, FULL, WINDOW = "linear_attention", "full_attention", "sliding_attention"
T = transformers
MODELS = {
    # Norms with 1 added, two bases, a factor of full layers alone
    "gemma3": lambda: T.Gemma3TextConfig(**SIZES | dict(
        head_dim=8, query_pre_attn_scalar=8, sliding_window=4, num_hidden_layers=6, hidden_size=8, intermediate_size=8,
        rope_parameters={FULL: {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e6},
                         WINDOW: {"rope_type": "default", "rope_theta": 1e4}})),
    # One matrix of queries, keys and values; a window; tensors of factors; files of float16
    "phi3": lambda: T.Phi3Config(**SIZES | dict(
        num_hidden_layers=1, original_max_position_embeddings=8, sliding_window=5, dtype="float16",
        rope_parameters={"rope_type": "longrope", "rope_theta": 1e4,
                         "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [1.5, 2.0, 3.0, 4.0]})),
    # Reordered rows of queries and keys, experts in one tensor; files of bfloat16
    "mixtral": lambda: T.MixtralConfig(**SIZES | dict(num_hidden_layers=1, num_local_experts=3, dtype="bfloat16")),
    # Latent attention in two tensors, dense and expert layers, a shared expert
    "deepseek2": lambda: T.DeepseekV3Config(**SIZES | dict(
        num_key_value_heads=2, q_lora_rank=6, kv_lora_rank=10, qk_nope_head_dim=6, qk_rope_head_dim=4, v_head_dim=5,
        n_routed_experts=4, num_experts_per_tok=2, n_group=2, topk_group=1, first_k_dense_replace=1,
        moe_intermediate_size=8, n_shared_experts=2, scoring_func="sigmoid")),
    # Chunks, layers that rotate nothing, norms without weights, experts in every other layer beside a shared one
    "llama4": lambda: T.Llama4TextConfig(**SIZES | dict(
        num_hidden_layers=4, head_dim=6, hidden_size=8, intermediate_size=6, intermediate_size_mlp=10, num_local_experts=3,
        num_experts_per_tok=2, interleave_moe_layer_step=2, tie_word_embeddings=False,
        rope_parameters={"rope_type": "llama3", "rope_theta": 1e4, "factor": 4.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 16})),
    # Value heads in another order
    "qwen35": lambda: T.Qwen3_5TextConfig(**SIZES | dict(
        head_dim=8, linear_num_key_heads=2, linear_num_value_heads=6, linear_key_head_dim=4, linear_value_head_dim=3,
        layer_types=[LINEAR, FULL])),
    # Decays of each channel, latent attention without positions, an expert's part beside a dense one
    "kimi-linear": lambda: T.KimiLinearConfig(**SIZES | dict(
        num_hidden_layers=3, hidden_size=8, intermediate_size=12, num_key_value_heads=2, kv_lora_rank=6, qk_nope_head_dim=4,
        qk_rope_head_dim=2, v_head_dim=5, q_lora_rank=None, num_experts=4, num_experts_per_token=2, moe_intermediate_size=8,
        num_shared_experts=2, first_k_dense_replace=1, moe_router_activation_func="sigmoid", linear_attn_config=dict(
            full_attn_layers=[2], kda_layers=[1, 3], num_heads=2, head_dim=6, short_conv_kernel_size=3))),
    # Key heads side by side, experts, a gated shared expert
    "qwen3next": lambda: T.Qwen3NextConfig(**SIZES | dict(
        head_dim=8, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=4, linear_value_head_dim=3,
        num_experts=3, num_experts_per_tok=2, moe_intermediate_size=8, shared_expert_intermediate_size=12,
        layer_types=[LINEAR, FULL])),
    # Factors in the weights, Mamba-2 beside attention
    "falcon-h1": lambda: T.FalconH1Config(**SIZES | dict(
        num_hidden_layers=1, head_dim=8, mamba_d_ssm=24, mamba_n_heads=3, mamba_d_head=8, mamba_d_state=4, mamba_n_groups=1,
        key_multiplier=0.5, attention_in_multiplier=1.5, attention_out_multiplier=0.7, ssm_in_multiplier=0.8,
        ssm_out_multiplier=1.2, ssm_multipliers=[0.5, 0.7, 0.9, 1.1, 1.3], mlp_multipliers=[0.6, 1.4],
        embedding_multiplier=3.0, lm_head_multiplier=0.4, tie_word_embeddings=False)),
    # Vectors that layers read of tokens, shared keys, wide and narrow heads, frequencies of zero
    "gemma4": lambda: T.Gemma4TextConfig(**SIZES | dict(
        num_hidden_layers=6, head_dim=6, global_head_dim=8, sliding_window=4, hidden_size=8, intermediate_size=8,
        hidden_size_per_layer_input=4, vocab_size_per_layer_input=32, num_kv_shared_layers=2, use_double_wide_mlp=True,
        final_logit_softcapping=20.0, layer_types=[WINDOW, FULL, WINDOW, FULL, WINDOW, FULL])),
    # Values that are keys, other counts of key heads, experts beside a dense part
    "gemma4-experts": lambda: T.Gemma4TextConfig(**SIZES | dict(
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=6, global_head_dim=8, sliding_window=4,
        num_global_key_value_heads=1, attention_k_eq_v=True, hidden_size_per_layer_input=0, enable_moe_block=True,
        num_experts=4, top_k_experts=2, moe_intermediate_size=8, final_logit_softcapping=30.0,
        layer_types=[WINDOW, WINDOW, FULL])),
    # Copies of the residual stream, learned residuals, gates closed in part, vectors of tokens, shared keys
    "gemma3n": lambda: T.Gemma3nTextConfig(**SIZES | dict(
        num_hidden_layers=4, head_dim=6, sliding_window=4, hidden_size=8, intermediate_size=8, hidden_size_per_layer_input=4,
        vocab_size_per_layer_input=32, num_kv_shared_layers=2, laurel_rank=2, altup_active_idx=0,
        activation_sparsity_pattern=[0.9, 0.0, 0.5, 0.0], layer_types=[WINDOW, FULL, WINDOW, FULL])),
    # Rows of a joined matrix by head, norms with biases
    "gptneox": lambda: T.GPTNeoXConfig(**SIZES | dict(num_hidden_layers=1, use_parallel_residual=True, rotary_pct=0.5)),
}
HYPERPARAMETERS = ModelBase.load_hparams


def hyperparameters(folder, is_mistral_format=False):
    """Keys that the converter misses in the configurations of transformers 5."""
    read = HYPERPARAMETERS(folder, is_mistral_format)
    if read["model_type"] == "gpt_neox":
        read["rotary_pct"] = read["rope_parameters"]["partial_rotary_factor"]
    return read


def vocabulary(model):
    size = model.hparams["vocab_size"]
    writer = model.gguf_writer
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([f"t{i}" for i in range(size)])
    writer.add_token_types([1] * size)
    writer.add_token_merges(["t 1"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def randomise(model):
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not tensor.is_floating_point() or tensor.dim() == 0 or "inv_freq" in name or "mup_vector" in name:
            continue
        if name.endswith("A_log"):
            tensor.copy_(torch.rand_like(tensor) * 1.5)
        elif "norm" in name and tensor.dim() == 1 and name.endswith("weight"):
            tensor.add_(torch.randn_like(tensor) * 0.2)
        elif tensor.dim() == 1:
            tensor.add_(torch.randn_like(tensor) * 0.1)
        else:
            tensor.copy_(torch.randn_like(tensor) * (0.35 if "embed" in name else 1.3 / tensor.shape[-1] ** 0.5))


def name_dense_parts(file):
    """Of Kimi Linear transformers writes dense parts under the experts' name; published files and the converter don't."""
    dense = re.compile(r"block_sparse_moe\.((gate|up|down)_proj)")
    save_file({dense.sub(r"mlp.\1", key): value for key, value in load_file(file).items()}, file, {"format": "pt"})


def write(name, config):
    torch.manual_seed(sum(map(ord, name)))
    dtype = config.dtype or torch.float32
    model = T.AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(3, 30, (2, 12))
    with torch.no_grad():
        randomise(model)
        for parameter in model.parameters():
            parameter.copy_(parameter.to(dtype))
        logits = model(ids, use_cache=False).logits
    save_file({"input_ids": ids, "logits": logits.contiguous()}, out / f"{name}.safetensors")
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / name
        model.to(dtype).save_pretrained(folder)
        if name == "kimi-linear":
            name_dense_parts(folder / "model.safetensors")
        (folder / "tokenizer.json").write_text(json.dumps(
            {"model": {"vocab": {str(i): i for i in range(config.vocab_size)}}, "added_tokens": []}))
        kind = get_model_class(get_model_architecture(ModelBase.load_hparams(folder, False), ModelType.TEXT))
        for part in kind.__mro__:
            if "set_vocab" in part.__dict__:
                part.set_vocab = vocabulary
        kind.no_mtp = True
        types = {torch.float32: "ALL_F32", torch.float16: "MOSTLY_F16", torch.bfloat16: "MOSTLY_BF16"}
        file_type = gguf.LlamaFileType[types[dtype]]
        kind(folder, file_type, out / f"{name}.gguf", eager=True).write()


if __name__ == "__main__":
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    ModelBase.no_mtp = True
    ModelBase.load_hparams = staticmethod(hyperparameters)
    for name, config in MODELS.items():
        write(name, config())
