#!/usr/bin/env python3
"""Makes tiny models and adapters with random weights, and records what transformers and PEFT compute with them.

    python3 src/test/recorded/make_models.py src/test/resources/recorded

needs torch, transformers, peft and safetensors; versions.json says which versions made the files that are there.
README.md beside this script has the format.
"""

import json
import shutil
import sys
from pathlib import Path

import peft
import safetensors
import torch
import transformers
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import Gemma2Config, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

torch.set_num_threads(1)

VOCABULARY = 96
ROWS, LENGTH = 2, 14
PROMPT, NEW = 5, 12
LEAST_GAP = 0.02  # between the best two logits on a greedy way: below, its ids would be luck

COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}

MODELS = {
    "llama": LlamaConfig(**COMMON, head_dim=8, tie_word_embeddings=False),
    "llama-biases-scaled": LlamaConfig(
        **COMMON,
        tie_word_embeddings=True,
        attention_bias=True,
        mlp_bias=True,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500.0,
            "factor": 4.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8,
        },
    ),
    "qwen2-window": Qwen2Config(
        **COMMON, tie_word_embeddings=False, use_sliding_window=True, sliding_window=6, max_window_layers=1
    ),
    "qwen3": Qwen3Config(**COMMON, head_dim=16, tie_word_embeddings=True, rope_theta=5000.0),
    "mistral": MistralConfig(**{**COMMON, "num_key_value_heads": 1}, tie_word_embeddings=False, sliding_window=5),
    "gemma2": Gemma2Config(
        **COMMON,
        head_dim=12,
        query_pre_attn_scalar=20,
        sliding_window=6,
        attn_logit_softcapping=3.0,
        final_logit_softcapping=5.0,
    ),
    "gpt2": GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=32,
        n_head=4,
        n_layer=2,
        n_inner=48,
        n_positions=64,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
    ),
}

GRADIENTS = (
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.1.self_attn.v_proj.bias",
    "model.layers.1.self_attn.q_norm.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.layers.1.post_attention_layernorm.weight",
    "model.norm.weight",
    "model.layers.0.pre_feedforward_layernorm.weight",
    "model.layers.1.post_feedforward_layernorm.weight",
    "transformer.wte.weight",
    "transformer.wpe.weight",
    "transformer.h.0.attn.c_attn.weight",
    "transformer.h.0.attn.c_attn.bias",
    "transformer.h.1.ln_2.weight",
    "transformer.h.1.ln_2.bias",
    "transformer.h.1.mlp.c_fc.weight",
    "transformer.ln_f.bias",
)

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# Name: the model it belongs to, and PEFT's options.
ADAPTERS = {
    "query-value": ("llama", {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}),
    "all-linear": ("qwen3", {"r": 4, "lora_alpha": 4, "target_modules": "all-linear"}),
    "rank-stabilized": (
        "mistral",
        {"r": 6, "lora_alpha": 6, "target_modules": ["q_proj", "o_proj", "up_proj"], "use_rslora": True},
    ),
    "regular-expression": (
        "llama",
        {"r": 3, "lora_alpha": 6, "target_modules": r".*layers\.1\.(self_attn\.[qk]_proj|mlp\.gate_proj)"},
    ),
    "patterns": (
        "qwen2-window",
        {
            "r": 4,
            "lora_alpha": 8,
            "target_modules": ["q_proj", "v_proj", "down_proj"],
            "rank_pattern": {r"layers.0.self_attn.q_proj": 2, "down_proj": 6},
            "alpha_pattern": {"v_proj": 2},
        },
    ),
    "excluded-modules": (
        "llama-biases-scaled",
        {"r": 4, "lora_alpha": 8, "target_modules": PROJECTIONS, "exclude_modules": ["k_proj", "down_proj"]},
    ),
    "modules-to-save": (
        "llama",
        {"r": 2, "lora_alpha": 4, "target_modules": ["k_proj", "down_proj"], "modules_to_save": ["embed_tokens", "lm_head", "norm"]},
    ),
    "some-layers": (
        "mistral",
        {"r": 4, "lora_alpha": 8, "target_modules": PROJECTIONS + ["lm_head"], "layers_to_transform": [1]},
    ),
    "gemma2-all-linear": ("gemma2", {"r": 4, "lora_alpha": 4, "target_modules": "all-linear"}),
    "gpt2-transposed": (
        "gpt2",
        {"r": 3, "lora_alpha": 6, "target_modules": ["c_attn", "c_proj", "c_fc"], "modules_to_save": ["wpe", "ln_f"], "fan_in_fan_out": True},
    ),
}


