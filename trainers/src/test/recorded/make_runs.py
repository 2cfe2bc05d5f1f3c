#!/usr/bin/env python3
"""Records what TRL logs in short runs of a tiny model: SFT, DPO, KTO, ORPO, CPO, TPO, reward models, GRPO, SDFT and SDPO.

    python3 trainers/src/test/recorded/make_runs.py trainers/src/test/resources/recorded

needs torch, transformers, peft, trl and datasets; versions.json says which versions made the files that are there.
The tokenizer and the chat template are those of examples/model. README.md beside this script has the format.
"""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import datasets
import peft
import torch
import transformers
import trl
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer
from trl.experimental.sdft import SDFTConfig, SDFTTrainer
from trl.experimental.sdpo import SDPOConfig, SDPOTrainer
from trl.experimental.tpo import TPOConfig, TPOTrainer
from trl.trainer import grpo_trainer

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[4]
TOKENIZER = ROOT / "examples/model"
OUT = Path(sys.argv[1])

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
    "train_sampling_strategy": "sequential",
    "seed": 42,
    "bf16": False,
    "use_cpu": True,
    "gradient_checkpointing": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "disable_tqdm": True,
}
# What config.json tells of a run, of all trainers and of each.
TOLD = (
    "learning_rate lr_scheduler_type warmup_steps max_steps per_device_train_batch_size gradient_accumulation_steps optim"
    " adam_beta1 adam_beta2 adam_epsilon weight_decay max_grad_norm train_sampling_strategy seed"
).split()
TOLD_OF = {
    "sft": "max_length truncation_mode packing packing_strategy completion_only_loss assistant_only_loss loss_type"
    " label_smoothing_factor".split(),
    "dpo": "max_length truncation_mode precompute_ref_log_probs loss_type loss_weights ld_alpha f_divergence_type"
    " f_alpha_divergence_coef label_smoothing beta use_weighting discopop_tau sync_ref_model ref_model_mixup_alpha ref_model_sync_steps".split(),
    "kto": "max_length precompute_ref_log_probs loss_type beta desirable_weight undesirable_weight sync_ref_model"
    " ref_model_mixup_alpha ref_model_sync_steps".split(),
    "orpo": ["max_length", "beta"],
    "cpo": "max_length beta loss_type label_smoothing cpo_alpha simpo_gamma alpha".split(),
    "tpo": "max_length truncation_mode beta loss_type label_smoothing tpo_alpha tpo_l_gamma".split(),
    "reward": ["max_length", "center_rewards_coefficient"],
    "sdft": "num_generations max_completion_length temperature distillation_alpha distillation_mode distillation_topk"
    " distillation_add_tail num_loss_tokens_to_skip teacher_model_kind teacher_update_rate teacher_sync_steps"
    " generate_from_teacher teacher_prompt_template".split(),
    "sdpo": "num_generations max_completion_length temperature distillation_alpha distillation_mode distillation_topk"
    " distillation_add_tail distillation_weight teacher_model_kind teacher_update_rate teacher_sync_steps loss_type"
    " mask_truncated_completions reward_weights scale_rewards use_successful_as_teacher success_reward_threshold"
    " dont_reprompt_on_self_success max_reprompt_len reprompt_template solution_template feedback_template"
    " include_environment_feedback environment_feedback_only_without_solution remove_thinking_from_demonstration".split(),
    "grpo": "num_generations max_completion_length steps_per_generation temperature beta num_iterations epsilon delta"
    " epsilon_high sapo_temperature_neg sapo_temperature_pos vespo_k_pos vespo_lambda_pos vespo_k_neg vespo_lambda_neg"
    " importance_sampling_level reward_weights multi_objective_aggregation scale_rewards loss_type"
    " mask_truncated_completions use_bias_correction_kl".split(),
}

