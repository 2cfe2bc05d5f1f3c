"""The parts of bench/pictures/run in Python.

pictures.py make FOLDER                       a random model of SmolVLM-256M's shape, pictures and rows
pictures.py clock COMMAND...                  runs a command that prints "step ..." at the end of each step
pictures.py trl METHOD FOLDER ROWS STEPS OUT  the same steps by TRL; from the environment DTYPE, EDGE, NEW, TARGETS

`clock` and `trl` print `step_seconds` and processor seconds of all threads, a line for each step.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

PICTURES = 16
TOKENS = {"text-512": 67, "text-2048": 863}  # of a picture by EDGE, its marks among them; rows of text are as long
NEW = int(os.environ.get("NEW", "32"))  # of a completion
REWARDED = "[0-4]$"  # about every other completion of random tokens
TEMPLATE = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}: {% for p in m['content'] %}"
    "{% if p['type'] == 'text' %}{{ p['text'] }}{% else %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def tokenizer():
    """Bytes, and words that stand for themselves alone, so that random ids have a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
    special += [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    words += [f"Ġw{i}" for i in range(49280 - len(words) - len(special))]
    fast = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, []))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, bos_token="<|im_start|>", eos_token="<end_of_utterance>", pad_token="<|pad|>", chat_template=TEMPLATE
    )


def make_model(folder):
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessorPil, Idefics3Processor

    torch.manual_seed(0)
    words = tokenizer()
    ids = {n: words.convert_tokens_to_ids(t) for n, t in [("pad_token_id", "<|pad|>"), ("bos_token_id", "<|im_start|>"), ("eos_token_id", "<end_of_utterance>")]}
    text = {"model_type": "llama", "vocab_size": 49280, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30}
    text |= {"num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5}
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 100000.0}, "tie_word_embeddings": True}
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 512, "patch_size": 16}
    image = words.convert_tokens_to_ids("<image>")
    config = Idefics3Config(text_config=text | ids, vision_config=vision, image_token_id=image, scale_factor=4, tie_word_embeddings=True, **ids)
    model = Idefics3ForConditionalGeneration(config).to(torch.bfloat16)
    model.generation_config.pad_token_id = ids["pad_token_id"]
    model.save_pretrained(folder)
    images = Idefics3ImageProcessorPil(size={"longest_edge": 2048}, max_image_size={"longest_edge": 512})
    Idefics3Processor(images, words, image_seq_len=64, chat_template=TEMPLATE).save_pretrained(folder)


def make_rows(folder):
    from PIL import Image, ImageDraw

    rng = random.Random(1)
    files = {name: [] for name in ("grpo", "sft", *TOKENS)}
    for i in range(PICTURES):
        picture = Image.new("RGB", (640, 480), "white")
        draw = ImageDraw.Draw(picture)
        for _ in range(60):
            x, y, size = rng.randrange(600), rng.randrange(440), rng.randrange(10, 90)
            draw.ellipse((x, y, x + size, y + size), fill=tuple(rng.randrange(256) for _ in range(3)))
        picture.save(folder / f"picture-{i}.png")
        say = {"type": "text", "text": "Describe what you see."}
        answer = "".join(rng.choice("abcdefghij klmnop") for _ in range(100))
        user = {"role": "user", "content": [{"type": "image"}, say]}
        completion = [{"role": "assistant", "content": [{"type": "text", "text": answer}]}]
        files["grpo"].append({"images": [f"picture-{i}.png"], "prompt": [user]})
        files["sft"].append({"images": [f"picture-{i}.png"], "prompt": [user], "completion": completion})
        for name, tokens in TOKENS.items():
            more = "".join(rng.choice("abcdefghij klmnop") for _ in range(tokens))
            long = {"role": "user", "content": [{"type": "text", "text": more}, say]}
            files[name].append({"prompt": [long], "completion": completion})
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def trl(method, folder, rows, steps, out):
    import re

    import torch
    from datasets import Dataset
    from datasets import Image as Column
    from datasets import Sequence
    from peft import LoraConfig
    from transformers import AutoProcessor, Idefics3ForConditionalGeneration, Idefics3ImageProcessorPil, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.begin = time.time(), time.process_time()

        def on_step_end(self, *_, **__):
            print("\nstep_seconds", time.time() - self.begin[0], time.process_time() - self.begin[1], flush=True)

    def reward(completions, **_):
        return [float(bool(re.search(REWARDED, c[0]["content"] if isinstance(c[0]["content"], str) else c[0]["content"][0]["text"]))) for c in completions]

    data = Dataset.from_list([json.loads(line) for line in (folder / f"{rows}.jsonl").read_text().splitlines()])
    if "images" in data.column_names:
        data = data.map(lambda row: {"images": [str(folder / name) for name in row["images"]]})
        data = data.cast_column("images", Sequence(Column()))
    images = Idefics3ImageProcessorPil(size={"longest_edge": int(os.environ["EDGE"])}, max_image_size={"longest_edge": 512})
    processor = AutoProcessor.from_pretrained(folder / "model", image_processor=images)
    processor.image_processor = images
    model = Idefics3ForConditionalGeneration.from_pretrained(folder / "model", dtype=getattr(torch, os.environ["DTYPE"]))
    common = dict(
        output_dir=out, max_steps=steps, learning_rate=1e-4, lr_scheduler_type="constant", use_cpu=True, bf16=False, logging_steps=1, save_strategy="no",
        report_to=[], seed=1, disable_tqdm=True, gradient_checkpointing=False, max_grad_norm=1.0,
    )
    if method == "grpo":
        kind = GRPOTrainer
        extra = {"reward_funcs": reward}
        args = GRPOConfig(
            per_device_train_batch_size=32, num_generations=8, max_completion_length=NEW, beta=0.0, shuffle_dataset=False,
            generation_kwargs={"min_new_tokens": NEW}, **common,
        )
    else:
        kind = SFTTrainer
        extra = {}
        args = SFTConfig(per_device_train_batch_size=4, max_length=None, **common)
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=os.environ["TARGETS"], task_type="CAUSAL_LM")
    trainer = kind(model=model, args=args, train_dataset=data, processing_class=processor, peft_config=lora, callbacks=[Clock()], **extra)
    trainer.train()
    losses = [(x.get("loss"), x.get("reward")) for x in trainer.state.log_history if "loss" in x]
    print("loss, reward:", losses)


def clock(command):
    """Seconds and processor seconds between the lines that tell a step's end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=True)

    def used():
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == process.pid:  # the group
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    last = None
    for line in process.stdout:
        print(line, end="", flush=True)
        if line.startswith("step ") or "trainable parameters" in line:
            now = time.time(), used()
            if last and line.startswith("step "):
                print("step_seconds", now[0] - last[0], now[1] - last[1], flush=True)
            last = now
    sys.exit(process.wait())


if __name__ == "__main__":
    if sys.argv[1] == "make":
        made = Path(sys.argv[2])
        made.mkdir(parents=True, exist_ok=True)
        make_model(made / "model")
        make_rows(made)
    elif sys.argv[1] == "clock":
        clock(sys.argv[2:])
    elif sys.argv[1] == "trl":
        trl(sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]), sys.argv[6])
    else:
        sys.exit(__doc__)
