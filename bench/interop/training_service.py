"""Tinker's own client against `attune serve --tinker`.

    ./attune serve examples/model --dtype float32 --port 8900 --tinker out/tinker
    TINKER_BASE_URL=http://localhost:8900 ~/venv/bin/python bench/interop/training_service.py examples/model SEED

needs `pip install tinker torch transformers peft` and a server that runs. It compares losses, log-probabilities, gradient
norms and Adam steps with PyTorch's on random rows, resumes from a checkpoint, has two adapters trained in turn, learns
from labelled rows, and learns from rewards by importance sampling.
"""

import json
import os
import random
import sys
import urllib.request

os.environ.setdefault("TINKER_API_KEY", "tml-local")
os.environ.setdefault("TINKER_TELEMETRY", "0")

import numpy as np
import tinker
from tinker import types

MODEL = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
NAME = os.path.basename(MODEL)
with open(os.path.join(MODEL, "config.json")) as file:
    CONFIG = json.load(file)
END = CONFIG["eos_token_id"]
URL = os.environ["TINKER_BASE_URL"]
RNG = np.random.default_rng(SEED)
random.seed(SEED)


def ask(path, body):
    request = urllib.request.Request(
        URL + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "X-API-Key": os.environ["TINKER_API_KEY"]},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def prompt_ids(text):
    return ask("/tokenize", {"messages": [{"role": "user", "content": text}]})["tokens"]


def text_ids(text):
    return ask("/tokenize", {"prompt": text, "add_special_tokens": False})["tokens"]


def answer_of(sequence):
    ids = [i for i in sequence.tokens if i != END]
    return ask("/detokenize", {"tokens": ids})["prompt"].strip()


def random_rows(count, loss, vocabulary, longest=24):
    rows = []
    for _ in range(count):
        n = int(RNG.integers(2, longest))
        inputs = {"target_tokens": RNG.integers(0, vocabulary, n).astype(np.int64)}
        if loss == "cross_entropy":
            inputs["weights"] = RNG.random(n).astype(np.float32)
        else:
            inputs["logprobs"] = (-6 * RNG.random(n)).astype(np.float32)
            inputs["advantages"] = RNG.normal(size=n).astype(np.float32)
        rows.append(
            types.Datum(
                model_input=types.ModelInput.from_ints(RNG.integers(0, vocabulary, n).tolist()),
                loss_fn_inputs=inputs,
            )
        )
    return rows


SETTINGS = {
    "cross_entropy": None,
    "importance_sampling": None,
    "ppo": {"clip_low_threshold": 0.9, "clip_high_threshold": 1.3},
    "cispo": {"clip_low_threshold": 0.7, "clip_high_threshold": 1.4},
    "dro": {"beta": 0.1},
}


class Torch:
    """The adapter of a checkpoint, in PEFT."""

    def __init__(self, folder):
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(1)
        self.torch = torch
        base = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
        self.model = PeftModel.from_pretrained(base, folder, is_trainable=True)
        self.optimizer = None

    def parameters(self):
        return [p for p in self.model.parameters() if p.requires_grad]

    def loss(self, rows, name):
        torch = self.torch
        settings = SETTINGS[name] or {}
        total = 0
        said = []
        for row in rows:
            ids = torch.tensor([row.model_input.to_ints()])
            inputs = {k: torch.tensor(v.to_numpy()) for k, v in row.loss_fn_inputs.items()}
            logits = self.model(input_ids=ids).logits[0].float()
            lp = logits.log_softmax(-1).gather(1, inputs["target_tokens"][:, None])[:, 0]
            said.append(lp.detach().numpy())
            if name == "cross_entropy":
                total = total - (lp * inputs["weights"]).sum()
                continue
            a = inputs["advantages"]
            ratio = (lp - inputs["logprobs"]).exp()
            low, high = settings.get("clip_low_threshold", 0.8), settings.get("clip_high_threshold", 1.2)
            bounded = ratio.clamp(low, high)
            if name == "importance_sampling":
                total = total - (ratio * a).sum()
            elif name == "ppo":
                total = total - torch.minimum(ratio * a, bounded * a).sum()
            elif name == "cispo":
                total = total - (bounded.detach() * lp * a).sum()
            else:
                total = total - (lp * a - 0.5 * settings["beta"] * (lp - inputs["logprobs"]) ** 2).sum()
        return total, said

    def step(self, params):
        torch = self.torch
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(self.parameters(), lr=0)
        group = self.optimizer.param_groups[0]
        group.update(
            lr=params.learning_rate,
            betas=(params.beta1, params.beta2),
            eps=params.eps,
            weight_decay=params.weight_decay,
        )
        norm = torch.nn.utils.clip_grad_norm_(self.parameters(), params.grad_clip_norm or float("inf"))
        self.optimizer.step()
        self.optimizer.zero_grad()
        return norm.item()


