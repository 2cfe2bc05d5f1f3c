#!/usr/bin/env python3
"""Makes random tiny models and adapters and records what transformers and PEFT compute with them.

    python3 bench/interop/make.py FOLDER --models 100 --adapters 60 --seed 1

README.md beside this script tells how Attune is compared with them. The files have the form of the recorded ones
(src/test/recorded/README.md).
"""

import argparse
import json
import random
import shutil
import traceback
import warnings
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, logging

import adapters
import families
import wide

LEAST_GAP = 0.02  # between the best two logits on a greedy way: below, its ids would be luck
LEAST_ROUTE = 1e-4  # between the last expert that is taken and the next


def fill(model, seed):
    generator = torch.Generator().manual_seed(seed)

    def noise(p):
        return torch.randn(p.shape, generator=generator)

    with torch.no_grad():
        for name, p in list(model.named_parameters()) + list(model.named_buffers()):
            if not p.is_floating_point() or "inv_freq" in name or "embed_scale" in name:
                continue
            if p.dim() < 2 or "A_log" in name:
                if name in dict(model.named_buffers()) and "bias" not in name:
                    continue
                p.add_(0.2 * noise(p))
            elif "embed" in name or "wte" in name:
                p.copy_(0.7 * noise(p))
            elif "conv1d" in name or name.endswith("conv.weight"):
                p.copy_(0.5 * noise(p))
            else:
                p.copy_(1.1 * noise(p) / p.shape[-1] ** 0.5)


def loss_of(logits, ids):
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


def greedy(model, rng, vocabulary):
    """A prompt and what follows, as far as the best logit leads clearly."""
    best = ([], [])
    for _ in range(12):
        prompt = [rng.randrange(2, vocabulary) for _ in range(6)]
        ids = []
        while len(ids) < 14:
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([prompt + ids]), use_cache=False).logits[0, -1]
            top = logits.topk(2).values
            if top[0] - top[1] < LEAST_GAP:
                break
            ids.append(int(logits.argmax()))
        if len(ids) > len(best[1]):
            best = (prompt, ids)
        if len(ids) == 14:
            break
    if not best[1]:
        raise ValueError("each first token is one by luck")
    return {"prompt_ids": best[0], "ids": best[1]}


