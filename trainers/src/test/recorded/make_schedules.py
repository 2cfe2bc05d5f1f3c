"""Records what PyTorch's and transformers' schedules make of given metrics. Writes
trainers/src/test/resources/recorded/schedules.json.

torch 2.15.0, transformers 5.24.0.
"""
import json
import pathlib
import random

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau
from transformers.optimization import GreedyLR

random.seed(7)
runs = []
for number in range(8):
    rate = 10 ** random.uniform(-6, -2)
    mode = random.choice(["min", "max"])
    settings = {
        "factor": random.uniform(0.5, 0.9),
        "patience": random.randint(0, 3),
        "threshold": random.choice([0, random.uniform(0, 0.1)]),
        "threshold_mode": random.choice(["rel", "abs"]),
        "cooldown": random.randint(0, 3),
        "min_lr": rate * random.uniform(0.1, 0.5),
    }
    metrics = [random.uniform(0, 2) for _ in range(30)]
    if number % 3 == 0:
        metrics = sorted(metrics, reverse=mode == "min")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    if number % 2:
        name, schedule = "reduce_lr_on_plateau", ReduceLROnPlateau(optimizer, mode=mode, **settings)
    else:
        settings |= {
            "warmup": random.randint(0, 3),
            "max_lr": rate * random.uniform(1, 5),
            "smooth": random.random() < 0.5,
            "window_size": random.randint(1, 6),
            "reset_start": random.randint(1, 4),
            "eps": 1e-12,
        }
        name, schedule = "greedy", GreedyLR(optimizer, mode=mode, **settings)
    rates = []
    for metric in metrics:
        schedule.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    runs.append(
        {
            "name": name,
            "settings": settings,
            "mode": mode,
            "learning_rate": rate,
            "metrics": metrics,
            "rates": rates,
        }
    )
path = pathlib.Path(__file__).parents[1] / "resources/recorded/schedules.json"
path.write_text(json.dumps(runs, indent=None) + "\n")