def folder_of(path, root):
    run, kind, name = path.removeprefix("tinker://").split("/")
    return os.path.join(root, run.replace(":train:", "-"), kind, name, "adapter")


def compare(service, root, vocabulary):
    client = service.create_lora_training_client(base_model=NAME, rank=8, seed=SEED).result()
    begin = folder_of(client.save_state("begin").result().path, root)
    peer = Torch(begin)
    worst = {"loss": 0.0, "logprobs": 0.0, "grad_norm": 0.0}
    count = 0
    for step in range(6):
        for name in SETTINGS:
            rows = random_rows(int(RNG.integers(1, 12)), name, vocabulary)
            ours = client.forward_backward(rows, name, SETTINGS[name]).result()
            theirs, said = peer.loss(rows, name)
            theirs.backward()
            theirs = theirs.item()
            worst["loss"] = max(worst["loss"], abs(ours.metrics["loss:sum"] - theirs) / max(1, abs(theirs)))
            for out, own in zip(ours.loss_fn_outputs, said, strict=True):
                worst["logprobs"] = max(worst["logprobs"], (np.abs(out["logprobs"].to_numpy() - own) / np.maximum(1, np.abs(own))).max())
            count += len(rows)
        params = types.AdamParams(
            learning_rate=float(10 ** RNG.uniform(-4, -2.5)),
            beta1=float(RNG.uniform(0.8, 0.95)),
            beta2=float(RNG.uniform(0.9, 0.999)),
            eps=1e-8,
            weight_decay=float(RNG.choice([0.0, 0.1])),
            grad_clip_norm=float(RNG.choice([0.0, 1.0])),
        )
        norm = client.optim_step(params).result().metrics["grad_norm"]
        other = peer.step(params)
        worst["grad_norm"] = max(worst["grad_norm"], abs(norm - other) / other)
    from safetensors.numpy import load_file

    end = folder_of(client.save_state("end").result().path, root)
    first, last = (load_file(os.path.join(f, "adapter_model.safetensors")) for f in (begin, end))
    apart = moved = 0.0
    for key, value in peer.model.state_dict().items():
        name = key.replace(".default", "")
        if name in last and "lora_" in name:
            apart += ((last[name] - value.numpy()) ** 2).sum()
            moved += ((value.numpy() - first[name]) ** 2).sum()
    # Adam's first steps are as large where a gradient is all but zero, so single numbers may differ.
    apart = (apart / moved) ** 0.5
    shown = {key: f"{value:.1e}" for key, value in worst.items()}
    print(f"PyTorch: {count} rows, 6 steps of 5 losses; largest differences {shown}, of the way of the weights {apart:.1e}")
    assert max(worst.values()) < 1e-4 and apart < 1e-2
    return client


def resume(service, vocabulary):
    rows = [random_rows(4, "cross_entropy", vocabulary) for _ in range(6)]
    adam = types.AdamParams(learning_rate=1e-3)

    def train(client, some):
        for batch in some:
            client.forward_backward(batch, "cross_entropy")
            client.optim_step(adam)

    whole = service.create_lora_training_client(base_model=NAME, rank=4, seed=7).result()
    other = service.create_lora_training_client(base_model=NAME, rank=4, seed=8).result()  # in between
    train(whole, rows[:3])
    path = whole.save_state("half").result().path
    train(other, rows)
    train(whole, rows[3:])
    again = service.create_training_client_from_state_with_optimizer(path).result()
    train(again, rows[3:])
    ends = [c.forward(rows[0], "cross_entropy").result() for c in (whole, again)]
    apart = max(
        np.abs(a["logprobs"].to_numpy() - b["logprobs"].to_numpy()).max()
        for a, b in zip(ends[0].loss_fn_outputs, ends[1].loss_fn_outputs, strict=True)
    )
    print(f"resumed beside another adapter: largest difference {apart}")
    assert apart == 0


def question():
    digits = [random.randrange(10) for _ in range(4)]
    return "Sort ascending: " + " ".join(map(str, digits)), " ".join(map(str, sorted(digits)))


def answers(sampler, questions, samples, temperature):
    params = types.SamplingParams(max_tokens=12, temperature=temperature)
    futures = [
        sampler.sample(types.ModelInput.from_ints(prompt_ids(q)), num_samples=samples, sampling_params=params)
        for q, _ in questions
    ]
    return [f.result() for f in futures]


def accuracy(sampler, questions):
    right = 0
    for (_, answer), response in zip(questions, answers(sampler, questions, 1, 0.0), strict=True):
        right += answer_of(response.sequences[0]) == answer
    return right / len(questions)


