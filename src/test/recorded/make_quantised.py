#!/usr/bin/env python3
"""Records tiny model folders in the formats that vLLM and transformers read weights in few bits from.

    python3 src/test/recorded/make_quantised.py src/test/resources/recorded/quantised AUTO_GPTQ AUTO_AWQ

needs torch, transformers, compressed-tensors and safetensors. AUTO_GPTQ is the folder auto_gptq of the unpacked wheel of
auto-gptq, AUTO_AWQ the folder awq of the unpacked sources of autoawq: the modules that decode are run from there, since
the packages as a whole need other versions of transformers. versions.json in the folder says which versions made the
files that are there.
"""

import hashlib
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import compressed_tensors
import safetensors
import torch
import transformers
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import save_file
from transformers import GptOssConfig, GptOssForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.integrations.finegrained_fp8 import Fp8Dequantize
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

torch.set_num_threads(1)
OUT, GPTQ, AWQ = map(Path, sys.argv[1:4])
GENERATOR = torch.Generator().manual_seed(5)


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


gptq = module(GPTQ / "nn_modules/qlinear/qlinear_cuda_old.py")  # a zero of 15 + 1 is 0
gptq_act = module(GPTQ / "nn_modules/qlinear/qlinear_cuda.py")
awq = module(AWQ / "utils/packing_utils.py")


def ints(*shape):
    return torch.randint(-(2**31), 2**31, shape, generator=GENERATOR).to(torch.int32)


def scales(size, *shape):
    return (torch.rand(shape, generator=GENERATOR) + 0.5) * size


