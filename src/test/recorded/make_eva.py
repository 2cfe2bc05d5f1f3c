#!/usr/bin/env python3
"""Records what PEFT makes of the recorded models at the start of EVA: ranks, alphas and matrices A.

    python3 src/test/recorded/make_eva.py src/test/resources/recorded

needs torch, transformers, peft and safetensors.
"""

import json
import sys
from pathlib import Path

import torch
from peft import EvaConfig, LoraConfig, get_peft_model
from peft.tuners.lora.eva import get_eva_state_dict, initialize_lora_eva_weights
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
recorded = Path(sys.argv[1])
# No two modules with one input where `whiten` is set: PEFT divides these twice.
CASES = {
    "llama": ("llama", dict(r=8, lora_alpha=16, target_modules="all-linear"), dict(tau=0.95)),
    "qwen2-window": (
        "qwen2-window",
        dict(r=8, lora_alpha=12, use_rslora=True, target_modules=["q_proj", "o_proj", "down_proj"]),
        dict(tau=0.95, whiten=True, adjust_scaling_factors=False),
    ),
    "gpt2": ("gpt2", dict(r=12, lora_alpha=6, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True), dict(rho=1.5, tau=0.95)),
    "qwen3-small-rho": ("qwen3", dict(r=4, lora_alpha=8, rank_pattern={"k_proj": 6}, target_modules=["q_proj", "k_proj", "o_proj"]), dict(rho=1.0, tau=0.9)),
}

(recorded / "eva").mkdir(exist_ok=True)
for name, (folder, lora, eva) in CASES.items():
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(recorded / "models" / folder, dtype=torch.float32, attn_implementation="eager")
    frequent = torch.tensor([1.0 / (i + 1) for i in range(90)])
    ids = torch.multinomial(frequent, 3 * 8 * 20, replacement=True).reshape(3, 8, 20) + 2
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights="eva", eva_config=EvaConfig(**eva), **lora)
    model = get_peft_model(model, config)
    batches = [{"input_ids": b} for b in ids]
    state = get_eva_state_dict(model, batches, show_progress_bar=False)
    tensors = {k.replace("base_model.model.", ""): v.float().contiguous() for k, v in state.items() if v.shape[0]}
    initialize_lora_eva_weights(model, eva_state_dict=dict(state), show_progress_bar=False)
    made = model.peft_config["default"]
    tensors["ids"] = ids
    save_file(tensors, recorded / "eva" / f"{name}.safetensors")
    (recorded / "eva" / f"{name}.json").write_text(json.dumps({
        "model": folder,
        "r": lora["r"],
        "lora_alpha": lora["lora_alpha"],
        "use_rslora": lora.get("use_rslora", False),
        "target_modules": lora["target_modules"],
        "asked_ranks": lora.get("rank_pattern", {}),
        "eva_config": eva,
        "rank_pattern": dict(sorted(made.rank_pattern.items())),
        "alpha_pattern": dict(sorted(made.alpha_pattern.items())),
        "left_out": sorted(k.replace("base_model.model.", "") for k, v in state.items() if not v.shape[0]),
    }, indent=1) + "\n")
    print(name, {k: tuple(v.shape) for k, v in tensors.items()}, made.alpha_pattern)