def supervised(service, held_out):
    client = service.create_lora_training_client(base_model=NAME, rank=16, seed=SEED).result()
    before = accuracy(client.save_weights_and_get_sampling_client().result(), held_out)
    losses = []
    for _ in range(30):
        rows, weights = [], 0
        for _ in range(16):
            q, a = question()
            prompt, completion = prompt_ids(q), text_ids(a) + [END]
            ids = prompt + completion
            rows.append((ids, [0.0] * (len(prompt) - 1) + [1.0] * len(completion)))
            weights += len(completion)
        data = [
            types.Datum(
                model_input=types.ModelInput.from_ints(ids[:-1]),
                loss_fn_inputs={
                    "target_tokens": np.array(ids[1:], np.int64),
                    "weights": np.array(w, np.float32) / weights,
                },
            )
            for ids, w in rows
        ]
        future = client.forward_backward(data, "cross_entropy")
        client.optim_step(types.AdamParams(learning_rate=2e-3))
        losses.append(future.result().metrics["loss:sum"])
    after = accuracy(client.save_weights_and_get_sampling_client().result(), held_out)
    print(f"supervised: loss {np.mean(losses[:5]):.3f} to {np.mean(losses[-5:]):.3f}, greedy accuracy {before:.2f} to {after:.2f}")
    assert after > before + 0.2


def rewarded(service, held_out):
    client = service.create_lora_training_client(base_model=NAME, rank=16, seed=SEED).result()
    before = accuracy(client.save_weights_and_get_sampling_client().result(), held_out)
    rewards, ratios = [], []
    for _ in range(25):
        sampler = client.save_weights_and_get_sampling_client().result()
        questions = [question() for _ in range(12)]
        data = []
        for (q, answer), response in zip(questions, answers(sampler, questions, 8, 1.0), strict=True):
            prompt = prompt_ids(q)
            own = [float(answer_of(s) == answer) for s in response.sequences]
            rewards.append(np.mean(own))
            for sequence, reward in zip(response.sequences, own, strict=True):
                tokens, n = list(sequence.tokens), len(sequence.tokens)
                pad = len(prompt) - 1
                data.append(
                    types.Datum(
                        model_input=types.ModelInput.from_ints(prompt + tokens[:-1]),
                        loss_fn_inputs={
                            "target_tokens": np.array([0] * pad + tokens, np.int64),
                            "logprobs": np.array([0.0] * pad + list(sequence.logprobs), np.float32),
                            "advantages": np.array([0.0] * pad + [(reward - np.mean(own)) / 96] * n, np.float32),
                        },
                    )
                )
        future = client.forward_backward(data, "importance_sampling")
        client.optim_step(types.AdamParams(learning_rate=2e-3))
        for datum, out in zip(data, future.result().loss_fn_outputs, strict=True):
            drawn = datum.loss_fn_inputs["logprobs"].to_numpy()
            ratios.append(np.abs((out["logprobs"].to_numpy() - drawn)[drawn != 0]).max())
    after = accuracy(client.save_weights_and_get_sampling_client().result(), held_out)
    print(
        f"rewards: mean {np.mean(rewards[:36]):.2f} to {np.mean(rewards[-36:]):.2f}, greedy accuracy {before:.2f} to"
        f" {after:.2f}; sampler and trainer differ by {max(ratios):.1e} in log-probability"
    )
    assert after > before + 0.2 and max(ratios) < 1e-3


def refused(service):
    client = service.create_lora_training_client(base_model=NAME, rank=2, seed=1).result()
    row = types.Datum(
        model_input=types.ModelInput.from_ints([1, 2]),
        loss_fn_inputs={"target_tokens": np.array([1, 99999]), "weights": np.array([1.0, 1.0], np.float32)},
    )
    try:
        client.forward_backward([row], "cross_entropy").result()
        raise AssertionError("an id outside the vocabulary was taken")
    except tinker.BadRequestError as e:
        print("refused:", e)
    # The training goes on behind it.
    client.optim_step(types.AdamParams()).result()


def main():
    root = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("TINKER_FOLDER", "out/tinker")
    service = tinker.ServiceClient()
    print(tinker.RestClient().get_server_capabilities().result())
    vocabulary = CONFIG["vocab_size"]
    refused(service)
    compare(service, root, vocabulary)
    resume(service, vocabulary)
    held_out = [question() for _ in range(40)]
    supervised(service, held_out)
    rewarded(service, held_out)
    sampler = service.create_sampling_client(base_model=NAME).result()
    prompt = types.ModelInput.from_ints(prompt_ids("Sort ascending: 3 1 2 4"))
    told = sampler.compute_logprobs(prompt).result()
    assert told[0] is None and len(told) == prompt.length and all(v < 0 for v in told[1:])
    service.close("success").result()


if __name__ == "__main__":
    main()
