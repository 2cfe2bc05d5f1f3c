#!/usr/bin/env python3
"""Compares losses and gradients of heads on rows with pictures with PyTorch's, on random weights of tiny models that see.

    PYTHON=~/venv/bin/python; $PYTHON bench/interop/seen_heads.py MODELS [SEED] [FAMILY,FAMILY] [METHOD,METHOD]

MODELS holds a folder for each family: configuration, processor, tokenizer, chat template. METHOD is `reward`, `classify` or `prm`.
Weights, pictures, texts and the head are drawn anew. One step of SGD with learning rate 1 moves weights by their gradients, so
what a run writes shows them. Of Gemma 3's sequences transformers has a class; else its models get one linear layer on the hidden
states. Needs torch, torchvision, transformers, Pillow and, for SmolVLM2, num2words. Exits with 1 if a loss or a gradient differs.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor, Gemma3ForSequenceClassification

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 2e-4
OLD = tuple(map(int, torchvision.__version__.split(".")[:2])) < (0, 27)  # transformers takes bicubic for Lanczos there
WORDS = "the a red green blue small large box line dot left right above below of and".split()
LABELS = {"reward": 1, "classify": 3, "prm": 2}
failed = []


class Scorer(torch.nn.Module):
    """A model that sees, and a linear layer on its hidden states; of tokens it has a bias."""

    def __init__(self, config, method):
        super().__init__()
        self.model = AutoModelForImageTextToText.from_config(config, attn_implementation="eager").model
        self.score = torch.nn.Linear(config.get_text_config().hidden_size, LABELS[method], bias=method == "prm")

    def forward(self, **inputs):
        return self.score(self.model(**inputs, use_cache=False).last_hidden_state)


def fill(model, generator):
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if p.dim() < 2:
                p.add_(0.1 * noise)
            elif "embed" in name or "position" in name:
                p.copy_(0.3 * noise)
            else:
                p.copy_(0.7 * noise / p[0].numel() ** 0.5)


def save(made, given, folder):
    """Files as transformers writes them; of a scorer of our own those of the model without its output layer, and `score.weight`."""
    shutil.copytree(given, folder, ignore=shutil.ignore_patterns("*.safetensors", "expected*", "config.legacy.json"))
    if isinstance(made, Gemma3ForSequenceClassification):
        made.save_pretrained(folder)
        return
    whole = AutoModelForImageTextToText.from_config(made.model.config)
    whole.model = made.model
    whole.save_pretrained(folder)
    file = folder / "model.safetensors"
    tensors = {n: t for n, t in load_file(file).items() if "lm_head" not in n}
    head = {f"score.{n}": p.detach().clone() for n, p in made.score.named_parameters()}
    save_file(tensors | head, file, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    kind = "SequenceClassification" if made.score.bias is None else "TokenClassification"
    config["architectures"] = [config["architectures"][0].replace("ConditionalGeneration", kind)]
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(made.score.out_features)}
    (folder / "config.json").write_text(json.dumps(config))


def draw(rng, path):
    size = (rng.randint(20, 70), rng.randint(20, 70))
    Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1])).save(path)


def rows(rng, folder, method):
    made = []
    for i in range(3):
        pictures = []
        for _ in range(rng.choice([1, 1, 2]) if i else 1):
            pictures.append(f"{i}-{len(pictures)}.png")
            draw(rng, folder / pictures[-1])
        content = [{"type": "image"} for _ in pictures] + [{"type": "text", "text": words(rng)}]
        row = {"images": pictures, "prompt": [{"role": "user", "content": content}]}
        if method == "reward":
            row |= {side: [{"role": "assistant", "content": [{"type": "text", "text": words(rng)}]}] for side in ("chosen", "rejected")}
        elif method == "classify":
            row["label"] = f"LABEL_{rng.randrange(3)}"
        else:
            row |= {"completions": [words(rng) for _ in range(2)], "labels": [rng.random() < 0.5 for _ in range(2)]}
        made.append(row)
    return made


def words(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(2, 6)))


def read(processor, folder, row, turns, asks=False):
    text = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=asks)
    pictures = [Image.open(folder / name) for name in row["images"]]
    inputs = processor(text=text, images=[pictures], return_tensors="pt", add_special_tokens=False)
    return {k: v for k, v in inputs.items() if k != "num_crops"}


def score(made, inputs):
    scores = made(**inputs)
    return scores.logits[0] if isinstance(made, Gemma3ForSequenceClassification) else scores[0, -1]


def judged(made, processor, folder, row):
    """Logits at the last token of each step's separator."""
    inputs, ends = read(processor, folder, row, row["prompt"], asks=True), []
    encode = lambda text: processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    for step in row["completions"]:
        more = torch.tensor([encode(step) + encode("\n")])
        for name, value in inputs.items():
            if name in ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids"):
                fill = {"input_ids": more, "attention_mask": torch.ones_like(more)}.get(name, torch.zeros_like(more))
                inputs[name] = torch.cat([value, fill.to(value.dtype)], 1)
        ends.append(inputs["input_ids"].shape[1] - 1)
    return made(**inputs)[0, ends]


