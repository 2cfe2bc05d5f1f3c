#!/usr/bin/env python3
"""Reads what Attune wrote with PEFT and transformers and compares logits.

    python3 bench/interop/check.py FOLDER
"""

import json
import sys
import warnings
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, logging

import adapters

TOLERANCE = 1e-4


def model_of(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", experts_implementation="eager").float().eval()


def main(root):
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    passed, lucky, refused, failures = 0, 0, 0, []
    for folder in sorted((root / "engine/asked").glob("*")):
        base = root / "engine" / json.loads((folder / "asked.json").read_text())["base"]
        ids = load_file(base / "expected.safetensors")["input_ids"]
        if not (folder / "attune.safetensors").exists():
            refused += 1
            continue
        wanted = load_file(folder / "attune.safetensors")["logits"]
        wanted = wanted.reshape(ids.shape[0], -1, wanted.shape[-1])
        for what in ("adapter", "merged") if (folder / "merged").exists() else ("adapter",):
            try:
                model = peft.PeftModel.from_pretrained(model_of(base), folder / what) if what == "adapter" else model_of(folder / what)
                with torch.no_grad():
                    found = model.eval()(input_ids=ids, use_cache=False).logits
                    difference = (found - wanted).abs().max().item()
                if difference > TOLERANCE and adapters.changed_by_last_bits(model, ids, found, 1) > TOLERANCE / 5:
                    lucky += 1
                elif difference <= TOLERANCE:
                    passed += 1
                else:
                    failures.append(f"{folder.name}: logits of {what} differ by {difference:.3g}")
            except Exception as e:
                failures.append(f"{folder.name}: {what}: {type(e).__name__}: {str(e)[:200]}")
    print(f"interop/check: {passed + len(failures)} cases, {passed} passed; {lucky} depend on the last bits, {refused} refused")
    for failure in failures:
        print("differs:", failure)
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
