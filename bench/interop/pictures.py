#!/usr/bin/env python3
"""Makes random tiny models that see pictures and records what transformers computes with them.

    python3 bench/interop/pictures.py FOLDER --models 20 --seed 1 [--families qwen2_vl,paligemma]

README.md beside this script tells how Attune is compared with them.
"""

import argparse
import json
import random
import shutil
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText, logging
from transformers.models.llava_next.modeling_llava_next import select_best_resolution

LEAST_GAP = 0.02  # between the best two logits on a greedy way: below, its ids would be luck
SMALL = 2000  # numbers of a tensor whose gradient is recorded whole
GATED = ["silu", "gelu", "gelu_pytorch_tanh"]
PLAIN = ["quick_gelu", "gelu", "gelu_pytorch_tanh"]


def fill(model, generator):
    def noise(p):
        return torch.randn(p.shape, generator=generator)

    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() < 2:
                p.add_(0.2 * noise(p))
            elif "embed_tokens" in name or "position" in name or "pos_embed" in name:
                p.copy_(0.5 * noise(p))
            else:
                p.copy_(noise(p) / p[0].numel() ** 0.5)


def sections(rng, half, interleaved):
    """How many frequencies take times, rows and columns."""
    if interleaved:
        side = half // 3
        return [half - 2 * side, side, side]
    first = rng.randint(1, half - 2)
    second = rng.randint(1, half - first - 1)
    return [first, second, half - first - second]


def text(rng, **more):
    heads = rng.choice([2, 3, 4])
    head_dim = rng.choice([8, 12, 16])
    return {
        "vocab_size": rng.randrange(60, 140),
        "hidden_size": heads * head_dim,
        "intermediate_size": rng.choice([20, 36, 48]),
        "num_hidden_layers": rng.choice([2, 3]),
        "num_attention_heads": heads,
        "num_key_value_heads": rng.choice([g for g in (1, 2, 3, 4) if heads % g == 0]),
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "bos_token_id": None,
        "eos_token_id": 1,
        "pad_token_id": 0,
    } | more