# Name: trainer, whether all weights are trained, what kind of rows, TRL's options.
CASES = {
    "sft-text-full": ("sft", True, "text", {}),
    "sft-completion": ("sft", False, "completion", {}),
    "sft-completion-all-dft": ("sft", False, "completion", {"completion_only_loss": False, "loss_type": "dft"}),
    "sft-smoothed-full": ("sft", True, "completion", {"label_smoothing_factor": 0.2}),
    "sft-assistant": ("sft", False, "messages", {"assistant_only_loss": True}),
    "sft-packed": ("sft", False, "text", {"packing": True, "max_length": 40, "per_device_train_batch_size": 3}),
    "sft-truncated-accumulated": (
        "sft",
        False,
        "messages",
        {"max_length": 30, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
    ),
    "dpo-sigmoid": ("dpo", False, "pairs", {}),
    "dpo-sigmoid-full": ("dpo", True, "pairs", {"beta": 0.3}),
    "dpo-ipo": ("dpo", False, "pairs", {"loss_type": ["ipo"]}),
    "dpo-hinge-js": ("dpo", False, "pairs", {"loss_type": ["hinge"], "f_divergence_type": "js_divergence"}),
    "dpo-robust-smoothed": ("dpo", False, "pairs", {"loss_type": ["robust"], "label_smoothing": 0.2}),
    "dpo-apo-zero-ld": ("dpo", False, "pairs", {"loss_type": ["apo_zero"], "ld_alpha": 0.5}),
    "dpo-sigmoid-with-sft": (
        "dpo",
        False,
        "pairs",
        {"loss_type": ["sigmoid", "sft"], "loss_weights": [0.7, 0.4], "precompute_ref_log_probs": True},
    ),
    "dpo-sync-full": (
        "dpo",
        True,
        "pairs",
        {"sync_ref_model": True, "ref_model_mixup_alpha": 0.3, "ref_model_sync_steps": 1},
    ),
    "kto-accumulated": (
        "kto",
        False,
        "labelled",
        {"beta": 0.5, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "undesirable_weight": 0.7},
    ),
    "kto-apo-zero-truncated": ("kto", False, "pairs", {"loss_type": "apo_zero_unpaired", "max_length": 28}),
    "kto-sync-full": (
        "kto",
        True,
        "labelled",
        {"sync_ref_model": True, "ref_model_mixup_alpha": 0.5, "ref_model_sync_steps": 2},
    ),
    "orpo-accumulated": (
        "orpo",
        False,
        "pairs",
        {"beta": 0.5, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
    ),
    "cpo-smoothed-truncated": ("cpo", False, "pairs", {"label_smoothing": 0.1, "max_length": 28}),
    "cpo-alphapo": ("cpo", False, "pairs", {"loss_type": "alphapo", "alpha": 0.4, "simpo_gamma": 0.2}),
    "tpo": ("tpo", False, "triples", {"loss_type": "tpo-l", "beta": 1.5, "tpo_alpha": 0.5}),
    "reward": ("reward", False, "pairs", {}),
    "reward-centered": ("reward", False, "pairs", {"center_rewards_coefficient": 0.05}),
    "grpo": ("grpo", False, "prompts", {"loss_type": "grpo"}),
    "grpo-dapo-kl": ("grpo", False, "prompts", {"beta": 0.1, "epsilon_high": 0.28, "num_iterations": 2}),
    "grpo-dr-unscaled": ("grpo", False, "prompts", {"loss_type": "dr_grpo", "scale_rewards": "none"}),
    "grpo-cispo": ("grpo", False, "prompts", {"loss_type": "cispo", "epsilon_high": 2.0, "num_iterations": 2}),
    "grpo-sequence-masked": (
        "grpo",
        False,
        "prompts",
        {
            "loss_type": "grpo",
            "importance_sampling_level": "sequence",
            "mask_truncated_completions": True,
            "num_iterations": 2,
            "temperature": 0.7,
        },
    ),
    "sdft-topk-full": ("sdft", True, "told", {}),
    "sdft-tail-live": (
        "sdft",
        False,
        "told",
        {
            "teacher_model_kind": "live",
            "distillation_topk": 20,
            "distillation_add_tail": True,
            "distillation_alpha": 0.3,
            "temperature": 0.7,
            "num_loss_tokens_to_skip": 2,
        },
    ),
    "sdft-sampled-ema-full": (
        "sdft",
        True,
        "told",
        {
            "teacher_model_kind": "ema",
            "teacher_update_rate": 0.3,
            "distillation_mode": "sampled_token",
            "distillation_alpha": 1.0,
            "per_device_train_batch_size": 2 * 4,
            "gradient_accumulation_steps": 2,
        },
    ),
    "sdft-logits-taught-full": (
        "sdft",
        True,
        "told",
        {
            "distillation_mode": "full_logits",
            "distillation_alpha": 1.0,
            "generate_from_teacher": True,
            "teacher_prompt_template": "{privileged_context} {{so}} {prompt}",
        },
    ),
    "sdpo-sampled-ema-full": ("sdpo", True, "prompts", {"teacher_update_rate": 0.3, "reward_weights": [1.5, 1.0]}),
    "sdpo-logits-live-blend": (
        "sdpo",
        False,
        "prompts",
        {
            "teacher_model_kind": "live",
            "distillation_mode": "full_logits",
            "distillation_alpha": 0.5,
            "distillation_weight": 0.6,
            "loss_type": "bnpo",
            "scale_rewards": "batch",
            "per_device_train_batch_size": 2 * 4,
            "gradient_accumulation_steps": 2,
            "success_reward_threshold": 0.9,
        },
    ),
    "sdpo-tail-told-full": (
        "sdpo",
        True,
        "told",
        {
            "teacher_model_kind": "base",
            "distillation_mode": "topk_logits",
            "distillation_topk": 20,
            "distillation_add_tail": True,
            "distillation_alpha": 0.3,
            "temperature": 0.7,
            "mask_truncated_completions": True,
            "dont_reprompt_on_self_success": False,
            "include_environment_feedback": True,
            "max_reprompt_len": 150,
        },
    ),
    "sdpo-sampled-told-blend": (
        "sdpo",
        False,
        "told",
        {
            "teacher_model_kind": "live",
            "distillation_weight": 0.3,
            "loss_type": "grpo",
            "mask_truncated_completions": True,
            "include_environment_feedback": True,
            "environment_feedback_only_without_solution": True,
            "reprompt_template": "{{{feedback}}} {solution}|{prompt}",
            "solution_template": "like {successful_previous_attempt}",
            "feedback_template": "told {feedback_raw}",
        },
    ),
    "sdpo-topk-told-full": (
        "sdpo",
        True,
        "told",
        {
            "teacher_model_kind": "ema",
            "teacher_sync_steps": 2,
            "teacher_update_rate": 0.5,
            "distillation_mode": "topk_logits",
            "distillation_topk": 8,
            "distillation_alpha": 0.0,
            "distillation_weight": 0.5,
            "loss_type": "dapo",
            "use_successful_as_teacher": False,
            "include_environment_feedback": True,
            "gradient_accumulation_steps": 2,
            "per_device_train_batch_size": 2 * 4,
        },
    ),
    "sdpo-policy": (
        "sdpo",
        False,
        "prompts",
        {"distillation_weight": 0.0, "loss_type": "dr_grpo", "teacher_model_kind": "live"},
    ),
}
COMPLETION = 10
GENERATIONS = 4


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


# Models

SHAPE = {
    "vocab_size": 260,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": None,
    "eos_token_id": 259,
    "pad_token_id": 256,
    "tie_word_embeddings": False,
}


def randomise(parameters, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in parameters:
            noise = torch.randn(p.shape, generator=generator)
            if "norm" in name:
                p.copy_(1 + 0.1 * noise)
            else:
                p.copy_(noise * (0.5 if "embed" in name else 0.8 / p.shape[-1] ** 0.5))


def make_models():
    for name, kind, seed in (("model", LlamaForCausalLM, 1), ("reward-model", LlamaForSequenceClassification, 2)):
        config = LlamaConfig(**SHAPE, **({"num_labels": 1} if name == "reward-model" else {}))
        model = kind(config).float()
        randomise(model.named_parameters(), seed)
        (OUT / name).mkdir()
        config.architectures = [kind.__name__]
        config.dtype = torch.float32
        config.save_pretrained(OUT / name)
        save_file(
            {n: p.detach().contiguous() for n, p in model.named_parameters()},
            OUT / name / "model.safetensors",
            {"format": "pt"},
        )
        task = "CAUSAL_LM" if name == "model" else "SEQ_CLS"
        lora = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type=task))
        randomise([(n, p) for n, p in lora.named_parameters() if p.requires_grad], seed + 10)
        folder = OUT / ("adapter-start" if name == "model" else "adapter-start-reward")
        lora.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
        told = json.loads((folder / "adapter_config.json").read_text())
        told["base_model_name_or_path"] = name
        told["target_modules"] = sorted(told["target_modules"])
        write_json(folder / "adapter_config.json", told)


def load(trainer, full):
    kind = LlamaForSequenceClassification if trainer == "reward" else LlamaForCausalLM
    name = "reward-model" if trainer == "reward" else "model"
    model = kind.from_pretrained(OUT / name, dtype=torch.float32)
    if full:
        return model
    adapter = "adapter-start-reward" if trainer == "reward" else "adapter-start"
    return PeftModel.from_pretrained(model, OUT / adapter, is_trainable=True)


# Rows: sums and orders of digits, written down by a seeded generator.


def rows(kind):
    draw = random.Random(kind)
    for _ in range(4 if kind in ("prompts", "told") else ROWS):
        digits = [draw.randrange(10) for _ in range(draw.randrange(2, 5))]
        shown = " ".join(map(str, digits))
        question = {"role": "user", "content": draw.choice(["Sum", "Sort ascending"]) + ": " + shown}
        right = str(sum(digits)) if question["content"][1] == "u" else " ".join(map(str, sorted(digits)))
        answer = {"role": "assistant", "content": right}
        wrong = {"role": "assistant", "content": shown[::-1] + "?"}
        yield {
            "text": lambda: {"text": question["content"] + " = " + right},
            "completion": lambda: {"prompt": [question], "completion": [answer]},
            "messages": lambda: {"messages": [question, answer, {"role": "user", "content": "Sure?"}, answer]},
            "pairs": lambda: {"prompt": [question], "chosen": [answer], "rejected": [wrong]},
            "labelled": lambda: {
                "prompt": [question],
                "completion": [answer if sum(digits) % 2 else wrong],
                "label": sum(digits) % 2 == 1,
            },
            "triples": lambda: {
                "prompt": [question],
                "reference": [{"role": "assistant", "content": "= " + right}],
                "chosen": [answer],
                "rejected": [wrong],
            },
            "prompts": lambda: {"prompt": [question]},
            "told": lambda: {"prompt": [question], "privileged_context": "It is " + right},
        }[kind]()


# Completions of GRPO: bytes by a seeded generator, most of them ended.


def completion(draw):
    ends = draw.random() < 0.8
    ids = [draw.randrange(32, 127) for _ in range(draw.randrange(1, COMPLETION) if ends else COMPLETION)]
    return ids + [259] if ends else ids


def low(completion_ids, **_):
    return [sum(t < 80 for t in ids) / len(ids) for ids in completion_ids]


def short(completion_ids, **_):
    return [1.0 if len(ids) < 6 else 0.0 for ids in completion_ids]


def run_grpo(model, args, dataset, tokenizer, folder):
    draw = random.Random(folder.name)
    recorded = []
    advantages = []

    class Recorded(GRPOTrainer):
        def _generate_single_turn(self, prompt_ids, *_, **__):
            made = [completion(draw) for _ in prompt_ids]
            recorded.append((prompt_ids, made))
            return made, None

        def _generate_and_score_completions(self, inputs):
            output = super()._generate_and_score_completions(inputs)
            advantages.append((inputs, output["advantages"].tolist()))
            return output

    grpo_trainer.shuffle_sequence_dict = lambda batch: batch  # micro-batches are those of the file's order
    trainer = Recorded(
        model=model, args=args, train_dataset=dataset, processing_class=tokenizer, reward_funcs=[low, short]
    )
    trainer.train()
    lines = []
    for generation, ((prompt_ids, made), (inputs, gained)) in enumerate(zip(recorded, advantages, strict=True)):
        for row, ids in enumerate(made):
            lines.append(
                {
                    "generation": generation,
                    "row": row,
                    "prompt": inputs[row]["prompt"],
                    "prompt_index": row // args.num_generations,
                    "prompt_ids": list(prompt_ids[row]),
                    "completion_ids": ids,
                    "rewards": {"low": low([ids])[0], "short": short([ids])[0]},
                    "completion": tokenizer.decode(ids, skip_special_tokens=True),
                    "advantage": gained[row],
                }
            )
    write_lines(folder / "rollouts.jsonl", lines)
    return trainer


def run_self(base, model, args, dataset, tokenizer, folder, **judges):
    draw = random.Random(folder.name)
    lines = []

    class Recorded(base):
        def _generate(self, prompt_ids):
            made = [completion(draw) for _ in prompt_ids]
            generation = lines[-1]["generation"] + 1 if lines else 0
            for row, ids in enumerate(made):
                lines.append(
                    {
                        "generation": generation,
                        "row": row,
                        "prompt_index": row // args.num_generations,
                        "prompt_ids": list(prompt_ids[row]),
                        "completion_ids": ids,
                        **({"rewards": {"low": low([ids])[0], "short": short([ids])[0]}} if judges else {}),
                    }
                )
            return prompt_ids, made

    trainer = Recorded(model=model, args=args, train_dataset=dataset, processing_class=tokenizer, **judges)
    trainer.train()
    write_lines(folder / "rollouts.jsonl", lines)
    return trainer


def configuration(trainer, options, scratch):
    given = {**COMMON, "output_dir": str(scratch), **options}
    if trainer in ("sdft", "sdpo"):
        given.pop("train_sampling_strategy")
        given = {
            "num_generations": GENERATIONS,
            "max_completion_length": COMPLETION,
            "shuffle_dataset": False,
            **given,
            "per_device_train_batch_size": options.get("per_device_train_batch_size", 4 * GENERATIONS),
        }
        return (SDFTConfig if trainer == "sdft" else SDPOConfig)(**given)
    if trainer == "grpo":
        given = {
            "num_generations": GENERATIONS,
            "max_completion_length": COMPLETION,
            "shuffle_dataset": False,
            "disable_dropout": True,
            **given,
            "per_device_train_batch_size": 4 * GENERATIONS,
        }
        return GRPOConfig(**given)
    given = {"max_length": 64, **given}
    if trainer == "sft":
        return SFTConfig(**given)
    kinds = {
        "dpo": DPOConfig,
        "kto": KTOConfig,
        "orpo": ORPOConfig,
        "cpo": CPOConfig,
        "tpo": TPOConfig,
        "reward": RewardConfig,
    }
    return kinds[trainer](**given)


def run(name, scratch):
    trainer_name, full, kind, options = CASES[name]
    folder = OUT / {"grpo": "rollouts", "sdft": "self", "sdpo": "self"}.get(trainer_name, "parity") / name
    folder.mkdir(parents=True)
    data = list(rows(kind))
    write_lines(folder / "data.jsonl", data)
    args = configuration(trainer_name, options, scratch)
    tokenizer = transformers.AutoTokenizer.from_pretrained(TOKENIZER)
    model = load(trainer_name, full)
    dataset = datasets.Dataset.from_list(data)
    transformers.set_seed(42)
    reference = None
    if trainer_name == "grpo":
        trainer = run_grpo(model, args, dataset, tokenizer, folder)
        reference = "copy-of-start-adapter" if args.beta else None
    elif trainer_name == "sdft":
        trainer = run_self(SDFTTrainer, model, args, dataset, tokenizer, folder)
    elif trainer_name == "sdpo":
        trainer = run_self(SDPOTrainer, model, args, dataset, tokenizer, folder, reward_funcs=[low, short])
    else:
        kinds = {
            "sft": SFTTrainer,
            "dpo": DPOTrainer,
            "kto": KTOTrainer,
            "orpo": ORPOTrainer,
            "cpo": CPOTrainer,
            "tpo": TPOTrainer,
            "reward": RewardTrainer,
        }
        trainer = kinds[trainer_name](model=model, args=args, train_dataset=dataset, processing_class=tokenizer)
        if trainer_name in ("dpo", "kto"):
            reference = "separate-model" if full else "copy-of-start-adapter"
        trainer.train()
    told = {
        "trainer": trainer_name,
        "model": "reward-model" if trainer_name == "reward" else "model",
        "adapter": None if full else ("adapter-start-reward" if trainer_name == "reward" else "adapter-start"),
        "reference": reference,
        **{key: getattr(args, key) for key in TOLD + TOLD_OF[trainer_name]},
    }
    if trainer_name in ("grpo", "sdpo"):
        told["reward_functions"] = ["low", "short"]
    write_json(folder / "config.json", plain(told))
    write_lines(folder / "expected.jsonl", list(steps(trainer, args)))
    write_json(folder / "expected-weights.json", dict(weights(trainer.model)))


def plain(value):
    """Enumerations as their values."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.value if hasattr(value, "value") else value


def steps(trainer, args):
    for log in trainer.state.log_history:
        if "loss" in log:
            step = log["step"]
            kept = {k: v for k, v in log.items() if k not in ("epoch", "step", "step_time") and isinstance(v, (int, float))}
            kept["learning_rate"] = args.learning_rate * (1 - (step - 1) / STEPS)  # the one that was used
            if kept.get("rewards/margins") == 0:
                kept.pop("rewards/accuracies", None)  # of ties, which rounding decides
            yield {"step": step, **kept}


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
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    make_models()
    for name in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            run(name, scratch)
    libraries = (torch, transformers, peft, trl, datasets)
    write_json(OUT / "versions.json", {m.__name__: m.__version__.split("+")[0] for m in libraries})


main()
