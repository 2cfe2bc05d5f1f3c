#!/usr/bin/env python3
"""Trains LoftQ adapters over bases in few bits, and compares logits with PEFT's over the same numbers.

    PYTHON=~/venv/bin/python; $PYTHON bench/interop/few_bits.py [CASES] [SEED]

Random tiny models of three families, random options, some steps of SFT each. The base that PEFT gets are bitsandbytes'
codes, made dense in float32. Needs torch, transformers, peft and bitsandbytes. Exits with 1 if logits differ.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bitsandbytes.functional as bits
import torch
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
TEXT = ROOT / "examples/model"  # whose tokenizer all models have
TOLERANCE = 2e-3  # of the largest logit; int8 multiplies activations in two digits where the processor has them
KEYS = {
    "nf4": ["load_in_4bit=true"],
    "nf4_double": ["load_in_4bit=true", "use_bnb_nested_quant=true"],
    "fp4": ["load_in_4bit=true", "bnb_4bit_quant_type=fp4"],
    "int8": ["load_in_8bit=true"],
}
NAMES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def attune(*arguments):
    done = subprocess.run([ROOT / "attune", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout + done.stderr


def in_few_bits(weight, storage):
    """The numbers that a product sees. The sizes of nf4_double are brought to the nearest byte, as on GPUs."""
    if storage == "int8":
        half = weight.half().float()
        size = half.abs().amax(1, keepdim=True)
        return (half * (127 / size)).round().clamp(-127, 127) * (size / 127)
    codes, state = bits.quantize_4bit(weight, blocksize=64, quant_type=storage[:3])
    if storage.endswith("double"):
        mean = state.absmax.mean()
        sizes = state.absmax - mean
        levels = bits.create_dynamic_map().sort().values
        for block in sizes.split(256):  # views
            most = block.abs().max()
            block.copy_(levels[(block[:, None] / most - levels).abs().argmin(1)] * most)
        state.absmax = sizes + mean
    return bits.dequantize_4bit(codes, state)


def model(folder, rng):
    family = rng.choice(["llama", "qwen2", "olmo2"])
    heads = rng.choice([2, 4])
    config = AutoConfig.for_model(
        family, vocab_size=260, pad_token_id=256, bos_token_id=259, eos_token_id=259, hidden_size=64 * rng.choice([1, 2, 3]),
        num_hidden_layers=rng.choice([1, 2, 3]), num_attention_heads=heads, num_key_value_heads=rng.choice([1, heads]),
        head_dim=32, intermediate_size=64 * rng.choice([2, 3, 5]), max_position_embeddings=128, tie_word_embeddings=rng.random() < 0.5)
    made = AutoModelForCausalLM.from_config(config).float().eval()
    for p in made.parameters():
        if p.dim() > 1:
            p.data.normal_(0, 0.15)
    made.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TEXT / name, folder / "model")
    return family, made


def case(folder, rng):
    torch.manual_seed(rng.randrange(1 << 30))
    family, made = model(folder, rng)
    storage = rng.choice(list(KEYS))
    targets = rng.choice(["all-linear", sorted(rng.sample(NAMES, rng.choice([1, 3])))])
    options = {"init_lora_weights": "loftq"}
    keys = [f"lora_r={rng.choice([1, 4, 8])}", f"lora_alpha={rng.choice([4, 8, 16])}", f"lora_target_modules={json.dumps(targets)}"]
    keys += [f"use_rslora={json.dumps(rng.random() < 0.3)}"] + KEYS[storage]
    keys += ["use_dora=true"] if rng.random() < 0.25 else []
    rows = [{"prompt": str(rng.randrange(1000)), "completion": str(rng.randrange(1000))} for _ in range(8)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    steps = rng.choice([1, 3])
    said = attune(
        "sft", f"model_name_or_path={folder}/model", f"datasets={folder}/rows.jsonl", f"output_dir={folder}/out", "use_peft=true",
        "lora_dropout=0", "dtype=float32", f"max_steps={steps}", "learning_rate=1e-3", "save_strategy=no", f"peft_kwargs={json.dumps(options)}", *keys)
    told = next((line.split("LoftQ: ")[1] for line in said.splitlines() if "LoftQ: " in line), "nothing was said of LoftQ")
    for module in made.model.layers.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.data = in_few_bits(module.weight.data, storage)
    ids = torch.randint(0, 256, (2, 9))
    with torch.no_grad():
        bare = made(ids).logits
        logits = PeftModel.from_pretrained(made, folder / "out").eval()(ids).logits
    save_file({"input_ids": ids, "logits": logits.contiguous()}, folder / "expected.safetensors")
    said = attune(
        "verify-model", "--model", f"{folder}/model", "--adapter", f"{folder}/out", "--quantization", storage,
        "--expected", f"{folder}/expected.safetensors")
    most = logits.abs().max().item()
    return f"{family} {storage} {' '.join(keys)} {steps} steps", told, said, (logits - bare).abs().max().item() / most, most


def main():
    cases, seed = (int(a) for a in (sys.argv[1:] + ["20", "1"][len(sys.argv) - 1 :]))
    passed = 0
    for number in range(cases):
        rng = random.Random(f"{seed} {number}")
        with tempfile.TemporaryDirectory() as folder:
            name, told, said, moved, most = case(Path(folder), rng)
        difference = float(said.split("largest difference: ")[1].split()[0]) / most
        print(f"{name}: {told}; logits differ by {difference:.1e} of the largest, the adapter moves them by {moved:.1e}", flush=True)
        passed += difference < TOLERANCE and moved > TOLERANCE
    print(f"interop/few_bits: {cases} cases, {passed} passed")
    sys.exit(passed < cases)


if __name__ == "__main__":
    main()