def randomise(model, generator):
    """Weights so large that every part counts, biases and norms included."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "norm" in name or "ln_" in name and name.endswith("weight"):
                p.copy_(1 + 0.2 * noise)
            elif p.dim() == 1:
                p.copy_(0.3 * noise)
            elif "embed_tokens" in name or "wte" in name or "wpe" in name:
                p.copy_(0.5 * noise)
            else:
                p.copy_(noise * 1.2 / p.shape[1] ** 0.5)


def create(name):
    config = MODELS[name]
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32)
    randomise(model, torch.Generator().manual_seed(sum(map(ord, name))))
    model.tie_weights()
    return model.eval()


def rows(generator, padding=True):
    """Random ids, the padding token among them: it is learnt where it is predicted, not where it is read."""
    ids = torch.randint(2, VOCABULARY, (ROWS, LENGTH), generator=generator)
    if padding:
        ids[0, 4] = ids[1, 9] = COMMON["pad_token_id"]
    return ids


def loss_of(model, ids):
    """Mean of all rows' next tokens."""
    logits = model(ids).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, VOCABULARY), ids[:, 1:].reshape(-1))


def greedy(model, generator):
    """A prompt whose greedy continuation never hangs on rounding."""
    for _ in range(200):
        prompt = torch.randint(2, VOCABULARY, (1, PROMPT), generator=generator)
        ids, gap = prompt, float("inf")
        with torch.no_grad():
            for _ in range(NEW):
                best = model(ids).logits[0, -1].topk(2)
                gap = min(gap, (best.values[0] - best.values[1]).item())
                ids = torch.cat([ids, best.indices[:1].view(1, 1)], 1)
        if gap >= LEAST_GAP:
            return {"prompt_ids": prompt[0].tolist(), "ids": ids[0, PROMPT:].tolist(), "smallest_gap": gap}
    raise SystemExit("no prompt has a clear continuation")


def write_model(name, folder):
    model = create(name)
    folder.mkdir(parents=True)
    model.config.save_pretrained(folder)
    names = dict(model.named_parameters())
    save_file({n: p.detach().contiguous() for n, p in names.items()}, folder / "model.safetensors", {"format": "pt"})
    generator = torch.Generator().manual_seed(7)
    ids = rows(generator)
    loss = loss_of(model, ids)
    loss.backward()
    with torch.no_grad():
        hidden = model.base_model(ids).last_hidden_state
        expected = {"input_ids": ids, "logits": model(ids).logits, "hidden": hidden}
    for n in GRADIENTS:
        if n in names:
            expected["grad." + n] = names[n].grad
    save_file({n: t.detach().contiguous() for n, t in expected.items()}, folder / "expected.safetensors")
    write_json(folder / "expected.json", {"loss": loss.item(), "greedy": greedy(model, generator)})


def write_adapter(name, folder):
    base, options = ADAPTERS[name]
    torch.manual_seed(11)
    model = get_peft_model(create(base), LoraConfig(**options, lora_dropout=0.0, task_type="CAUSAL_LM"))
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for n, p in trained.items():
            noise = torch.randn(p.shape, generator=generator)
            p.add_(0.2 * noise) if "lora_" not in n else p.copy_(0.4 * noise)
    model.eval()
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    config["target_modules"] = options["target_modules"]
    write_json(folder / "adapter_config.json", config)
    keys = {t.data_ptr(): key for key, t in get_peft_model_state_dict(model).items()}
    ids = rows(generator, "embed_tokens" in options.get("modules_to_save", ()))
    loss = loss_of(model, ids)
    loss.backward()
    with torch.no_grad():
        expected = {"input_ids": ids, "logits": model(ids).logits}
    for p in trained.values():
        expected["grad." + keys[p.data_ptr()]] = p.grad
    touched = [n for n, m in model.base_model.model.named_modules() if hasattr(m, "lora_A") and len(m.lora_A)]
    merged = model.merge_and_unload().state_dict()
    for n in (touched[0], touched[-1]):
        expected[f"merged.{n}.weight"] = merged[n + ".weight"]
    save_file({n: t.detach().contiguous().clone() for n, t in expected.items()}, folder / "expected.safetensors")
    write_json(folder / "expected.json", {"base": "models/" + base, "loss": loss.item()})


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def main():
    root = Path(sys.argv[1])
    for kind, cases, write in (("models", MODELS, write_model), ("adapters", ADAPTERS, write_adapter)):
        shutil.rmtree(root / kind, ignore_errors=True)
        for name in cases:
            write(name, root / kind / name)
    libraries = (torch, transformers, peft, safetensors)
    write_json(root / "versions.json", {m.__name__: m.__version__.split("+")[0] for m in libraries})


main()
