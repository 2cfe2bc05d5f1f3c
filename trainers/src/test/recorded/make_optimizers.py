"""Records small runs of optimizers that the shared fixtures lack. Writes
trainers/src/test/resources/recorded/optimizers.json.

torch 2.15.0, schedulefree 1.4.1, bitsandbytes 0.50.2 (formulas on the CPU). Muon's iteration runs in
float32 here. Eight-bit levels are the nearest ones: bitsandbytes' CPU code takes others at times.
"""
import inspect
import json
import pathlib

import bitsandbytes as bnb
import bitsandbytes.backends.cpu.ops as cpu_ops
import schedulefree
import torch
import torch.optim._muon as muon

source = inspect.getsource(muon._zeropower_via_newtonschulz)
exec(source.replace("torch.bfloat16", "torch.float32"), muon.__dict__)


def encode(numbers, levels, sizes, codes, block):
    rows = numbers.reshape(-1, block)
    largest = rows.abs().max(1).values
    scaled = (rows / largest[:, None]).reshape(-1)
    codes.copy_(torch.bucketize(scaled, (levels[:-1] + levels[1:]) / 2).to(torch.uint8).view(codes.shape))
    sizes.copy_(largest)


cpu_ops._quant_blockwise_fp32_direct = encode
torch.manual_seed(5)
# Larger than 4095 numbers, so that eight bits are used; only the first 12 are written.
shapes = {"wide": [64, 64], "tall": [6, 3], "vector": [4]}
steps = 4


def inputs(name, step):
    """Numbers that Java makes too."""
    count = torch.Size(shapes[name]).numel()
    i = torch.arange(count, dtype=torch.float64)
    return (torch.sin(i * 0.7 + step * 1.3) * (1 + i % 5) * 0.1).to(torch.float32).reshape(shapes[name])


runs = {
    "bitsandbytes.AdamW8bit": (bnb.optim.AdamW8bit, dict(lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)),
    "bitsandbytes.Lion8bit": (bnb.optim.Lion8bit, dict(lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)),
    "bitsandbytes.AdEMAMix": (
        bnb.optim.AdEMAMix,
        dict(lr=0.01, betas=(0.9, 0.99, 0.999), alpha=4, eps=1e-8, weight_decay=0.1, t_alpha=3, t_beta3=6),
    ),
    "schedulefree.AdamWScheduleFree": (
        schedulefree.AdamWScheduleFree,
        dict(lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1, warmup_steps=2, r=0.5),
    ),
    "schedulefree.SGDScheduleFree": (
        schedulefree.SGDScheduleFree,
        dict(lr=0.1, momentum=0.8, weight_decay=0.1, warmup_steps=0, weight_lr_power=1.5),
    ),
    "torch.Muon": (torch.optim.Muon, dict(lr=0.02, weight_decay=0.1, adjust_lr_fn="original")),
}
recorded = []
for name, (make, settings) in runs.items():
    weights = {n: torch.nn.Parameter(inputs(n, 9)) for n in shapes}
    if name == "torch.Muon":
        optimizers = [
            make([weights["wide"], weights["tall"]], **settings),
            torch.optim.AdamW([weights["vector"]], lr=settings["lr"], weight_decay=settings["weight_decay"]),
        ]
    else:
        optimizers = [make(list(weights.values()), **settings)]
    free = name.startswith("schedulefree")
    for step in range(steps):
        for n, p in weights.items():
            p.grad = inputs(n, step)
        for optimizer in optimizers:
            if free:
                optimizer.train()
            optimizer.step()
    run = {"optimiser": name, "settings": settings}
    run["values"] = {n: p.detach().reshape(-1)[:12].tolist() for n, p in weights.items()}
    if free:
        optimizers[0].eval()
        run["result"] = {n: p.detach().reshape(-1)[:12].tolist() for n, p in weights.items()}
    recorded.append(run)
path = pathlib.Path(__file__).parents[1] / "resources/recorded/optimizers.json"
path.write_text(json.dumps({"steps": steps, "shapes": shapes, "runs": recorded}, indent=1) + "\n")
