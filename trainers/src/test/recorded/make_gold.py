#!/usr/bin/env python3
"""Records what TRL's GOLDTrainer logs in short runs of a tiny student whose teacher has another tokenizer.

    python3 trainers/src/test/recorded/make_gold.py trainers/src/test/resources/recorded

needs what make_runs.py needs, and what that has written: the student is its model. The teacher's tokenizer is trained
here; README.md beside this script has the format.
"""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import datasets
import torch
import transformers
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM
from trl.experimental.gold import GOLDConfig, GOLDTrainer
from trl.trainer.utils import RepeatSampler

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[4]
TOKENIZER = ROOT / "examples/model"
OUT = Path(sys.argv[1])
FOLDER = OUT / "gold"
STEPS = 4
ROWS = 8
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
    "max_length": 96,
    "max_completion_length": 10,
    "use_uld_loss": True,
    "lmbda": 0.0,
}
TOLD = (
    "learning_rate lr_scheduler_type warmup_steps max_steps per_device_train_batch_size gradient_accumulation_steps optim"
    " adam_beta1 adam_beta2 adam_epsilon weight_decay max_grad_norm train_sampling_strategy seed max_length"
    " max_completion_length lmbda beta temperature use_extended_uld uld_token_merge_strategy uld_use_hybrid_loss"
    " uld_hybrid_matched_weight uld_hybrid_unmatched_weight uld_crossentropy_weight uld_distillation_weight"
    " uld_student_temperature uld_teacher_temperature uld_skip_student_eos uld_skip_teacher_eos"
).split()

