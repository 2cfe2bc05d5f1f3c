#!/usr/bin/env python3
"""Writes random tiny models in compressed-tensors' 8 bits, and has its library read them.

    PYTHON=~/venv/bin/python; $PYTHON bench/interop/compressed.py [CASES] [SEED]

Codes and scales are compared with the library's own compressor (models in float32), weights that transformers
makes of the folder with codes times scales, to the bit, the fields of config.json with those that the library
writes, and logits with the unrounded model's. Needs torch, transformers and compressed-tensors.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, CompressedTensorsConfig

ROOT = Path(__file__).resolve().parents[2]
TEXT = ROOT / "examples/model"  # whose tokenizer all models have
SCHEMES = {"int8": ("W8A8", "int-quantized", 0.1), "fp8": ("FP8_DYNAMIC", "float-quantized", 0.2)}
DENSE = ["llama", "qwen2", "qwen3", "olmo2", "phi3", "granite", "gemma2", "glm4"]
EXPERTS = ["mixtral", "qwen3_moe"]


def attune(*arguments):
    done = subprocess.run([ROOT / "attune", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout + done.stderr


def model(folder, rng, family):
    heads = rng.choice([2, 4])
    more = {}
    if family == "mixtral":
        more = {"num_local_experts": 4, "num_experts_per_tok": 2}
    elif family == "qwen3_moe":
        more = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    config = AutoConfig.for_model(
        family, vocab_size=260, pad_token_id=256, bos_token_id=259, eos_token_id=259, hidden_size=32 * rng.choice([2, 3]),
        num_hidden_layers=rng.choice([1, 2]), num_attention_heads=heads, num_key_value_heads=rng.choice([1, heads]), head_dim=16 if family != "phi3" else None,
        intermediate_size=16 * rng.choice([3, 5]), max_position_embeddings=128, tie_word_embeddings=rng.random() < 0.5, **more)
    if family == "phi3":
        config.head_dim = config.hidden_size // heads
    dtype = rng.choice([torch.float32, torch.bfloat16])
    made = AutoModelForCausalLM.from_config(config).eval()
    for p in made.parameters():
        if p.dim() > 1:
            p.data.normal_(0, rng.choice([0.05, 0.15]))
    made = made.to(dtype)
    made.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TEXT / name, folder / "model")
    return made.float(), dtype


def case(folder, rng, kind):
    torch.manual_seed(rng.randrange(1 << 30))
    family = rng.choice(DENSE + EXPERTS)
    made, dtype = model(folder, rng, family)
    said = attune("export", "--model", f"{folder}/model", "--compressed-tensors", kind, "--output", f"{folder}/out")
    scheme, form, tolerance = SCHEMES[kind]
    args = preset_name_to_scheme(scheme, ["Linear"])
    before, after = (load_file(folder / f / "model.safetensors") for f in ("model", "out"))
    own = {}
    for name, weight in after.items():
        if name.endswith("_scale"):
            continue
        if name + "_scale" not in after:
            assert torch.equal(weight, before[name]), name
            continue
        assert not any(part in name for part in ("embed", "lm_head", "norm", "gate.weight", "router")), name
        scale = after[name + "_scale"]
        assert scale.shape == (weight.shape[0], 1) and scale.dtype == dtype, name
        exact = before[name].float()
        theirs, _ = calculate_qparams(exact.amin(1, keepdim=True), exact.amax(1, keepdim=True), args.weights)
        assert torch.equal(scale, theirs.to(dtype)), name
        codes = BaseCompressor.get_value_from_registry(form).compress({"weight": exact, "weight_scale": scale.float()}, args)["weight"]
        assert torch.equal(weight.view(torch.uint8), codes.view(torch.uint8)), name
        own[name] = weight.float() * scale.float()
    linears = [n for n, m in made.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"]
    assert all(n + ".weight" in own for n in linears), "a linear module is as it was"
    written = json.loads((folder / "out/config.json").read_text())["quantization_config"]
    version = written.pop("version")
    group = args.model_copy(update={"format": form})
    theirs = QuantizationConfig(config_groups={"group_0": group}, format=form, quantization_status="compressed", ignore=written["ignore"])
    expected = json.loads(theirs.model_dump_json(exclude_none=False))
    different = {k for k in written | expected if written.get(k) != expected.get(k)}
    assert not different, (different, version)
    ids = torch.randint(0, 256, (2, 9))
    with torch.no_grad():
        wanted = made(ids).logits
    results = []
    # transformers 5.24 reads no experts in int8, which vLLM does: their numbers are put in here
    experts = family in EXPERTS
    for lazily in [False] if experts else [False, True]:
        how = {} if lazily else {"quantization_config": CompressedTensorsConfig(dequantize=True)}
        if experts:
            plain = folder / "plain"
            shutil.copytree(folder / "model", plain)
            save_file({n: own.get(n, before[n].float()) for n in before}, plain / "model.safetensors", {"format": "pt"})
            read = AutoModelForCausalLM.from_pretrained(plain, dtype=torch.float32)
        if experts and kind == "fp8":
            dense = read.state_dict()
            read = AutoModelForCausalLM.from_pretrained(folder / "out", dtype=torch.float32, **how)
            for name, weight in read.state_dict().items():
                assert torch.equal(weight, dense[name]) or torch.equal(weight, dense[name].to(dtype).float()), name
        elif not experts:
            read = AutoModelForCausalLM.from_pretrained(folder / "out", dtype=torch.float32, **how)
        with torch.no_grad():
            logits = read(ids).logits
        state = read.state_dict()
        for name in own.keys() & state.keys():
            theirs = state[name]
            exact = (own[name] if dtype == torch.float32 else own[name].to(dtype)).float()
            assert torch.equal(theirs.float(), own[name]) or torch.equal(theirs.float(), exact), (name, lazily)
        results.append(((logits - wanted).norm() / wanted.norm()).item())
    assert max(results) < tolerance, results
    return f"{family} {kind} {str(dtype)[6:]}: {len(own)} matrices; logits differ by {', '.join(f'{r:.1e}' for r in results)} of their size; {said.split('; ')[1]}"


def main():
    cases, seed = (int(a) for a in (sys.argv[1:] + ["20", "1"][len(sys.argv) - 1 :]))
    passed = 0
    for number in range(cases):
        rng = random.Random(f"{seed} {number}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(case(Path(folder), rng, list(SCHEMES)[number % 2]), flush=True)
                passed += 1
            except (AssertionError, RuntimeError) as e:
                print(f"case {number} failed: {e}", flush=True)
    print(f"interop/compressed: {cases} cases, {passed} passed")
    sys.exit(passed < cases)


if __name__ == "__main__":
    main()
