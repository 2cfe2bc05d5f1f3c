#!/usr/bin/env python3
"""Compares losses and gradients of `attune classify`, `rerank` and `embed` with PyTorch's on random tiny models.

    PYTHON=~/venv/bin/python; $PYTHON bench/interop/heads.py [SEED]

One step of SGD with learning rate 1 moves weights by their gradients, so what a run writes shows them. Needs torch and
transformers. Exits with 1 if a loss or a gradient differs.
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
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

ROOT = Path(__file__).resolve().parents[2]
TEXT = ROOT / "examples/model"  # whose tokenizer all models have
PAD = 256
TOLERANCE = 1e-4
tokenizer = AutoTokenizer.from_pretrained(TEXT)
failed = []


def model(folder, family, kind, **more):
    sizes = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48)
    if family == "gpt2":
        sizes = dict(n_embd=32, n_layer=2, n_head=4, n_positions=128, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    elif family != "gpt_neox":
        sizes |= dict(num_key_value_heads=2, head_dim=8, max_position_embeddings=128)
    config = AutoConfig.for_model(family, vocab_size=260, pad_token_id=PAD, bos_token_id=259, eos_token_id=259, **sizes, **more)
    made = kind.from_config(config).float().eval()
    for p in made.parameters():
        if p.dim() > 1:
            p.data.normal_(0, 0.3)
    made.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TEXT / name, folder / "model")
    return made


def step(folder, method, rows, *keys):
    (folder / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    command = [ROOT / "attune", method, f"model_name_or_path={folder}/model", f"datasets={folder}/rows.jsonl"]
    command += [f"output_dir={folder}/out", "optim=sgd", "learning_rate=1", "lr_scheduler_type=constant", "max_grad_norm=0"]
    command += ["max_steps=1", "dtype=float32", "logging_steps=1", "train_sampling_strategy=sequential", *keys]
    shutil.rmtree(folder / "out", ignore_errors=True)
    subprocess.run(command, check=True, capture_output=True)
    logged = map(json.loads, (folder / "out/metrics.jsonl").read_text().splitlines())
    return next(line["loss"] for line in logged if "loss" in line)


def compare(name, folder, made, loss, ours):
    loss.backward()
    written = load_file(folder / "out/model.safetensors")
    worst = abs(ours - loss.item()) / max(1, abs(loss.item()))
    for key, p in made.named_parameters():
        tensor = next((written[k] for k in (key, "model." + key, "transformer." + key, "gpt_neox." + key) if k in written), None)
        if p.grad is None or tensor is None:
            continue
        wrong = p.data - tensor - p.grad
        if p.dim() == 2 and p.shape[0] == 260:
            wrong[PAD] = 0  # transformers gives the padding token no gradient
        worst = max(worst, (wrong.abs().max() / (p.grad.abs().max() + 1e-3)).item())
    print(f"{name}: loss {ours:.6f}, largest difference {worst:.1e}", flush=True)
    if not worst < TOLERANCE:
        failed.append(name)


def text():
    return "Sort: " + " ".join(str(random.randint(0, 9)) for _ in range(random.randint(2, 6)))


def batch(*texts):
    made = tokenizer(*texts, padding=True, padding_side="right", return_tensors="pt")
    return {k: v for k, v in made.items() if k != "token_type_ids"}


def classify(folder, family):
    for problem, label in (
        ("single_label_classification", lambda i: i % 3),
        ("multi_label_classification", lambda i: [float(i % 2), float(i % 3 == 0), 1.0]),
        ("regression", lambda i: 0.3 * i - 0.5),
    ):
        labels = 1 if problem == "regression" else 3
        made = model(folder, family, AutoModelForSequenceClassification, num_labels=labels, problem_type=problem)
        key = "labels" if problem.startswith("multi") else "label"
        rows = [{"sentence1": text(), "sentence2": text(), key: label(i)} for i in range(6)]
        if key == "labels":
            rows = [{"text": r["sentence1"], key: r[key]} for r in rows]
            inputs = batch([r["text"] for r in rows])
        else:
            inputs = batch([r["sentence1"] for r in rows], [r["sentence2"] for r in rows])
        ours = step(folder, "classify", rows)
        compare(f"{family} {problem}", folder, made, made(**inputs, labels=torch.tensor([r[key] for r in rows])).loss, ours)


def words(folder, family):
    names = ["B", "I", "O"]
    made = model(folder, family, AutoModelForTokenClassification, id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})
    rows = [{"tokens": text().split()} for _ in range(5)]
    loss, count = 0, 0
    for r in rows:
        r["tags"] = [random.choice(names) for _ in r["tokens"]]
        ids, places = [], []
        for i, word in enumerate(r["tokens"]):
            ids += tokenizer(word if i == 0 else " " + word, add_special_tokens=False)["input_ids"]
            places.append(len(ids) - 1)
        logits = made(torch.tensor([ids])).logits[0, places]
        loss = loss + F.cross_entropy(logits, torch.tensor([names.index(t) for t in r["tags"]]), reduction="sum")
        count += len(places)
    compare(f"{family} words", folder, made, loss / count, step(folder, "classify", rows))


def rerank(folder, family, kind):
    made = model(folder, family, AutoModelForSequenceClassification, num_labels=1)
    rows = [{"query": text(), "docs": [text() for _ in range(3)], "labels": [1, 0, 0.5]} for _ in range(4)]
    ours = step(folder, "rerank", rows, "loss_type=" + kind)
    pairs = [(r["query"], d) for r in rows for d in r["docs"]]
    z = made(**batch(*map(list, zip(*pairs)))).logits.view(4, 3)
    y = torch.tensor([r["labels"] for r in rows])
    if kind == "pointwise":
        loss = F.binary_cross_entropy_with_logits(z, y)
    elif kind == "listwise":
        loss = -(y / y.sum(1, keepdim=True) * z.log_softmax(1)).sum(1).mean()
    else:
        loss = torch.stack([F.softplus(z[:, j] - z[:, i]) for i in range(3) for j in range(3) if y[0, i] > y[0, j]]).mean()
    compare(f"{family} {kind}", folder, made, loss, ours)


def embedded(made, texts, mean):
    inputs = batch(texts)
    states, mask = made(**inputs).last_hidden_state, inputs["attention_mask"]
    if mean:
        return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    return states[torch.arange(len(texts)), mask.sum(1) - 1]


def embed(folder, family, mean, cut, dims):
    made = model(folder, family, AutoModelForCausalLM).base_model
    rows = [{"anchor": text(), "positive": text(), "negative": text()} for _ in range(6)]
    keys = [f"pooling_mode={'mean' if mean else 'lasttoken'}", f"matryoshka_dims={dims}"]
    keys += [f"per_device_train_batch_size={cut}", f"gradient_accumulation_steps={6 // cut}"]
    ours = step(folder, "embed", rows, *keys)
    a = embedded(made, [r["anchor"] for r in rows], mean)
    d = embedded(made, [t for r in rows for t in (r["positive"], r["negative"])], mean)
    loss = sum(
        F.cross_entropy(20 * F.normalize(a[:, :n], dim=-1) @ F.normalize(d[:, :n], dim=-1).T, 2 * torch.arange(6)) for n in dims
    )
    compare(f"{family} InfoNCE, {cut} rows at a time", folder, made, loss, ours)


def main(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for family in ("llama", "gpt2", "gemma2", "qwen3"):
            classify(folder, family)
            embed(folder, family, family != "gpt2", random.choice((1, 2, 3, 6)), [32] if family == "llama" else [32, 8])
        words(folder, "llama")
        for kind in ("pointwise", "pairwise", "listwise"):
            rerank(folder, "llama", kind)
    sys.exit(1 if failed else 0)


main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