# Name: whether all weights are trained, what kind of rows, TRL's options.
CASES = {
    "observed-full": (True, "completion", {}),
    "observed-ends": (
        False,
        "texts",
        {"uld_skip_student_eos": False, "uld_skip_teacher_eos": False, "uld_crossentropy_weight": 0.3},
    ),
    "bayesian-hybrid-full": (
        True,
        "messages",
        {
            "uld_token_merge_strategy": "bayesian",
            "uld_use_hybrid_loss": True,
            "beta": 0.3,
            "uld_student_temperature": 1.3,
            "uld_teacher_temperature": 0.8,
            "max_length": 56,
        },
    ),
    "bayesian-ends-weighted-full": (
        True,
        "texts",
        {
            "uld_token_merge_strategy": "bayesian",
            "uld_use_hybrid_loss": True,
            "beta": 1.0,
            "uld_hybrid_matched_weight": 0.6,
            "uld_hybrid_unmatched_weight": 0.2,
            "uld_crossentropy_weight": 0.5,
            "uld_distillation_weight": 0.7,
            "uld_skip_student_eos": False,
            "uld_skip_teacher_eos": False,
        },
    ),
    "places-accumulated": (
        False,
        "texts",
        {"use_extended_uld": False, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
    ),
    "written-full": (True, "completion", {"lmbda": 1.0, "uld_token_merge_strategy": "bayesian"}),
    "written-observed-hybrid": (
        False,
        "completion",
        {"lmbda": 1.0, "uld_use_hybrid_loss": True, "beta": 0.0, "uld_crossentropy_weight": 0.1},
    ),
}
WORDS = "Sum Sort ascending Sure user assistant is of the numbers and it é 日".split()


def rows(kind):
    draw = random.Random(kind)
    for _ in range(ROWS):
        digits = [draw.randrange(10) for _ in range(draw.randrange(2, 5))]
        shown = " ".join(map(str, digits))
        asked = draw.choice(["Sum", "Sort ascending"]) + ": " + shown
        right = str(sum(digits)) if asked[1] == "u" else " ".join(map(str, sorted(digits)))
        right = draw.choice(["It is ", "é 日", "the Sum of it: ", ""]) + right
        question, answer = {"role": "user", "content": asked}, {"role": "assistant", "content": right}
        yield {
            "texts": lambda: {"prompt": asked + draw.choice([" =", "\n", " "]), "completion": " " + right},
            "completion": lambda: {"prompt": [question], "completion": [answer]},
            "messages": lambda: {"messages": [question, answer, {"role": "user", "content": "Sure?"}, answer]},
        }[kind]()


def make_teacher():
    folder = FOLDER / "teacher-model"
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    draw = random.Random("text")
    text = [" ".join(draw.choice(WORDS) for _ in range(12)) for _ in range(60)]
    text += [str(draw.randrange(100)) + " " + str(draw.randrange(100)) for _ in range(60)]
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", bos_token="<s>", pad_token="</s>", clean_up_tokenization_spaces=False
    )
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(fast) + 6,
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).float()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.1 * noise if "norm" in name else noise * (0.5 if "embed" in name else 0.8 / p.shape[-1] ** 0.5))
    config.architectures = ["LlamaForCausalLM"]
    config.dtype = torch.float32
    config.save_pretrained(folder)
    tensors = {n: p.detach().contiguous() for n, p in model.named_parameters()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def completion(draw, longest):
    ends = draw.random() < 0.7
    ids = [draw.randrange(32, 127) for _ in range(draw.randrange(1, longest) if ends else longest)]
    return ids + [259] if ends else ids


class Recorded(GOLDTrainer):
    """GOLDTrainer on rows in the file's order, with completions by a seeded generator."""

    def _get_train_sampler(self, dataset=None):
        return RepeatSampler(
            data_source=self.train_dataset,
            mini_repeat_count=1,
            batch_size=self.args.generation_batch_size,
            repeat_count=self.args.gradient_accumulation_steps,
            shuffle=False,
        )

    def generate_on_policy_outputs(self, model, inputs, generation_config):
        made = [completion(self.draw, self.args.max_completion_length) for _ in inputs["prompts"]]
        prompts = [p[m.bool()].tolist() for p, m in zip(inputs["prompts"], inputs["prompt_attention_mask"], strict=True)]
        for prompt, ids in zip(prompts, made, strict=True):
            self.written.append({"prompt_ids": prompt, "completion_ids": ids})
        width = max(map(len, made))
        padded = torch.tensor([ids + [self.pad_token_id] * (width - len(ids)) for ids in made])
        fake = SimpleNamespace(
            generate=lambda **_: SimpleNamespace(sequences=torch.cat([inputs["prompts"], padded], dim=1))
        )
        return super().generate_on_policy_outputs(fake, inputs, generation_config)

    def log(self, logs, start_time=None):
        exact = {}
        if self._on_policy_step_equiv > 0:
            exact["on_policy_loss"] = self._on_policy_loss_total / self._on_policy_step_equiv
        if self._off_policy_step_equiv > 0:
            exact["off_policy_loss"] = self._off_policy_loss_total / self._off_policy_step_equiv
        super().log(logs, start_time)
        self.state.log_history[-1].update(exact)


def run(name, scratch):
    full, kind, options = CASES[name]
    folder = FOLDER / name
    folder.mkdir()
    data = list(rows(kind))
    write_lines(folder / "data.jsonl", data)
    given = {**COMMON, "output_dir": str(scratch), "teacher_tokenizer_name_or_path": str(FOLDER / "teacher-model"), **options}
    args = GOLDConfig(**given)
    tokenizer = transformers.AutoTokenizer.from_pretrained(TOKENIZER)
    model = LlamaForCausalLM.from_pretrained(OUT / "model", dtype=torch.float32)
    if not full:
        model = PeftModel.from_pretrained(model, OUT / "adapter-start", is_trainable=True)
    teacher = LlamaForCausalLM.from_pretrained(FOLDER / "teacher-model", dtype=torch.float32)
    transformers.set_seed(42)
    trainer = Recorded(
        model=model,
        teacher_model=teacher,
        args=args,
        train_dataset=datasets.Dataset.from_list(data),
        processing_class=tokenizer,
    )
    trainer.draw, trainer.written = random.Random(name), []
    trainer.train()
    told = {
        "trainer": "gold",
        "teacher_model": "teacher-model",
        "model": "model",
        "adapter": None if full else "adapter-start",
        **{key: getattr(args, key) for key in TOLD},
        "train_sampling_strategy": "sequential",
    }
    (folder / "config.json").write_text(json.dumps(plain(told), indent=1) + "\n")
    write_lines(folder / "expected.jsonl", list(steps(trainer, args)))
    (folder / "expected-weights.json").write_text(json.dumps(dict(weights(trainer.model)), indent=1) + "\n")
    if trainer.written:
        write_lines(folder / "written.jsonl", trainer.written)


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value.value if hasattr(value, "value") else value


def steps(trainer, args):
    for log in trainer.state.log_history:
        if "loss" in log:
            kept = {k: log[k] for k in ("loss", "grad_norm", "on_policy_loss", "off_policy_loss") if k in log}
            yield {"step": log["step"], "learning_rate": args.learning_rate * (1 - (log["step"] - 1) / STEPS), **kept}


def weights(model):
    if isinstance(model, PeftModel):
        keys = {t.data_ptr(): key for key, t in get_peft_model_state_dict(model).items()}
        named = [(keys[p.data_ptr()], p) for p in model.parameters() if p.requires_grad]
    else:
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    for name, p in sorted(named):
        values = p.detach().double().flatten()
        yield name, {
            "shape": list(p.shape),
            "sum": values.sum().item(),
            "l2": values.norm().item(),
            "first": values[:5].tolist(),
        }


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    make_teacher()
    for name in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            run(name, scratch)


main()