def of_gptq(path, out, rows, bits, group, act=False, add=1):
    """Random codes, and the numbers that AutoGPTQ makes of them by a product with the identity."""
    group = group if group > 0 else rows
    layer = (gptq_act if act else gptq).QuantLinear(bits, group, rows, out, False, weight_dtype=torch.float32)
    layer.autogptq_cuda_available = False
    half = scales(0.02 if bits == 4 else 0.0015, rows // group, out).half()
    stored = {
        "qweight": ints(rows * bits // 32, out),
        "qzeros": ints(rows // group, out * bits // 32),
        "scales": half,
        "g_idx": torch.arange(rows, dtype=torch.int32) // group,
    }
    if bits == 8:  # zeros in the middle, as symmetric ones are
        stored["qzeros"] = torch.full_like(stored["qzeros"], 0x7F7F7F7F if add else 0x80 * 0x1010101 - 2**32)
    if act:
        stored["g_idx"] = stored["g_idx"][torch.randperm(rows, generator=GENERATOR)].contiguous()
    if not add:  # no zeros that are 0: the class would make them 16
        for shift in range(0, 32, bits):
            none = (stored["qzeros"] >> shift) & (2**bits - 1) == 0
            stored["qzeros"] |= none.to(torch.int32) << shift
    layer.load_state_dict({**stored, "scales": half.float()})
    if not add:  # the class knows the first form only
        each = 32 // bits
        shifts = torch.arange(0, 32, bits, dtype=torch.int32)
        codes = (stored["qzeros"][:, :, None] >> shifts) & (2**bits - 1)
        less = (codes - 1) & (2**bits - 1)
        wide = torch.zeros(codes.shape[:2], dtype=torch.int64)
        for i in range(each):
            wide |= less[:, :, i].long() << (bits * i)
        layer.qzeros = torch.where(wide >= 2**31, wide - 2**32, wide).to(torch.int32)
    dense = layer(torch.eye(rows)).t().contiguous()
    return {f"{path}.{k}": v for k, v in stored.items()}, dense


def of_awq(path, out, rows, group=32):
    stored = {
        "qweight": ints(rows, out // 8),
        "qzeros": ints(rows // group, out // 8),
        "scales": scales(0.02, rows // group, out).half(),
    }
    dense = awq.dequantize_gemm(stored["qweight"], stored["qzeros"], stored["scales"].float(), 4, group)
    return {f"{path}.{k}": v for k, v in stored.items()}, dense.t().contiguous()


BLOCK = [48, 40]


def of_fp8(path, out, rows, powers=False):
    weight = (torch.randn(out, rows, generator=GENERATOR) * 60).to(torch.float8_e4m3fn)
    weight.view(torch.uint8)[0, :16] = torch.arange(16, dtype=torch.uint8)  # the smallest ones too
    if powers:  # one for each row, as exponents
        scale = (2.0 ** torch.randint(-10, -7, (out, 1), generator=GENERATOR)).to(torch.float8_e8m0fnu)
        dense = Fp8Dequantize(None)._dequantize_one(weight, scale, torch.float32)
    else:
        scale = scales(0.002, -(-out // BLOCK[0]), -(-rows // BLOCK[1]))
        grid = scale.repeat_interleave(BLOCK[0], 0)[:out].repeat_interleave(BLOCK[1], 1)[:, :rows]
        dense = weight.float() * grid
    return {f"{path}.weight": weight, f"{path}.weight_scale_inv": scale}, dense.contiguous()


def compressed(path, out, rows, form, shape, **args):
    """Random numbers, and what compressed-tensors makes of what it compressed."""
    arguments = QuantizationArgs(**args)
    scheme = QuantizationScheme(targets=["Linear"], weights=arguments, format=form)
    compressor = BaseCompressor.get_value_from_registry(form)
    float8 = args.get("type") == "float"
    top = 448 if float8 else 2 ** (args["num_bits"] - 1) - 1
    state = {
        "weight": torch.randn(out, rows, generator=GENERATOR) * 0.1,
        "weight_scale": scales(0.35 / top, *shape).bfloat16(),
    }
    if not args.get("symmetric", True):
        low = -(2 ** (args["num_bits"] - 1))
        state["weight_zero_point"] = torch.randint(low, -low, shape, generator=GENERATOR).to(torch.int8)
    stored = compressor.compress(state, scheme)
    back = compressor.decompress({**stored, "weight_scale": stored["weight_scale"].float()}, scheme)["weight"]
    rounded = compressor.decompress(dict(stored), scheme)["weight"]
    assert rounded.dtype == torch.bfloat16
    assert torch.allclose(rounded.float(), back, rtol=2**-7, atol=2**-7)
    return {f"{path}.{k}": v.contiguous() for k, v in stored.items()}, back


def of_pack(path, out, rows):
    if "mlp" in path:
        return compressed(path, out, rows, "pack-quantized", (out, rows // 32), num_bits=4, type="int",
                          strategy="group", group_size=32, symmetric=False)
    if "o_proj" in path:
        return compressed(path, out, rows, "pack-quantized", (out, rows // 16), num_bits=4, type="int",
                          strategy="group", group_size=16)
    if "v_proj" in path:
        return compressed(path, out, rows, "pack-quantized", (out, 1), num_bits=8, type="int", strategy="channel",
                          symmetric=False)
    return compressed(path, out, rows, "pack-quantized", (out, 1), num_bits=8, type="int", strategy="channel")


def of_int(path, out, rows):
    whole = "mlp" in path
    return compressed(path, out, rows, "int-quantized", (out, 1), num_bits=8, type="int", strategy="channel",
                      symmetric=whole)


def of_float(path, out, rows):
    if "q_proj" in path:
        return compressed(path, out, rows, "float-quantized", (1,), num_bits=8, type="float", strategy="tensor")
    if "mlp" in path:
        return compressed(path, out, rows, "float-quantized", (out // 32, rows // 32), num_bits=8, type="float",
                          strategy="block", block_structure=[32, 32])
    return compressed(path, out, rows, "float-quantized", (out, 1), num_bits=8, type="float", strategy="channel")


def groups(form, *weights):
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "quantization_status": "compressed",
        "ignore": ["lm_head"],
        "config_groups": {f"group_{i}": {"targets": ["Linear"], "weights": w} for i, w in enumerate(weights)},
    }


FOLDERS = {
    "gptq": (lambda *a: of_gptq(*a, 4, 32), {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": False,
                                             "desc_act": False}),
    "gptq-act": (lambda *a: of_gptq(*a, 4, 16, act=True, add=0),
                 {"quant_method": "gptq", "bits": 4, "group_size": 16, "desc_act": True,
                  "checkpoint_format": "gptq_v2"}),
    "gptq-8": (lambda *a: of_gptq(*a, 8, -1), {"quant_method": "gptq", "bits": 8, "group_size": -1, "sym": True,
                                               "checkpoint_format": "gptq", "dynamic": {"-:.*lm_head": {}}}),
    "awq": (of_awq, {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}),
    "fp8": (lambda p, *a: of_fp8(p, *a, powers="o_proj" in p),
            {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": BLOCK}),
    "pack": (of_pack, groups("pack-quantized",
                             {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 32},
                             {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"})),
    "int": (of_int, groups("int-quantized", {"num_bits": 8, "type": "int", "strategy": "channel"})),
    "float": (of_float, groups("float-quantized",
                               {"num_bits": 8, "type": "float", "strategy": "tensor"},
                               {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [32, 32]})),
}

CONFIG = LlamaConfig(
    vocab_size=32,
    hidden_size=64,
    intermediate_size=160,
    num_hidden_layers=1,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    initializer_range=0.12,
    tie_word_embeddings=False,
)


def save(folder, config, tensors, twin, ids):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    with torch.no_grad():
        logits = twin(ids).logits.contiguous()
    save_file({"input_ids": ids, "logits": logits}, folder / "expected.safetensors")


def llama(name, make, quantization):
    torch.manual_seed(3)
    twin = LlamaForCausalLM(CONFIG).float()
    tensors = {k: v.to(torch.bfloat16) for k, v in twin.state_dict().items()}
    twin.load_state_dict({k: v.float() for k, v in tensors.items()})
    hashes = {}
    for path, layer in twin.named_modules():
        if isinstance(layer, torch.nn.Linear) and path != "lm_head":
            del tensors[path + ".weight"]
            stored, dense = make(path, layer.out_features, layer.in_features)
            tensors.update(stored)
            layer.weight.data = dense
            hashes[path] = hashlib.sha256(dense.numpy().tobytes()).hexdigest()
    config = {**CONFIG.to_dict(), "architectures": ["LlamaForCausalLM"], "dtype": "bfloat16",
              "quantization_config": quantization}
    ids = torch.randint(0, 32, (1, 12), generator=torch.Generator().manual_seed(1))
    save(OUT / name, config, tensors, twin, ids)
    (OUT / name / "hashes.json").write_text(json.dumps(hashes, indent=1) + "\n")


def gpt_oss():
    torch.manual_seed(4)
    config = GptOssConfig(
        vocab_size=32, hidden_size=64, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, num_local_experts=3, num_experts_per_tok=2, sliding_window=8,
        max_position_embeddings=64, initializer_range=0.1, tie_word_embeddings=False,
        layer_types=["full_attention"],
    )
    twin = GptOssForCausalLM(config).float()
    tensors = {k: v.to(torch.bfloat16) for k, v in twin.state_dict().items()}
    twin.load_state_dict({k: v.float() for k, v in tensors.items()})
    for path, parameter in list(twin.named_parameters()):
        if path.endswith(("gate_up_proj", "down_proj")) and "experts" in path:
            count, rows, out = parameter.shape  # transposed in memory
            blocks = torch.randint(0, 256, (count, out, rows // 32, 16), generator=GENERATOR).to(torch.uint8)
            powers = torch.randint(121, 125, (count, out, rows // 32), generator=GENERATOR).to(torch.uint8)
            parameter.data = convert_moe_packed_tensors(blocks, powers, dtype=torch.float32)
            del tensors[path]
            tensors[path + "_blocks"] = blocks
            tensors[path + "_scales"] = powers
    whole = {**config.to_dict(), "architectures": ["GptOssForCausalLM"], "dtype": "bfloat16",
             "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}}
    ids = torch.randint(0, 32, (1, 12), generator=torch.Generator().manual_seed(1))
    save(OUT / "mxfp4", whole, tensors, twin, ids)


for folder, (make, quantization) in FOLDERS.items():
    llama(folder, make, quantization)
gpt_oss()
versions = {m.__name__: m.__version__ for m in (torch, transformers, compressed_tensors, safetensors)}
versions |= {"auto_gptq": "0.7.1", "autoawq": "0.2.9"}
(OUT / "versions.json").write_text(json.dumps(versions, indent=1) + "\n")