def gradients(model, folder, limit, rng):
    """Gradients under the names of the file, of tensors that the file holds as the model does."""
    with safe_open(folder / "model.safetensors", "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None and shapes.get(n) == list(p.shape)}
    names = sorted(found)
    kinds = {}
    for name in names:
        kind = ".".join(part for part in name.split(".") if not part.isdigit())
        kinds.setdefault(kind, []).append(name)
    chosen = [rng.choice(kind) for kind in kinds.values()]
    return {"grad." + n: found[n].contiguous() for n in chosen[:limit]}


def legacy(config):
    """The configuration as checkpoints of before transformers 5 have it, where that is plain."""
    rope = config.get("rope_parameters")
    old = {k: v for k, v in config.items() if k not in ("rope_parameters", "dtype")}
    if isinstance(rope, dict) and {"full_attention", "sliding_attention"} <= rope.keys():
        if rope["sliding_attention"]["rope_type"] != "default":
            return None  # which the older style can't say
        old["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    if not isinstance(rope, dict) or "rope_type" not in rope:
        return None
    rope = dict(rope)
    old["rope_theta"] = rope.pop("rope_theta", 10000.0)
    if "partial_rotary_factor" in rope:
        share = rope.pop("partial_rotary_factor")
        old["rotary_pct" if config["model_type"] == "gpt_neox" else "partial_rotary_factor"] = share
        if config["model_type"] == "gpt_neox":
            old["rotary_emb_base"] = old.pop("rope_theta")
    old["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    old["torch_dtype"] = "float32"
    return old


def routes_clearly(model, ids):
    """Whether no token chooses its experts by luck."""
    with torch.no_grad():
        try:
            out = model(input_ids=ids, output_router_logits=True, use_cache=False)
        except TypeError:
            return True
    taken = getattr(model.config, "num_experts_per_tok", None)
    for logits in getattr(out, "router_logits", None) or ():
        if taken and logits.dim() == 2 and logits.shape[-1] > taken:
            top = logits.topk(taken + 1).values
            if (top[:, taken - 1] - top[:, taken]).min() < LEAST_ROUTE:
                return False
    return True


def learns_steadily(model, ids, logits, seed):
    """Whether changes of weights by the last bits of float32 change as little: else two libraries may differ as much."""
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    kept = {n: p.detach().clone() for n, p in model.named_parameters()}
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1 + 3e-7 * torch.randn(p.shape, generator=generator))
    model.zero_grad()
    again = model(input_ids=ids, use_cache=False).logits
    loss_of(again, ids).backward()
    steady = (again - logits).abs().max() < 3e-5
    with torch.no_grad():
        for n, p in model.named_parameters():
            if n in found:
                steady = steady and ((p.grad - found[n]).abs() < 5e-6 + 1.5e-5 * found[n].abs()).all()
                p.grad.copy_(found[n])
            p.copy_(kept[n])
    return bool(steady)


def build(family, keys, seed):
    config = AutoConfig.for_model(family, **keys)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float().eval()
    fill(model, seed)
    return model


def record(folder, family, rng):
    keys = families.draw(rng, family)
    if ARGS.wide:
        keys = wide.draw(rng, family, keys)
    model = build(family, keys, rng.randrange(1 << 30))
    ids = torch.tensor([[rng.randrange(2, keys["vocab_size"]) for _ in range(21)] for _ in range(2)])
    if not routes_clearly(model, ids):
        raise ValueError("an expert is chosen by luck")
    grabbed = {}
    hook = model.get_output_embeddings().register_forward_pre_hook(lambda m, a: grabbed.update(hidden=a[0].detach()))
    logits = model(input_ids=ids, use_cache=False).logits
    hook.remove()
    if not torch.isfinite(logits).all() or logits.abs().max() > 60:
        raise ValueError(f"logits up to {logits.abs().max():.3g}")
    loss = loss_of(logits, ids)
    loss.backward()
    if not learns_steadily(model, ids, logits.detach(), rng.randrange(1 << 30)):
        raise ValueError("logits or gradients depend on the last bits")
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    old = legacy(config)
    if old:
        (folder / "config.legacy.json").write_text(json.dumps(old, indent=1))
    tensors = {"input_ids": ids, "logits": logits.detach().contiguous(), "hidden": grabbed["hidden"].contiguous()}
    tensors |= gradients(model, folder, 30, rng)
    save_file(tensors, folder / "expected.safetensors")
    expected = {"loss": loss.item(), "greedy": greedy(model, rng, keys["vocab_size"]), "keys": keys}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1).replace("Infinity", "1e999"))


def attempt(what, folder, make, rng, failures):
    """Runs make until it gives a whole folder; draws that fail count as one failure."""
    last = None
    for _ in range(8):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            make(folder, rng)
            return True
        except Exception as e:  # the library refuses some draws
            last = e
    shutil.rmtree(folder, ignore_errors=True)
    failures.append(f"{what}: {type(last).__name__}: {str(last)[:200]}")
    if ARGS.trace:
        traceback.print_exception(last)
    return False


def main():
    rng = random.Random(ARGS.seed)
    torch.set_num_threads(1)
    torch.manual_seed(ARGS.seed)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    names = sorted(ARGS.families.split(",")) if ARGS.families else sorted(families.FAMILIES)
    failures = []
    for i in range(ARGS.models):
        family = names[i % len(names)]
        folder = ARGS.folder / "engine/models" / f"{family}-{i:03d}"
        attempt(family, folder, lambda f, r: record(f, family, r), rng, failures)
    models = sorted(p for p in (ARGS.folder / "engine/models").iterdir())
    print(f"{len(models)} models of {ARGS.models}")
    for place, make in (("adapters", adapters.record), ("asked", adapters.ask)):
        made = 0
        for i in range(ARGS.adapters):
            base = models[rng.randrange(len(models))]
            kind = adapters.KINDS[i % len(adapters.KINDS)]
            folder = ARGS.folder / "engine" / place / f"{kind}-{base.name}-{i:03d}"
            made += attempt(f"{kind} on {base.name}", folder, lambda f, r: make(f, base, kind, r), rng, failures)
        print(f"{made} {place} of {ARGS.adapters}")
    for failure in failures:
        print("not made:", failure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--adapters", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--families", help="only these, with commas between")
    parser.add_argument("--wide", action="store_true", help="options that are seldom seen, too")
    parser.add_argument("--trace", action="store_true")
    ARGS = parser.parse_args()
    main()
