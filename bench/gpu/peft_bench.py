"""transformers + PEFT on the work of `attune bench sft|generate|prefill`, on the same device. Prints a line RESULT {...}.

Training: LoRA on all linear layers, no dropout, AdamW, attention by SDPA, rows of equal length in one batch. Generation: every
sequence to its full length, sampled at temperature 1. --compile compiles the model, with a static cache to generate.
"""
import argparse
import json
import os
import resource
import time

os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("task", choices=("sft", "generate", "prefill"))
for name in ("model", "rows-file", "device", "dtype"):
    parser.add_argument("--" + name)
for name in ("rank", "warm-up", "steps", "batch", "length", "prompt", "new"):
    parser.add_argument("--" + name, type=int)
parser.add_argument("--compile", action="store_true")
args = parser.parse_args()

name = args.device
if name == "auto":
    name = "cuda" if torch.cuda.is_available() else "cpu"
device = torch.device("cpu" if name == "simulated" else name)  # Attune's simulated GPU is the processor
dtype = args.dtype
if dtype == "auto":
    with_bfloat16 = device.type == "cuda" or name == "simulated" or "avx512_bf16" in open("/proc/cpuinfo").read()
    dtype = "bfloat16" if with_bfloat16 else "float32"
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, dtype), attn_implementation="sdpa").to(device)


def finish():
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def lora():
    from peft import LoraConfig, get_peft_model

    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    return get_peft_model(
        model, LoraConfig(r=args.rank, lora_alpha=2 * args.rank, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=modules)
    )


def sft():
    """Steps of an adapter, or of all weights with rank 0; seconds of each."""
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    rows = [json.loads(line) for line in open(args.rows_file)]
    texts = [tokenizer(r["prompt"] + r["completion"])["input_ids"] + [tokenizer.eos_token_id] for r in rows]
    ids = torch.tensor([t[: args.length] for t in texts])
    labels = ids.clone()
    labels[:, : args.prompt] = -100  # prompts aren't learned
    trained = lora() if args.rank else model
    trained.train()
    optimizer = torch.optim.AdamW([p for p in trained.parameters() if p.requires_grad], lr=1e-4, fused=device.type == "cuda")
    run = torch.compile(trained) if args.compile else trained
    seconds, tokens, losses = [], 0, []
    for step in range(args.warm_up + args.steps):
        picked = torch.arange(step * args.batch, (step + 1) * args.batch) % len(ids)
        finish()
        start = time.perf_counter()
        loss = run(input_ids=ids[picked].to(device), labels=labels[picked].to(device)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        finish()
        seconds.append(time.perf_counter() - start)
        tokens += picked.numel() * ids.shape[1]
    measured = args.steps * args.batch * ids.shape[1]
    return {
        "tok_s": tokens / sum(seconds),
        "measured_tok_s": measured / sum(seconds[args.warm_up :]),
        "seconds_per_step": seconds,
        "losses": losses,
    }


def generate():
    """Seconds of prompts alone, and with the new tokens after them."""
    trained = lora() if args.rank else model
    trained.eval()
    ids = torch.randint(3, model.config.vocab_size, (args.batch, args.prompt), device=device)
    mask = torch.ones_like(ids)
    options = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "pad_token_id": 0, "attention_mask": mask}
    if args.compile:
        options["cache_implementation"] = "static"

    def seconds(new):
        finish()
        start = time.perf_counter()
        with torch.no_grad():
            trained.generate(input_ids=ids, max_new_tokens=new, min_new_tokens=new, **options)
        finish()
        return time.perf_counter() - start

    for _ in range(args.warm_up):
        seconds(args.new)
        seconds(1)
    prefill = min(seconds(1) for _ in range(args.steps))
    result = {"prefill_tok_s": args.batch * args.prompt / prefill}
    if args.task == "generate":
        whole = min(seconds(args.new) for _ in range(args.steps))
        result["decode_tok_s"] = args.batch * (args.new - 1) / max(1e-9, whole - prefill)
        result["seconds_per_step"] = [whole] * (args.warm_up + args.steps)
    return result


result = sft() if args.task == "sft" else generate()
result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if device.type == "cuda":
    result["peak_device_mb"] = torch.cuda.max_memory_reserved(device) / (1 << 20)
print("RESULT " + json.dumps(result))
