"""TRL's GRPO with a calculator as tool: MODEL ROWS STEPS OUT. Prints the seconds of each step."""

import json
import os
import re
import sys
import time

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

model, rows, steps, out = sys.argv[1:5]
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))


def calculator(expression: str) -> str:
    """Computes an expression.

    Args:
        expression: The expression, as 12*7+5.
    """
    if not re.fullmatch(r"[0-9+*()\- ]+", expression):
        raise ValueError("not an expression")
    return str(eval(expression))


def answer_reward(completions, answer, **_):
    last = [completion[-1] for completion in completions]
    return [float(m["role"] == "assistant" and m["content"].strip() == a) for m, a in zip(last, answer)]


class Clock(TrainerCallback):
    def on_step_begin(self, *_, **__):
        self.begin = time.time()

    def on_step_end(self, *_, **__):
        print("\nstep_seconds", time.time() - self.begin, flush=True)


GRPOTrainer(
    model=AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
    processing_class=AutoTokenizer.from_pretrained(model),
    reward_funcs=answer_reward,
    tools=[calculator],
    train_dataset=Dataset.from_list([json.loads(line) for line in open(rows, encoding="utf-8")]),
    peft_config=LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        task_type="CAUSAL_LM",
    ),
    callbacks=[Clock()],
    args=GRPOConfig(
        output_dir=out,
        per_device_train_batch_size=32,
        num_generations=8,
        max_completion_length=192,
        max_tool_calling_iterations=3,
        max_steps=int(steps),
        learning_rate=1e-4,
        lr_scheduler_type="constant",
        loss_type="dr_grpo",
        beta=0.0,
        bf16=True,
        gradient_checkpointing=True,
        use_cpu=True,
        seed=1,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
    ),
).train()