def qwen(rng, family):
    """Configuration, special ids, and what the model gets of a picture."""
    c = text(rng, hidden_act="silu")
    three = family == "qwen3_vl"
    head_dim = rng.choice([8, 12, 16]) if three else c["hidden_size"] // c["num_attention_heads"]
    rope = {"rope_type": "default", "rope_theta": rng.choice([500.0, 10000.0, 1e6]), "mrope_section": sections(rng, head_dim // 2, three)}
    if three:
        c |= {"head_dim": head_dim, "attention_bias": rng.random() < 0.3}
        rope["mrope_interleaved"] = True
    c["rope_parameters"] = rope
    heads = rng.choice([2, 3])
    width = heads * rng.choice([8, 12])
    merge = rng.choice([2, 2, 3])
    patch = rng.choice([2, 3, 4])
    depth = rng.choice([2, 3, 4])
    times = rng.choice([1, 2, 2])
    vision = {"depth": depth, "num_heads": heads, "patch_size": patch, "spatial_merge_size": merge, "temporal_patch_size": times, "in_channels": 3}
    if family == "qwen2_vl":
        vision |= {"embed_dim": width, "hidden_size": c["hidden_size"], "mlp_ratio": rng.choice([2, 3]), "hidden_act": rng.choice(PLAIN)}
    else:
        vision |= {"hidden_size": width, "out_hidden_size": c["hidden_size"], "intermediate_size": rng.choice([20, 36])}
        vision["hidden_act"] = rng.choice(PLAIN[1:] if three else GATED)
    if family == "qwen2_5_vl":
        vision["window_size"] = patch * merge * rng.choice([1, 2, 3])
        vision["fullatt_block_indexes"] = sorted(rng.sample(range(depth), rng.randint(0, depth - 1)))
    if three:
        vision["num_position_embeddings"] = rng.choice([4, 5, 7]) ** 2
        most = min(depth, c["num_hidden_layers"])
        vision["deepstack_visual_indexes"] = sorted(rng.sample(range(depth), rng.randint(1, most)))
    v = c["vocab_size"]
    keys = {
        "text_config": c,
        "vision_config": vision,
        "image_token_id": v - 1,
        "video_token_id": v - 2,
        "vision_start_token_id": v - 3,
        "vision_end_token_id": v - 4,
        "tie_word_embeddings": rng.random() < 0.3,
    }
    grid = [1, merge * rng.randint(1, 5), merge * rng.randint(1, 5)]
    count = grid[1] * grid[2]
    picture = {"pixel_values": noise(rng, count, 3 * times * patch * patch), "image_grid_thw": torch.tensor([grid])}
    return keys, v - 1, v - 4, picture, count // merge**2


def noise(rng, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(rng.randrange(1 << 30)))


def tiles(rng, kind):
    """An encoder of square tiles."""
    heads = rng.choice([2, 3])
    patch = rng.choice([2, 4])
    return {
        "model_type": kind,
        "hidden_size": heads * rng.choice([8, 12]),
        "intermediate_size": rng.choice([20, 36]),
        "num_hidden_layers": rng.choice([2, 3, 4]),
        "num_attention_heads": heads,
        "image_size": patch * rng.choice([2, 3, 4]),
        "patch_size": patch,
        "hidden_act": rng.choice(PLAIN),
    } | ({"vision_use_head": False} if kind.startswith("siglip") else {"projection_dim": 8})


def llava(rng, family):
    onevision = family == "llava_onevision"
    c = text(rng, model_type=rng.choice(["llama", "mistral", "qwen2"]), hidden_act="silu")
    clip = not onevision if rng.random() < 0.8 else onevision
    vision = tiles(rng, "clip_vision_model" if clip else "siglip_vision_model")
    side = vision["image_size"]
    pinpoints = [[side * a, side * b] for a in (1, 2, 3) for b in (1, 2, 3) if rng.random() < 0.5] or [[side, 2 * side]]
    v = c["vocab_size"]
    keys = {
        "text_config": c,
        "vision_config": vision,
        "image_token_index": v - 1,
        "image_grid_pinpoints": pinpoints,
        "vision_feature_layer": -rng.randint(1, vision["num_hidden_layers"]),
        "vision_feature_select_strategy": "default" if clip else "full",
        "multimodal_projector_bias": rng.random() < 0.7,
        "projector_hidden_act": rng.choice(["gelu", "gelu_pytorch_tanh"]),
        "tie_word_embeddings": rng.random() < 0.3,
    }
    if onevision:
        keys["vision_aspect_ratio"] = f"anyres_max_{rng.choice([1, 1, 2, 9])}"
        keys["video_token_index"] = v - 2
    size = [rng.randint(3, 60), rng.randint(3, 60)]
    best = select_best_resolution(size, pinpoints)
    grid = [best[0] // side, best[1] // side]
    picture = {"pixel_values": noise(rng, 1, grid[0] * grid[1] + 1, 3, side, side), "image_sizes": torch.tensor([size])}
    return keys, v - 1, v - 4, picture, torch.tensor(grid)


def paligemma(rng, family):
    kind = rng.choice(["gemma", "gemma2", "gemma2"])
    c = text(rng, model_type=kind, head_dim=rng.choice([8, 12, 16]), hidden_activation="gelu_pytorch_tanh", use_bidirectional_attention=True)
    if kind == "gemma2":
        kinds = [rng.choice(["full_attention", "sliding_attention"]) for _ in range(c["num_hidden_layers"])]
        c |= {"layer_types": kinds, "sliding_window": rng.choice([3, 6, 9, 64]), "query_pre_attn_scalar": rng.choice([10, 16])}
        c |= {"attn_logit_softcapping": rng.choice([2.0, 5.0]), "final_logit_softcapping": rng.choice([3.0, 30.0])}
    vision = tiles(rng, "siglip_vision_model")
    v = c["vocab_size"]
    keys = {"text_config": c, "vision_config": vision, "image_token_index": v - 1, "projection_dim": c["hidden_size"], "hidden_size": c["hidden_size"]}
    side = vision["image_size"]
    picture = {"pixel_values": noise(rng, 1, 3, side, side)}
    return keys, v - 1, v - 4, picture, (side // vision["patch_size"]) ** 2


FAMILIES = {
    "qwen2_vl": qwen,
    "qwen2_5_vl": qwen,
    "qwen3_vl": qwen,
    "llava_next": llava,
    "llava_onevision": llava,
    "paligemma": paligemma,
}


def old_style(config):
    """Qwen's configurations as checkpoints of before transformers 5 have them."""
    if config["model_type"] not in ("qwen2_vl", "qwen2_5_vl"):
        return None
    inner = dict(config["text_config"])
    rope = inner.pop("rope_parameters")
    kept = {k: v for k, v in inner.items() if k not in ("model_type", "dtype", "layer_types", "tie_word_embeddings")}
    old = kept | {k: v for k, v in config.items() if k not in ("text_config", "dtype")}
    return old | {"rope_theta": rope["rope_theta"], "rope_scaling": {"type": "mrope", "mrope_section": rope["mrope_section"]}, "torch_dtype": "float32"}


def features(model, picture):
    found = model.model.get_image_features(**picture, return_dict=True)
    pooled = found.pooler_output
    pooled = pooled[0] if isinstance(pooled, (list, tuple)) else pooled.flatten(0, -2)
    deep = [d[0] if isinstance(d, (list, tuple)) else d for d in getattr(found, "deepstack_features", None) or []]
    return pooled, deep


def record(folder, family, rng):
    keys, image, most, picture, extra = FAMILIES[family](rng, family)
    config = AutoConfig.for_model(family, **keys)
    model = AutoModelForImageTextToText.from_config(config, attn_implementation="eager").float().eval()
    fill(model, torch.Generator().manual_seed(rng.randrange(1 << 30)))
    with torch.no_grad():
        seen, deep = features(model, picture)
    whole = family == "paligemma"

    def words(count):
        return [rng.randrange(2, most) for _ in range(count)]

    def given(ids, prompt):
        """What the model gets of a text, whose first tokens are the prompt."""
        types = torch.tensor([[int(i == image) for i in ids]])
        if whole:
            return picture | {"token_type_ids": torch.tensor([[int(i >= prompt) for i in range(len(ids))]])}
        return picture | ({"mm_token_type_ids": types} if "image_grid_thw" in picture else {})

    question = ([] if whole else words(rng.randint(1, 6))) + [image] * len(seen) + words(rng.randint(2, 6))
    ids = question + words(rng.randint(3, 9))
    first = len(question) if whole else 1  # target that counts

    def run():
        grabbed = {}
        hook = model.get_output_embeddings().register_forward_pre_hook(lambda m, a: grabbed.update(hidden=a[0].detach()))
        logits = model(input_ids=torch.tensor([ids]), use_cache=False, **given(ids, len(question))).logits[0]
        hook.remove()
        said = logits.log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
        loss = -said[first - 1 :].mean()
        model.zero_grad()
        loss.backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        return grabbed["hidden"][0], said.detach(), loss.item(), gradients, logits.abs().max().item()

    hidden, said, loss, gradients, largest = run()
    if not torch.isfinite(said).all() or largest > 40 or hidden.abs().max() > 60 or seen.abs().max() > 60:
        raise ValueError(f"logits up to {largest:.3g}")
    kept = {n: p.detach().clone() for n, p in model.named_parameters()}
    generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1 + 2e-7 * torch.randn(p.shape, generator=generator))
    again = run()
    steady = (again[1] - said).abs().max() < 3e-5 and (again[0] - hidden).abs().max() < 3e-5
    for n, g in gradients.items():
        steady = steady and ((again[3][n] - g).abs() < 4e-6 + 3e-5 * g.abs()).all()
    if not steady:
        raise ValueError("log-probabilities or gradients depend on the last bits")
    with torch.no_grad():
        for n, p in model.named_parameters():
            p.copy_(kept[n])
    answer = []
    while len(answer) < 12:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([question + answer]), use_cache=False, **given(question + answer, len(question))).logits[0, -1]
        top = logits.topk(2)
        if top.values[0] - top.values[1] < LEAST_GAP or int(top.indices[0]) >= most:
            break
        answer.append(int(top.indices[0]))
    if not answer:
        raise ValueError("the first token is one by luck")
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    old = old_style(config)
    if old:
        (folder / "config.legacy.json").write_text(json.dumps(old, indent=1))
    in_file = {t.numpy().tobytes(): n for n, t in load_file(folder / "model.safetensors").items()}
    names = {n: in_file[p.detach().contiguous().numpy().tobytes()] for n, p in model.named_parameters()}
    tensors = {
        "one.input_ids": torch.tensor([ids]),
        "one.image_features": seen,
        "one.hidden": hidden,
        "one.target_logprobs": said,
        "greedy.prompt": torch.tensor([question]),
    }
    tensors |= {f"one.deepstack_features.{i}": d for i, d in enumerate(deep)}
    tensors |= {"one." + n: t for n, t in (picture | given(ids, len(question))).items()}
    if "image_sizes" in picture:
        tensors["one.tiles"] = extra
    tensors |= {"one.grad." + names[n]: g for n, g in gradients.items() if g.numel() < SMALL and g.abs().max() > 0}
    save_file({n: t.detach().contiguous().clone() for n, t in tensors.items()}, folder / "expected.safetensors")
    norms = {names[n]: g.norm().item() for n, g in gradients.items()}
    expected = {"cases": {"one": {"loss": loss, "grad_l2": norms}}, "greedy": {"ids": answer}, "keys": keys}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))