def loss(made, processor, folder, given, method):
    if method == "reward":
        pairs = [[score(made, read(processor, folder, row, row["prompt"] + row[side])) for side in ("chosen", "rejected")] for row in given]
        return torch.stack([-F.logsigmoid(a - b) for a, b in pairs]).mean()
    if method == "classify":
        scores = torch.stack([score(made, read(processor, folder, row, row["prompt"])) for row in given])
        return F.cross_entropy(scores, torch.tensor([int(row["label"][-1]) for row in given]))
    steps = torch.cat([judged(made, processor, folder, row) for row in given])
    return F.cross_entropy(steps, torch.tensor([int(label) for row in given for label in row["labels"]]))


def run(method, *keys):
    done = subprocess.run([ROOT / "attune", method, *map(str, keys)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])


def compare(family, given, rng, folder, method):
    config = AutoConfig.from_pretrained(given)
    for part in (config, config.get_text_config(), config.vision_config):
        part.dtype = torch.float32
    if family == "gemma3" and method != "prm":
        config.num_labels = LABELS[method]
        made = Gemma3ForSequenceClassification._from_config(config, attn_implementation="eager")
    else:
        made = Scorer(config, method)
    made = made.float().eval()
    fill(made, torch.Generator().manual_seed(rng.randrange(1 << 30)))
    save(made, given, folder / "model")
    data = rows(rng, folder, method)
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in data))
    keys = [f"model_name_or_path={folder}/model", f"datasets={folder}/rows.jsonl", f"output_dir={folder}/out", "use_peft=false"]
    keys += ["optim=sgd", "learning_rate=1", "lr_scheduler_type=constant", "max_grad_norm=0", "max_steps=1", "dtype=float32"]
    keys += ["logging_steps=1", "train_sampling_strategy=sequential", "per_device_train_batch_size=3", "max_length=null"]
    processor = AutoProcessor.from_pretrained(folder / "model")
    if processor.image_processor.resample == Image.Resampling.LANCZOS and OLD:
        processor.image_processor = AutoImageProcessor.from_pretrained(folder / "model", backend="pil")
        keys.append("image_backend=pil")
    run(method, *keys)
    logged = map(json.loads, (folder / "out/metrics.jsonl").read_text().splitlines())
    ours = next(line["loss"] for line in logged if "loss" in line)
    theirs = loss(made, processor, folder, data, method)
    theirs.backward()
    before, after = load_file(folder / "model/model.safetensors"), load_file(folder / "out/model.safetensors")
    missing = set(before) ^ set(after)
    by_content = {t.numpy().tobytes(): n for n, t in before.items()}
    worst, count = abs(ours - theirs.item()), 0
    for name, p in made.named_parameters():
        file = by_content[p.detach().contiguous().numpy().tobytes()]
        gradient = torch.zeros_like(p) if p.grad is None else p.grad
        wrong = (before[file] - after[file].float() - gradient).abs().max().item()
        worst = max(worst, wrong / (gradient.abs().max().item() + 1e-2))
        count += 1
    print(f"{family}, {method}: loss {ours:.6f}, {count} tensors, largest difference {worst:.1e}" + (f", names {missing}" if missing else ""), flush=True)
    if not worst < TOLERANCE or missing:
        failed.append(f"{family}, {method}")


def main(models, seed, families, methods):
    torch.set_num_threads(1)
    for given in sorted(Path(models).iterdir()):
        if given.name == "paligemma" or families and given.name not in families:
            continue  # it has no chat template
        for method in methods:
            rng = random.Random(f"{seed} {given.name}" + ("" if method == "reward" else method))
            with tempfile.TemporaryDirectory() as name:
                try:
                    compare(given.name, given, rng, Path(name), method)
                except Exception as e:
                    failed.append(given.name)
                    print(f"{given.name}, {method}: {type(e).__name__}: {str(e)[-500:]}", flush=True)
    sys.exit(1 if failed else 0)


def listed(place):
    return sys.argv[place].split(",") if len(sys.argv) > place else []


main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "1", listed(3), listed(4) or list(LABELS))
