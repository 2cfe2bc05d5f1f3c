"""Random adapters of PEFT on the models that make.py made, and what PEFT computes with them."""

import copy
import json
import random
import re

import peft
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

PROMPTS = ["prompt_tuning", "prefix_tuning", "p_tuning"]
KINDS = ["lora", "lora", "lora", "replicated", "dora", "loha", "lokr", "oft", "boft", "ia3", "vera", "hra", "fourierft", "ln_tuning", *PROMPTS]


def linears(model):
    """Names of the linear modules in blocks, each once."""
    return sorted(
        {n.split(".")[-1] for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and re.search(r"\.\d+\.", n) and "expert" not in n and "router" not in n}
    )


def some(rng, names):
    return sorted(rng.sample(names, rng.randint(1, len(names))))


def lora(rng, names, layers):
    """Names of experts' projections come together: PEFT reads no others."""
    rank = rng.choice([1, 2, 4, 6])
    options = {"r": rank, "lora_alpha": rng.choice([1, 4, 8, 16]), "target_modules": some(rng, names), "use_rslora": rng.random() < 0.3}
    draw = rng.random()
    if draw < 0.15:
        options["target_modules"] = "all-linear"
    elif draw < 0.3:
        one = rng.choice(names)
        options["target_modules"] = rf".*\.\d+\..*{one}"
    elif draw < 0.45:
        options["rank_pattern"] = {rng.choice(options["target_modules"]): rank + 1}
        options["alpha_pattern"] = {rng.choice(options["target_modules"]): 3}
    elif draw < 0.6:
        options["layers_to_transform"] = [rng.randrange(layers)]
    elif draw < 0.7:
        options["modules_to_save"] = ["lm_head"]
    elif draw < 0.8 and len(names) > 1:
        options["target_modules"] = names
        options["exclude_modules"] = [rng.choice(names)]
    return peft.LoraConfig(**options)


def replicated(rng, names, layers):
    """Layers that stand several times, or not at all."""
    ranges = []
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(layers)
        ranges.append((start, rng.randint(start + 1, layers)))
    options = {"layer_replication": ranges, "r": rng.choice([1, 2, 4]), "lora_alpha": rng.choice([4, 8]), "target_modules": some(rng, names)}
    draw = rng.random()
    if draw < 0.25:
        options["target_modules"] = "all-linear"
    elif draw < 0.4:
        options["use_dora"] = True
    elif draw < 0.6:
        count = sum(end - start for start, end in ranges)
        options["layers_to_transform"] = sorted(rng.sample(range(count), rng.randint(1, count)))
    elif draw < 0.7:
        options["modules_to_save"] = ["lm_head"]
    return peft.LoraConfig(**options)


def prompt(kind, rng):
    """Virtual tokens before every sequence."""
    count = rng.randint(1, 6)
    hidden = rng.choice([5, 16])
    if kind == "prompt_tuning":
        init = rng.choice(["RANDOM", "SAMPLE_VOCAB"])
        return peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=count, prompt_tuning_init=init)
    if kind == "prefix_tuning":
        projects = rng.random() < 0.5
        return peft.PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=count, prefix_projection=projects, encoder_hidden_size=hidden)
    way = rng.choice(["MLP", "LSTM"])
    return peft.PromptEncoderConfig(task_type="CAUSAL_LM", num_virtual_tokens=count, encoder_reparameterization_type=way, encoder_hidden_size=hidden)


def config(kind, rng, model):
    if kind in PROMPTS:
        return prompt(kind, rng)
    names = linears(model)
    layers = model.config.num_hidden_layers
    if kind == "lora":
        return lora(rng, names, layers)
    if kind == "replicated":
        return replicated(rng, names, layers)
    targets = some(rng, names)
    if kind == "dora":
        return peft.LoraConfig(r=rng.choice([2, 4]), lora_alpha=8, target_modules=targets, use_dora=True)
    if kind == "loha":
        return peft.LoHaConfig(r=rng.choice([2, 4]), alpha=rng.choice([4, 8]), target_modules=targets)
    if kind == "lokr":
        return peft.LoKrConfig(
            r=rng.choice([2, 8]), alpha=8, target_modules=targets, decompose_both=rng.random() < 0.5, decompose_factor=rng.choice([-1, 4])
        )
    if kind == "oft":
        return peft.OFTConfig(r=0, oft_block_size=4, target_modules=targets, use_cayley_neumann=rng.random() < 0.5, coft=False)
    if kind == "boft":
        return peft.BOFTConfig(boft_block_size=4, boft_n_butterfly_factor=1, target_modules=targets)
    if kind == "ia3":
        forward = [n for n in targets if n in ("down_proj", "up_proj", "o_proj")]
        return peft.IA3Config(target_modules=targets, feedforward_modules=forward)
    if kind == "vera":
        square = targets[:1]
        return peft.VeraConfig(r=rng.choice([4, 8]), target_modules=square, projection_prng_key=rng.randrange(1000), save_projection=rng.random() < 0.7)
    if kind == "hra":
        return peft.HRAConfig(r=4, target_modules=targets, apply_GS=rng.random() < 0.3)
    if kind == "fourierft":
        return peft.FourierFTConfig(n_frequency=rng.choice([20, 50]), scaling=50.0, target_modules=targets)
    norms = sorted({n.split(".")[-1] for n, m in model.named_modules() if "norm" in type(m).__name__.lower() and re.search(r"\.\d+\.", n)})
    return peft.LNTuningConfig(target_modules=some(rng, norms))


