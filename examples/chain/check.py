"""Compares Attune and transformers on a model folder: the greedy answers in float32 must be the same text.

Optional; Attune itself needs no Python. With transformers and torch installed:

    python examples/chain/check.py out/chain/merged

Prints one line for each prompt and ends with 1 if a text differs.
"""

import pathlib
import subprocess
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAX_NEW_TOKENS = 48
PROMPTS = [
    "Which number is the smallest: 27, 82 or 35?",
    "What is 27 + 35?",
    "Name three fruits.",
    "Write one sentence about the sea.",
    "Why is the sky blue?",
]


def by_transformers(model, tokenizer, prompt):
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        out = model.generate(**ids, do_sample=False, repetition_penalty=1.0, max_new_tokens=MAX_NEW_TOKENS)
    return tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)


def by_attune(folder, prompt):
    command = [ROOT / "attune", "generate", "--model", folder, "--dtype", "float32", "--temperature", "0"]
    command += ["--repetition-penalty", "1", "--max-new-tokens", str(MAX_NEW_TOKENS), prompt]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(folder):
    folder = pathlib.Path(folder).resolve()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    equal = 0
    for prompt in PROMPTS:
        theirs, ours = by_transformers(model, tokenizer, prompt), by_attune(folder, prompt)
        same = theirs.strip() == ours.strip()
        equal += same
        print(f"{'equal' if same else 'DIFFERENT'}  {prompt!r}: {ours.strip()!r}")
        if not same:
            print(f"  transformers: {theirs.strip()!r}")
    print(f"{equal} of {len(PROMPTS)} texts are equal")
    return equal == len(PROMPTS)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(0 if main(sys.argv[1]) else 1)
