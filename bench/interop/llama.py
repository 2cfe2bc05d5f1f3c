#!/usr/bin/env python3
"""Loads the GGUF files that Attune wrote with llama.cpp and compares logits with the recorded ones.

    python3 bench/interop/llama.py FOLDER

llama.cpp comes with the package xllamacpp, whose library has its C interface. A process for each file: what llama.cpp
doesn't like may end it.
"""

import ctypes as C
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

TOLERANCE = 0.02  # of the logits' size: llama.cpp keeps keys and values in half precision
LUCK = 0.25  # share of tokens that may be further away: their experts were chosen by the last bits


class Parameters(C.Structure):
    """A structure of llama.cpp's of which only the size matters, and that is less."""

    _fields_ = [("bytes", C.c_uint8 * 1024)]


class Batch(C.Structure):
    _fields_ = [("n_tokens", C.c_int32)]
    _fields_ += [(name, C.c_void_p) for name in ("token", "embd", "pos", "n_seq_id", "seq_id", "logits")]
    _fields_ += [("further", C.c_uint8 * 64)]


def library():
    folder = Path(importlib.util.find_spec("xllamacpp").origin).parent
    lib = C.CDLL(str(next(folder.glob("*.so"))))
    handle, text = C.c_void_p, C.c_char_p
    for name, result, arguments in (
        ("llama_backend_init", None, []),
        ("llama_model_default_params", Parameters, []),
        ("llama_context_default_params", Parameters, []),
        ("llama_model_load_from_file", handle, [text, Parameters]),
        ("llama_init_from_model", handle, [handle, Parameters]),
        ("llama_model_get_vocab", handle, [handle]),
        ("llama_vocab_n_tokens", C.c_int32, [handle]),
        ("llama_adapter_lora_init", handle, [handle, text]),
        ("llama_set_adapters_lora", C.c_int32, [handle, handle, C.c_size_t, handle]),
        ("llama_batch_get_one", Batch, [handle, C.c_int32]),
        ("llama_decode", C.c_int32, [handle, Batch]),
        ("llama_get_logits", C.POINTER(C.c_float), [handle]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def logits(file, ids, adapter=None):
    lib = library()
    lib.llama_backend_init()
    model = lib.llama_model_load_from_file(str(file).encode(), lib.llama_model_default_params())
    if not model:
        raise SystemExit("llama.cpp doesn't load it")
    context = lib.llama_init_from_model(model, lib.llama_context_default_params())
    if adapter:
        lora = lib.llama_adapter_lora_init(model, str(adapter).encode())
        if not lora or lib.llama_set_adapters_lora(context, (C.c_void_p * 1)(lora), 1, (C.c_float * 1)(1.0)):
            raise SystemExit("llama.cpp doesn't load the adapter")
    tokens = (C.c_int32 * len(ids))(*ids)
    batch = lib.llama_batch_get_one(tokens, len(ids))
    wanted = (C.c_int8 * len(ids))(*[1] * len(ids))
    batch.logits = C.addressof(wanted)
    if lib.llama_decode(context, batch):
        raise SystemExit("llama.cpp doesn't compute it")
    size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    return np.ctypeslib.as_array(lib.llama_get_logits(context), (len(ids), size)).copy()


def context_length(file):
    """The file's own: beyond it the model computes something else."""
    import gguf

    fields = gguf.GGUFReader(file).fields
    return next(int(f.contents()) for name, f in fields.items() if name.endswith(".context_length"))


def compare(file, ids, wanted, adapter=None):
    length = min(len(ids), context_length(file))
    found = logits(file, [int(i) for i in ids[:length]], adapter)
    wanted = wanted[:length]
    far = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    print(f"{np.median(far):.2e} {np.mean(far > TOLERANCE):.2f}")


def one(folder):
    adapter = None
    if (folder / "asked.json").exists():
        adapter = folder / "attune.gguf"
        base = folder.parents[1] / json.loads((folder / "asked.json").read_text())["base"]
    else:
        base = folder
    ids = load_file(base / "expected.safetensors")["input_ids"]
    recorded = load_file(folder / ("attune.safetensors" if adapter else "expected.safetensors"))
    wanted = recorded["logits"].reshape(ids.shape[0], ids.shape[1], -1)
    compare(base / "attune.gguf", ids[0], wanted[0], adapter)


def main(root):
    passed, failures = 0, []
    folders = sorted((root / "engine/models").iterdir()) + sorted((root / "engine/asked").glob("*"))
    for folder in folders:
        if not (folder / "attune.gguf").exists():
            continue
        if (folder / "asked.json").exists():
            base = folder.parents[1] / json.loads((folder / "asked.json").read_text())["base"]
            if not (base / "attune.gguf").exists():
                continue
        run = subprocess.run([sys.executable, __file__, "--one", folder], capture_output=True, text=True)
        said = run.stdout.split()
        if len(said) == 2 and float(said[0]) <= TOLERANCE and float(said[1]) <= LUCK:
            passed += 1
        else:
            reasons = [line for line in run.stderr.splitlines() if "rror" in line or "doesn't" in line]
            failures.append(f"{folder.name}: {' '.join(said) or ' '.join(reasons[:1])[:200] or run.returncode}")
    print(f"interop/llama: {passed + len(failures)} files, {passed} passed")
    for failure in failures:
        print("differs:", failure)
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        one(Path(sys.argv[2]))
    else:
        sys.exit(main(Path(sys.argv[1])))