def ways(model):
    """Adapters that train what sees whole (`modules_to_save`), and what learns a low-rank update beside it."""
    ends = [n for n, _ in model.named_modules()]
    projector = next(e for e in ("connector", "multi_modal_projector", "merger") if any(n.endswith(e) for n in ends))
    encoder = next(e for e in ("vision_model", "vision_tower", "visual") if any(n.split(".")[-1] == e for n in ends))
    inner = next(n for n, m in model.named_modules() if f".{projector}." in n and isinstance(m, (torch.nn.Linear, torch.nn.LayerNorm)) or n.endswith("mm_soft_emb_norm"))
    yield "projection", [projector], r".*(language_model|text_model).*\.(q|v)_proj"
    yield "projection-all", [projector], "all-linear"
    yield "encoder", [encoder], r".*(language_model|text_model).*\.(q|v)_proj"
    yield "inner", [".".join(inner.split(".")[-2:])], r".*(language_model|text_model).*\.(q|v)_proj"


def record_adapters(base, root, rng):
    """Adapters of PEFT on a model's folder, and what it computes with them."""
    import peft

    def load():
        return AutoModelForImageTextToText.from_pretrained(base, attn_implementation="eager", dtype=torch.float32).eval()

    inputs = {n.removeprefix("one."): t for n, t in load_file(base / "expected.safetensors").items() if n.startswith("one.")}
    given = {n: inputs[n] for n in ("pixel_values", "image_grid_thw", "image_sizes", "mm_token_type_ids", "token_type_ids", "pixel_attention_mask") if n in inputs}
    ids = inputs["input_ids"].reshape(1, -1)
    first = int((inputs["token_type_ids"] == 0).sum()) if "paligemma" in base.name else 1
    for way, whole, targets in ways(load()):
        folder = root / f"{base.name}-{way}"
        shutil.rmtree(folder, ignore_errors=True)
        config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=targets, modules_to_save=whole)
        adapted = peft.get_peft_model(load(), config)
        generator = torch.Generator().manual_seed(rng.randrange(1 << 30))
        with torch.no_grad():
            for name, p in adapted.named_parameters():
                if p.requires_grad:
                    p.add_(0.05 * torch.randn(p.shape, generator=generator))
        adapted.save_pretrained(folder)
        adapted = peft.PeftModel.from_pretrained(load(), folder, is_trainable=True).eval()
        logits = adapted(input_ids=ids, use_cache=False, **given).logits[0]
        said = logits.log_softmax(-1)[:-1].gather(1, ids[0, 1:, None])[:, 0]
        loss = -said[first - 1 :].mean()
        loss.backward()
        norms = {n.replace(".default", ""): p.grad.norm().item() for n, p in adapted.named_parameters() if p.grad is not None}
        save_file({"one.target_logprobs": said.detach().contiguous()}, folder / "expected.safetensors")
        expected = {"base": f"models/{base.name}", "loss": loss.item(), "grad_l2": norms}
        (folder / "expected.json").write_text(json.dumps(expected, indent=1))


