"""Records the losses of TRL's XPO and Nash-MD trainers with their gradients, in float64, for `OnlineObjectiveTest`.

    python make_online_losses.py ../resources/recorded/online-losses.json

Needs a TRL that still has them (1.9), and torch.
"""

import json
import random
import sys
import types

import torch
from trl.experimental.nash_md import NashMDTrainer
from trl.experimental.xpo import XPOTrainer


def padded(rows):
    width = max(len(row) for row in rows)
    return torch.tensor([row + [0.0] * (width - len(row)) for row in rows], dtype=torch.float64)


def completion(rng):
    return [-rng.expovariate(0.7) for _ in range(rng.randint(1, 6))]


def around(rng, values):
    return [min(0.0, v + rng.gauss(0, 0.5)) for v in values]


def xpo(rng):
    own, other = completion(rng), completion(rng)
    case = {
        "method": "xpo",
        "loss_type": rng.choice(["sigmoid", "ipo"]),
        "beta": round(rng.uniform(0.01, 2), 3),
        "alpha": round(rng.uniform(0, 0.5), 4),
        "rewards": [round(rng.gauss(0, 1), 3), round(rng.gauss(0, 1), 3)],
        "policy": [own, other],
        "reference": [around(rng, own), around(rng, other)],
    }
    trainer = types.SimpleNamespace(
        args=types.SimpleNamespace(loss_type=case["loss_type"]), beta=case["beta"], alpha=case["alpha"]
    )
    policy = [padded([own]).requires_grad_(), padded([other]).requires_grad_()]
    reference = [padded([row]) for row in case["reference"]]
    chosen = torch.tensor([case["rewards"][0] >= case["rewards"][1]])
    loss, _, _ = XPOTrainer._compute_losses(trainer, policy[0], policy[1], reference[1], reference[0], chosen)
    loss.backward()
    return case | {"loss": loss.item(), "slopes": [p.grad[0].tolist() for p in policy]}


def nash(rng):
    own = completion(rng)
    case = {
        "method": "nash_md",
        "beta": round(rng.uniform(0.01, 2), 3),
        "rewards": [round(rng.gauss(0, 1), 3), round(rng.gauss(0, 1), 3)],
        "policy": [own],
        "reference": [around(rng, own)],
    }
    policy = padded([own]).requires_grad_()
    probability = torch.sigmoid(torch.tensor([case["rewards"][0] - case["rewards"][1]], dtype=torch.float64))
    trainer = types.SimpleNamespace(beta=case["beta"])
    loss, _, _ = NashMDTrainer._compute_losses(trainer, policy, padded(case["reference"]), probability)
    loss.backward()
    return case | {"loss": loss.item(), "slopes": [policy.grad[0].tolist()]}


def main():
    rng = random.Random(7)
    cases = [make(rng) for _ in range(20) for make in (xpo, nash)]
    with open(sys.argv[1], "w") as out:
        json.dump(cases, out, indent=0)


main()
