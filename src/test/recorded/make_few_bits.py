#!/usr/bin/env python3
"""Records how bitsandbytes brings weights to few bits, and tiny model folders that transformers writes with it.

    python3 src/test/recorded/make_few_bits.py src/test/resources/recorded/few-bits

needs torch, transformers, accelerate, bitsandbytes and safetensors; versions.json in the folder says which versions made
the files that are there. README.md beside this script has the format.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import bitsandbytes as bnb
import bitsandbytes.functional as F
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)

SHARE = 1 / 127  # of int8's sizes; bitsandbytes writes it as 7.874015718698502315e-3

FOLDERS = {
    "nf4-double": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}


def digest(tensor):
    return hashlib.sha256(tensor.contiguous().view(torch.uint8).numpy().tobytes()).hexdigest()


def bits(out):
    weight = torch.randn(40, 448, generator=torch.Generator().manual_seed(7)) * 0.05
    weight[3, :64] = 0  # a block of zeros
    weight[5] *= 40
    weight = weight.to(torch.bfloat16)
    tensors = {"weight": weight}
    hashes = {}
    for kind in ("nf4", "fp4"):
        for name, double in ((kind, False), (kind + "_double", True)):
            codes, state = F.quantize_4bit(weight, blocksize=64, quant_type=kind, compress_statistics=double)
            hashes[name + ".codes"] = digest(codes)
            tensors[name + ".absmax"] = state.absmax.clone()
            if double:
                tensors[name + ".nested_absmax"] = state.state2.absmax.clone()
                tensors[name + ".offset"] = state.offset.reshape(1).clone()
            for dtype in (torch.float32, torch.bfloat16):
                state.dtype = dtype
                hashes[f"{name}.{str(dtype)[6:]}"] = digest(F.dequantize_4bit(codes, state))
    codes, sizes, _ = F.int8_vectorwise_quant(weight.half())
    tensors["int8.absmax"] = sizes
    hashes["int8.codes"] = digest(codes)
    hashes["int8.float32"] = digest(F.int8_vectorwise_dequant(codes, sizes))
    save_file(tensors, out / "bits.safetensors")
    (out / "hashes.json").write_text(json.dumps(hashes, indent=1) + "\n")


def dense(layer):
    """The numbers that a quantised layer stands for, before its first product brings them to another order."""
    if isinstance(layer, bnb.nn.Linear4bit):
        return F.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
    return layer.weight.data.float() * layer.weight.SCB[:, None] * SHARE


def folders(out):
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=48,
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.12,
        tie_word_embeddings=False,
    )
    original = out / "original"
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(original)
    ids = torch.randint(0, 48, (1, 12), generator=torch.Generator().manual_seed(1))
    for name, options in FOLDERS.items():
        quantised = AutoModelForCausalLM.from_pretrained(
            original, quantization_config=BitsAndBytesConfig(**options), dtype=torch.float32, device_map="cpu"
        )
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        quantised.save_pretrained(folder)
        twin = LlamaForCausalLM.from_pretrained(original, dtype=torch.float32)
        layers = dict(quantised.named_modules())
        for path, module in twin.named_modules():
            if isinstance(module, torch.nn.Linear) and path != "lm_head":
                module.weight.data = dense(layers[path])
        with torch.no_grad():
            logits = twin(ids).logits
        (folder / "generation_config.json").unlink()
        save_file({"input_ids": ids, "logits": logits.contiguous()}, folder / "expected.safetensors")
    for file in original.iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            file.unlink()


out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
bits(out)
folders(out)
versions = {m.__name__: m.__version__ for m in (torch, transformers, bnb, safetensors)}
(out / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
