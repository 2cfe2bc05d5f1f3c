"""Numbers of transformers + PEFT that Attune's are compared with, on the same device.

    parity.py record WORK --device DEVICE [--small]                 a random Llama, its logits, greedy tokens and an adapter's losses
    parity.py compare WORK --device DEVICE --runs THERE CPU --logs FOLDER    a Markdown table

Everything random comes from one seed; the model's weights are float32.
"""
import argparse
import json
import os
import re

os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

parser = argparse.ArgumentParser()
parser.add_argument("action", choices=("record", "compare"))
parser.add_argument("work")
parser.add_argument("--device", default="cuda")
parser.add_argument("--small", action="store_true")
parser.add_argument("--runs", nargs=2)
parser.add_argument("--logs")
args = parser.parse_args()
place = "cpu" if args.device == "simulated" else args.device  # Attune's simulated GPU is the processor
STEPS, RATE, NEW, ROWS = 8, 1e-3, 16, 4


def path(name):
    return os.path.join(args.work, name)


def words(ids):
    return " ".join(f"w{i}" for i in ids)


def model_folder():
    """A Llama with random weights, and a tokenizer whose words are w3, w4, ..."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(7)
    width, inner, depth, heads, kv_heads, vocabulary = (64, 128, 2, 4, 2, 300) if args.small else (576, 1536, 6, 9, 3, 4096)
    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=inner, num_hidden_layers=depth, num_attention_heads=heads,
        num_key_value_heads=kv_heads, max_position_embeddings=4096, bos_token_id=None, eos_token_id=1, pad_token_id=0,
        tie_word_embeddings=False, initializer_range=0.08,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(path("model"))
    vocab = {("<pad>", "<end>", "<unknown>")[i] if i < 3 else f"w{i}": i for i in range(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<unknown>"
    ).save_pretrained(path("model"))
    return vocabulary


def load(dtype="float32"):
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path("model"), dtype=getattr(torch, dtype), attn_implementation="sdpa").to(place)


def losses(rows):
    """Losses of an adapter with random matrices, all rows in every step; saves what it starts from."""
    import torch
    from peft import LoraConfig, get_peft_model

    modules = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, task_type="CAUSAL_LM", target_modules=modules)
    model = get_peft_model(load(), lora)
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_B" in name:
                p.copy_(0.02 * torch.randn(p.shape, generator=generator))
    model.save_pretrained(path("adapter"))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE, weight_decay=0.0)
    ids = torch.tensor([r["prompt_ids"] + r["completion_ids"] + [1] for r in rows], device=place)
    labels = ids.clone()
    labels[:, : len(rows[0]["prompt_ids"])] = -100
    found = []
    for _ in range(STEPS):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        found.append(loss.item())
    return found


def record():
    import torch
    from safetensors.torch import save_file

    vocabulary = model_folder()
    length = 24 if args.small else 192
    ids = torch.randint(3, vocabulary, (ROWS, length), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model = load()
        exact = model(ids.to(place)).logits.float().cpu()
        greedy = model.generate(
            ids[:, :16].to(place), attention_mask=torch.ones_like(ids[:, :16]).to(place), max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False
        )
        rounded = load("bfloat16")(ids.to(place)).logits.float().cpu()
    save_file({"input_ids": ids, "logits": exact.contiguous()}, path("expected.safetensors"))
    half = length // 2
    rows = [{"prompt_ids": r[:half].tolist(), "completion_ids": r[half:].tolist()} for r in ids]
    with open(path("rows.jsonl"), "w") as file:
        for r in rows:
            file.write(json.dumps({"prompt": words(r["prompt_ids"]), "completion": " " + words(r["completion_ids"])}) + "\n")
    with open(path("prompts.jsonl"), "w") as file:
        for r in ids:
            file.write(json.dumps({"prompt": words(r[:16].tolist())}) + "\n")
    recorded = {
        "bfloat16": (rounded - exact).abs().max().item(),
        "greedy": [words(g) for g in greedy[:, 16:].tolist()],
        "losses": losses(rows),
    }
    with open(path("recorded.json"), "w") as file:
        json.dump(recorded, file)
    keys = {
        "model_name_or_path": path("model"), "adapter_name_or_path": path("adapter"), "datasets": path("rows.jsonl"), "dtype": "float32",
        "max_steps": STEPS, "per_device_train_batch_size": ROWS, "gradient_accumulation_steps": 1, "learning_rate": RATE, "lr_scheduler_type": "constant",
        "logging_steps": 1, "save_strategy": '"no"', "max_length": 4096,
    }  # fmt: skip
    with open(path("sft.yaml"), "w") as file:
        file.writelines(f"{key}: {value}\n" for key, value in keys.items())
    print("recorded", sorted(os.listdir(args.work)))


def logged(name):
    text = open(os.path.join(args.logs, name + ".log")).read()
    return float(re.search(r"largest difference: (\S+)", text).group(1))


def run_losses(folder):
    with open(os.path.join(folder, "metrics.jsonl")) as file:
        return [row["loss"] for row in map(json.loads, file) if "loss" in row]


def furthest(a, b):
    assert len(a) == len(b) == STEPS, (a, b)
    return max(abs(x - y) for x, y in zip(a, b))


def compare():
    recorded = json.load(open(path("recorded.json")))
    with open(path("greedy.jsonl")) as file:
        said = [row["completion"].split() for row in map(json.loads, file)]
    expected = [text.split() for text in recorded["greedy"]]
    equal = sum(x == y for a, b in zip(said, expected) for x, y in zip(a, b))
    there, here = (run_losses(folder) for folder in args.runs)
    rounding = max(2 * recorded["bfloat16"], 1e-3)
    rows = [
        ("logits in float32, largest difference", logged("logits-float32"), 1e-3),
        ("logits in bfloat16, largest difference to float32", logged("logits-bfloat16"), rounding),
        ("the same of transformers", recorded["bfloat16"], None),
        ("an adapter's losses in 8 steps, largest difference to PEFT's", furthest(there, recorded["losses"]), 2e-3),
        ("the same to Attune's on the processor", furthest(there, here), 2e-3),
        (f"greedy tokens unlike transformers', of {ROWS * NEW}", ROWS * NEW - equal, ROWS * NEW // 8),
    ]
    print(f"| on {args.device} | value | accepted up to | |\n|---|---|---|---|")
    for name, value, most in rows:
        verdict = "" if most is None else "ok" if value <= most else "TOO FAR"
        print(f"| {name} | {value:.3g} | {'' if most is None else f'{most:.3g}'} | {verdict} |")
    print(f"losses: PEFT {recorded['losses'][0]:.5f} ... {recorded['losses'][-1]:.5f}, Attune {there[0]:.5f} ... {there[-1]:.5f}")
    return all(most is None or value <= most for _, value, most in rows)


if args.action == "record":
    record()
elif not compare():
    raise SystemExit(1)
