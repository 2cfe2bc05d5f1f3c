#!/usr/bin/env python3
"""Records what PaliGemma's processor makes of prompts with an answer behind them.

    python3 text/src/test/recorded/make_suffixes.py FIXTURES OUT.json

FIXTURES has the folder vision of the fixtures: a processor, and pictures.
"""

import json
import sys
from pathlib import Path

from PIL import Image
from transformers import AutoProcessor

SQUARE, WIDE = "png-square.png", "png-panorama.png"
CASES = [
    ([SQUARE, "What is this?"], "Yes, in colour."),
    ([SQUARE, "caption en\nof two lines"], "a cow\nand a line"),
    ([SQUARE, WIDE, "answer en which one?"], "the second"),
    (["Look: ", SQUARE, " and ", WIDE, " differ."], " by a blank first"),
    ([WIDE], "no question"),
    ([SQUARE, "\n"], "\n"),
    ([SQUARE, "Prix: 5 €, ünïcode ≠ ascii?"], "Oui — 5 €."),
]


def main(fixtures, out):
    processor = AutoProcessor.from_pretrained(fixtures / "vision/models/paligemma")
    rows = []
    for question, answer in CASES:
        parts = [{"type": "image", "image": p} if p.endswith(".png") else {"type": "text", "text": p} for p in question]
        text = "".join("<image>" if p.endswith(".png") else p for p in question)
        pictures = [Image.open(fixtures / "vision/images" / p).convert("RGB") for p in question if p.endswith(".png")]
        made = processor(text=[text], images=[pictures], suffix=[answer])
        messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": answer}]
        row = {"messages": messages, "input_ids": list(made["input_ids"][0]), "token_type_ids": list(made["token_type_ids"][0])}
        rows.append({k: [int(i) for i in v] if k != "messages" else v for k, v in row.items()})
    out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
