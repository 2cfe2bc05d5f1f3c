#!/usr/bin/env python3
"""Records what PEFT makes of the recorded models at the start of LoRA-GA: matrices A and B, up to their signs.

    python3 src/test/recorded/make_lora_ga.py src/test/resources/recorded

needs torch, transformers, peft and safetensors.
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraGAConfig, preprocess_loraga
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

torch.set_num_threads(1)
recorded = Path(sys.argv[1])
CASES = {
    "llama": ("llama", dict(r=8, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]), {}),
    "qwen2-window": ("qwen2-window", dict(r=8, lora_alpha=12, use_rslora=True, target_modules=["q_proj", "o_proj", "down_proj"]), dict(direction="A2rBr", scale="gd_scale")),
    "gpt2": ("gpt2", dict(r=8, lora_alpha=6, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True), dict(direction="ArBr", scale="weight_svd")),
    "qwen3": ("qwen3", dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]), dict(scale="unit")),
}

(recorded / "lora-ga").mkdir(exist_ok=True)
for name, (folder, lora, ga) in CASES.items():
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_pretrained(recorded / "models" / folder, dtype=torch.float32, attn_implementation="eager")
    ids = torch.randint(2, 90, (3, 4, 16))
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights="lora_ga", lora_ga_config=LoraGAConfig(**ga), **lora)

    def steps():
        for b in ids:
            model(input_ids=b, labels=b).loss.backward()

    preprocess_loraga(model, config, steps)
    model = get_peft_model(model, config)
    tensors = {"ids": ids}
    for path, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            path = path.replace("base_model.model.", "")
            tensors[path + ".lora_A.weight"] = module.lora_A["default"].weight.detach().contiguous()
            tensors[path + ".lora_B.weight"] = module.lora_B["default"].weight.detach().contiguous()
    save_file(tensors, recorded / "lora-ga" / f"{name}.safetensors")
    (recorded / "lora-ga" / f"{name}.json").write_text(json.dumps({
        "model": folder,
        "r": lora["r"],
        "lora_alpha": lora["lora_alpha"],
        "use_rslora": lora.get("use_rslora", False),
        "target_modules": lora["target_modules"],
        "lora_ga_config": ga,
    }, indent=1) + "\n")
    print(name, len(tensors))