def changed_by_last_bits(adapted, ids, logits, seed):
    """How far logits move if weights change by the last bits of float32."""
    generator = torch.Generator().manual_seed(seed)
    kept = [p.detach().clone() for p in adapted.parameters()]
    with torch.no_grad():
        for p in adapted.parameters():
            p.mul_(1 + 3e-7 * torch.randn(p.shape, generator=generator))
        moved = (adapted(input_ids=ids, use_cache=False).logits - logits.detach()).abs().max().item()
        for p, k in zip(adapted.parameters(), kept):
            p.copy_(k)
    return moved


def record(folder, base, kind, rng: random.Random):
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", experts_implementation="eager").float().eval()
    with safe_open(base / "expected.safetensors", "pt") as file:
        ids = file.get_tensor("input_ids")
        plain = file.get_tensor("logits")
    adapted = peft.get_peft_model(model, config(kind, rng, model)).eval()
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    trained = [(n, p) for n, p in adapted.named_parameters() if p.requires_grad]
    with torch.no_grad():
        for name, p in trained:
            p.add_(0.15 * torch.randn(p.shape, generator=generator))
    # What counts is what a reader of the files gets.
    adapted.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", experts_implementation="eager").float().eval()
    adapted = peft.PeftModel.from_pretrained(model, folder, is_trainable=kind not in PROMPTS).eval()
    if kind in PROMPTS:  # which PEFT doesn't train on
        adapted.prompt_encoder.requires_grad_(True)
    logits = adapted(input_ids=ids, use_cache=False).logits
    length = ids.shape[1]  # behind virtual tokens
    effect = (logits[:, -length:] - plain).abs().max().item()
    if not torch.isfinite(logits).all() or logits.abs().max() > 60 or effect < 1e-3:
        raise ValueError(f"effect {effect:.3g}, logits up to {logits.abs().max():.3g}")
    loss = torch.nn.functional.cross_entropy(logits[:, -length:-1].flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()
    if changed_by_last_bits(adapted, ids, logits, rng.randrange(1 << 30)) > 2e-5:
        raise ValueError("logits depend on the last bits")
    with safe_open(folder / "adapter_model.safetensors", "pt") as file:
        shapes = {n: list(file.get_slice(n).get_shape()) for n in file.keys()}
    tensors = {"input_ids": ids, "logits": logits.detach().contiguous()}
    for name, p in adapted.named_parameters():
        plain_name = name.replace(".default", "").replace("modules_to_save.", "").replace("prompt_encoder.embedding.weight", "prompt_embeddings")
        if p.grad is not None and shapes.get(plain_name) == list(p.shape):
            tensors["grad." + plain_name] = p.grad.contiguous()
    save_file(tensors, folder / "expected.safetensors")
    (folder / "expected.json").write_text(json.dumps({"base": f"models/{base.name}", "loss": loss.item(), "effect_on_logits": effect}, indent=1))


def ask(folder, base, kind, rng: random.Random):
    """A configuration for which Attune shall make an adapter."""
    model = AutoModelForCausalLM.from_pretrained(base)
    asked = config(kind, rng, model)
    given = asked if kind in PROMPTS else copy.deepcopy(asked)  # of virtual tokens PEFT notes the model's sizes
    with torch.no_grad():  # PEFT refuses some, rewrites others, and can't compute a few
        logits = peft.get_peft_model(model, given)(input_ids=torch.arange(2, 14)[None], use_cache=False).logits
    if not torch.isfinite(logits).all():
        raise ValueError("PEFT computes no numbers")
    asked.inference_mode = True
    asked.base_model_name_or_path = base.name
    asked.save_pretrained(folder)
    (folder / "asked.json").write_text(json.dumps({"base": f"models/{base.name}"}))