def main():
    rng = random.Random(ARGS.seed)
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    root = ARGS.folder / "vision/models"
    shutil.rmtree(ARGS.folder / "vision", ignore_errors=True)
    for family in ARGS.families.split(",") if ARGS.families else FAMILIES:
        made, last = 0, None
        for i in range(ARGS.models):
            folder = root / f"{family}-{i:03d}"
            for _ in range(12):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                try:
                    record(folder, family, rng)
                    made += 1
                    last = None
                    break
                except Exception as e:  # luck, or the library refuses a draw
                    last = e
            if last is not None:
                shutil.rmtree(folder, ignore_errors=True)
                print(f"not made: {family}: {type(last).__name__}: {str(last)[:200]}")
                if ARGS.trace:
                    raise last
        print(f"{family}: {made} models of {ARGS.models}")
    given = sorted(p.parent for p in ARGS.recorded.glob("models/*/config.json")) if ARGS.recorded else []
    for folder in given:
        root.mkdir(parents=True, exist_ok=True)
        (root / folder.name).symlink_to(folder.resolve())
    if given:
        (root.parent / "images").symlink_to((ARGS.recorded / "images").resolve())
    for folder in sorted(root.iterdir()) if ARGS.adapters else []:
        record_adapters(folder, root.parent / "adapters", rng)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--adapters", action="store_true", help="of PEFT too, which train what sees whole; needs peft")
    parser.add_argument("--recorded", type=Path, help="a folder of recorded models, whose adapters are drawn too")
    parser.add_argument("--families", help="only these, with commas between")
    parser.add_argument("--trace", action="store_true")
    ARGS = parser.parse_args()
    main()
