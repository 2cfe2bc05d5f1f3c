#!/usr/bin/env python3
"""Records what TRL's IW-OPD makes of random log-probabilities: loss, derivatives, metrics.

    python3 trainers/src/test/recorded/make_iw_opd.py trainers/src/test/resources/recorded/iw-opd.json

needs torch and trl.
"""

import collections
import json
import sys
import types

import torch
from trl.experimental.iw_opd.iw_opd_trainer import IWOPDTrainer

VOCABULARY = 7
cases = []
for seed, (gamma, epsilon, temperature) in enumerate([(0.5, 1e-8, 1.0), (2.0, 1e-8, 0.7), (0.0, 1e-8, 1.0), (0.5, 30.0, 1.3)]):
    generator = torch.Generator().manual_seed(seed)
    lengths = [4, 1, 6]
    logits = torch.randn(3, 6, VOCABULARY, generator=generator, dtype=torch.float64).mul(2).requires_grad_()
    tokens = torch.randint(VOCABULARY, (3, 6), generator=generator)
    labels = torch.where(torch.arange(6) < torch.tensor(lengths)[:, None], tokens, -100)
    teacher = torch.randn(3, 6, generator=generator, dtype=torch.float64).abs().neg() * 3
    trainer = types.SimpleNamespace(
        temperature=temperature,
        iw_opd_gamma=gamma,
        iw_opd_epsilon=epsilon,
        model=types.SimpleNamespace(training=True),
        _metrics={"train": collections.defaultdict(list)},
    )
    items = 5 * (seed % 2) + 11
    student = torch.log_softmax(logits / temperature, -1)
    student.retain_grad()
    loss = IWOPDTrainer._compute_iw_opd_loss(trainer, student * temperature, tokens, labels, teacher, num_items_in_batch=items)
    loss.backward()
    # By the log-probabilities that were taken, since log_softmax changes normalised ones no more.
    taken = torch.log_softmax(logits / temperature, -1).gather(-1, tokens[..., None])[..., 0].detach().requires_grad_()
    cases.append(
        {
            "gamma": gamma,
            "epsilon": epsilon,
            "denominator": items,
            "student": [taken[i, :n].tolist() for i, n in enumerate(lengths)],
            "teacher": [teacher[i, :n].tolist() for i, n in enumerate(lengths)],
            "loss": loss.item(),
            # the derivative by a logit that wasn't taken is that by the log-probability times -q
            "slopes": [
                [
                    (-student.grad[i, t, (tokens[i, t] + 1) % VOCABULARY] / torch.exp(student[i, t, (tokens[i, t] + 1) % VOCABULARY])).item()
                    for t in range(n)
                ]
                for i, n in enumerate(lengths)
            ],
            "metrics": {k: v[0] for k, v in trainer._metrics["train"].items()},
        }
    )
with open(sys.argv[1], "w") as out:
    json.dump(cases, out, indent=1)
    out.write("\n")
