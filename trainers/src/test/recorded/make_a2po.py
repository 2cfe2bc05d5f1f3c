#!/usr/bin/env python3
"""Records what TRL's A2POTrainer logs in short runs of a tiny model, with both stages.

    python3 trainers/src/test/recorded/make_a2po.py trainers/src/test/resources/recorded

needs what make_runs.py needs, and what that has written. Completions are drawn by a seeded generator, those of the first
stage included; a completion is rewarded with 1 if its text has an even number of characters.
"""

import json
import random
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import datasets
import torch
import transformers
from transformers import LlamaForCausalLM
from trl.experimental.a2po import A2POConfig, A2POTrainer, a2po_trainer

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[4]
TOKENIZER = ROOT / "examples/model"
OUT = Path(sys.argv[1])
FOLDER = OUT / "a2po"
STEPS = 4
ROWS = 4
COMMON = {
    "learning_rate": 1e-3,
    "lr_scheduler_type": "linear",
    "warmup_steps": 0,
    "max_steps": STEPS,
    "per_device_train_batch_size": ROWS,
    "gradient_accumulation_steps": 1,
    "optim": "adamw_torch",
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "seed": 42,
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
    "max_completion_length": 8,
    "filter_all_incorrect": False,
}
TOLD = (
    "learning_rate lr_scheduler_type warmup_steps max_steps per_device_train_batch_size gradient_accumulation_steps optim"
    " adam_beta1 adam_beta2 adam_epsilon weight_decay max_grad_norm seed max_completion_length num_value_samples beta1"
    " beta2 filter_all_incorrect"
).split()

# Name: what kind of prompts, TRL's options.
CASES = {
    "defaults": ("texts", {}),
    "far": ("messages", {"num_value_samples": 3, "beta1": 0.2, "beta2": 0.5}),
    "accumulated": (
        "texts",
        {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "num_value_samples": 2, "beta2": 0.1},
    ),
    # By its name 4 of 8 prompts are left: TRL learns from what is left of an epoch in a smaller batch, Attune does not.
    "hopeless": ("texts", {"num_value_samples": 1, "filter_all_incorrect": True}),
}


def rows(kind):
    draw = random.Random(kind)
    for i in range(2 * ROWS):
        asked = f"{i} " + " ".join(str(draw.randrange(10)) for _ in range(draw.randrange(1, 5)))
        yield {"prompt": asked if kind == "texts" else [{"role": "user", "content": asked}]}


def completion(draw, longest):
    ends = draw.random() < 0.7
    ids = [draw.randrange(33, 127) for _ in range(draw.randrange(1, longest) if ends else longest)]
    return ids + [259] if ends else ids


def reward(completions, **_):
    return [float(len(text) % 2 == 0) for text in completions]


class Recorded(A2POTrainer):
    """A2POTrainer on rows in the file's order."""

    def _get_train_sampler(self, dataset=None):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def run(name, scratch):
    kind, options = CASES[name]
    folder = FOLDER / name
    folder.mkdir(parents=True)
    data = list(rows(kind))
    write_lines(folder / "data.jsonl", data)
    args = A2POConfig(**{**COMMON, "output_dir": str(scratch), **options})
    tokenizer = transformers.AutoTokenizer.from_pretrained(TOKENIZER, padding_side="left")
    model = LlamaForCausalLM.from_pretrained(OUT / "model", dtype=torch.float32)
    draw, written = random.Random(name), []

    def generate(input_ids, attention_mask, generation_config):
        each = generation_config.num_return_sequences
        ids = input_ids.repeat_interleave(each, 0)
        masks = attention_mask.repeat_interleave(each, 0)
        made = [completion(draw, args.max_completion_length) for _ in ids]
        for prompt, mask, own in zip(ids, masks, made, strict=True):
            written.append({"prompt_ids": prompt[mask.bool()].tolist(), "completion_ids": own})
        width = max(map(len, made))
        padded = torch.tensor([own + [tokenizer.pad_token_id] * (width - len(own)) for own in made])
        return torch.cat([ids, padded], dim=1)

    @contextmanager
    def unwrapped(*_):
        yield SimpleNamespace(generate=generate)

    a2po_trainer.unwrap_model_for_generation = unwrapped
    transformers.set_seed(42)
    trainer = Recorded(
        model=model,
        reward_funcs=reward,
        args=args,
        train_dataset=datasets.Dataset.from_list(data),
        processing_class=tokenizer,
    )
    trainer.train()
    told = {"trainer": "a2po", "model": "model", "adapter": None, **{key: getattr(args, key) for key in TOLD}}
    told["train_sampling_strategy"] = "sequential"
    (folder / "config.json").write_text(json.dumps(plain(told), indent=1) + "\n")
    write_lines(folder / "expected.jsonl", list(steps(trainer, args)))
    (folder / "expected-weights.json").write_text(json.dumps(dict(weights(trainer.model)), indent=1) + "\n")
    write_lines(folder / "written.jsonl", written)


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value.value if hasattr(value, "value") else value


def steps(trainer, args):
    names = ("loss", "grad_norm", "v_star", "implicit_reward", "advantage", "reward")
    for log in trainer.state.log_history:
        if "loss" in log:
            rate = args.learning_rate * (1 - (log["step"] - 1) / STEPS)
            yield {"step": log["step"], "learning_rate": rate, **{k: log[k] for k in names}}


def weights(model):
    for name, p in sorted((n, p) for n, p in model.named_parameters() if p.requires_grad):
        values = p.detach().double().flatten()
        yield name, {
            "shape": list(p.shape),
            "sum": values.sum().item(),
            "l2": values.norm().item(),
            "first": values[:5].tolist(),
        }


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            run(name, scratch)


main()
