#!/usr/bin/env python3
"""Records what TRL's ULDLoss makes of random logits: values, and gradients with respect to the student's logits.

    python3 src/test/recorded/make_spans.py FILE COUNT

needs torch and trl (1.16). Each line is a case: what both read, how spans are compared, and what comes out.
"""

import json
import random
import sys
from types import SimpleNamespace

import torch
from trl.experimental.gold.gold_trainer import ULDLoss

torch.set_num_threads(1)


class Tokens:
    """Tokens of a vocabulary: some have the name that they have in the other one."""

    def __init__(self, names):
        self.names = names

    def get_vocab(self):
        return {name: i for i, name in enumerate(self.names)}


def ends(draw, size, length):
    """Where tokens end: not falling, most of them at the text's end with the last one."""
    inner = sorted(draw.randrange(0, length + 1) for _ in range(size - 1))
    return [*inner, length if draw.random() < 0.8 else max([0, *inner])]


def rounded(tensor):
    return [float(f"{v:.6g}") for v in tensor.flatten().tolist()]


def case(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)
    own, theirs = draw.randrange(3, 9), draw.randrange(3, 9)
    s, t = draw.randrange(1, 8), draw.randrange(1, 8)
    length = draw.randrange(1, 10)
    shared = draw.randrange(0, min(own, theirs) + 1)
    names = [f"n{i}" for i in range(shared)]
    student = draw.sample(names + [f"s{i}" for i in range(own - shared)], own)
    teacher = draw.sample(names + [f"t{i}" for i in range(theirs - shared)], theirs)
    fixed = draw.random() < 0.5
    config = SimpleNamespace(
        uld_crossentropy_weight=0.0,
        uld_distillation_weight=1.0,
        uld_student_temperature=draw.choice([1.0, 0.7, 2.0]),
        uld_teacher_temperature=draw.choice([1.0, 0.5, 1.5]),
        uld_skip_student_eos=False,
        uld_skip_teacher_eos=False,
        use_extended_uld=draw.random() < 0.8,
        uld_token_merge_strategy=draw.choice(["observed", "bayesian"]),
        uld_use_hybrid_loss=shared > 0 and draw.random() < 0.6,
        uld_hybrid_matched_weight=0.3 if fixed else None,
        uld_hybrid_unmatched_weight=1.2 if fixed else None,
        beta=draw.choice([0.0, 1.0, 0.5, 0.2]),
    )
    loss = ULDLoss(config, Tokens(student), Tokens(teacher), "cpu")
    scale = draw.choice([1, 3, 12])
    z = torch.tensor(rounded(scale * torch.randn(1, s + 2, own))).reshape(1, s + 2, own).requires_grad_()
    y = torch.tensor(rounded(scale * torch.randn(1, t + 2, theirs))).reshape(1, t + 2, theirs)
    own_ids = torch.tensor([[0, 0] + [draw.randrange(own) for _ in range(s)]])
    their_ids = torch.tensor([[0, 0] + [draw.randrange(theirs) for _ in range(t)]])
    own_ends, their_ends = ends(draw, s, length), ends(draw, t, length)
    offsets = [torch.tensor([[[0, 0]] * 2 + [[0, e] for e in e_]]) for e_ in (own_ends, their_ends)]
    labels = []
    for ids in (own_ids, their_ids):
        label = ids.clone()
        label[:, :2] = -100
        labels.append(label)
    value = loss(z, y, *labels, own_ids, their_ids, *offsets)
    value.backward()
    bayesian = config.uld_token_merge_strategy == "bayesian"
    first = 1 if bayesian else 2
    matched = None
    if config.uld_use_hybrid_loss:
        theirs_of = sorted(loss._vocab_mapping)
        share = len(theirs_of) / theirs
        matched = {
            "student": [loss._vocab_mapping[i] for i in theirs_of],
            "teacher": theirs_of,
            "beta": config.beta,
            "weight": 0.3 if fixed else share,
            "other_weight": 1.2 if fixed else 1 - share,
        }
    return {
        "last": bayesian,
        "by_text": config.use_extended_uld,
        "student_temperature": config.uld_student_temperature,
        "teacher_temperature": config.uld_teacher_temperature,
        "matched": matched,
        "student": {"logits": rounded(z[0, first : first + s]), "ids": own_ids[0, 2:].tolist(), "ends": own_ends},
        "teacher": {"logits": rounded(y[0, first : first + t]), "ids": their_ids[0, 2:].tolist(), "ends": their_ends},
        "value": value.item(),
        "gradient": [float(f"{v:.5g}") for v in z.grad[0, first : first + s].flatten().tolist()],
    }


def main():
    file, count = sys.argv[1], int(sys.argv[2])
    with open(file, "w") as out:
        for seed in range(count):
            out.write(json.dumps(case(seed)) + "\n")


main()
