"""Records the loss of TRL's AsyncDistillationTrainer on random teachers that tell some tokens of each place.

    make_served.py CASES SEED OUT.json

Needs torch and TRL 1.16. A case has logits of a student, what a server tells of a teacher (its likeliest tokens, and the
one that was written), the options, the loss summed over places, and its gradient.
"""

import json
import random
import sys

import torch
from trl.experimental.async_distillation import async_distillation_trainer as trl

VOCABULARY = 9


def rounded(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def case(rng):
    places, top = rng.randint(1, 3), rng.randint(1, 4)
    beta = rng.choice([0.0, 0.0, 0.3, 0.5, 1.0])
    tail = rng.random() < 0.7 or beta == 1 or (beta == 0 and top == 1)
    scale = rng.choice([0.5, 2.0, 6.0])
    student = torch.tensor(rounded(torch.randn(places, VOCABULARY) * scale)).view(places, VOCABULARY)
    teacher = (torch.randn(places, VOCABULARY) * scale).log_softmax(-1)
    written = torch.randint(VOCABULARY, (places,))
    logps, ids = teacher.topk(top)
    wide_ids = torch.full((places, top + 1), -1)
    wide_logps = torch.full((places, top + 1), float("-inf"))
    for i in range(places):
        told = ids[i].tolist()
        if written[i].item() not in told:
            told.append(written[i].item())
        wide_ids[i, : len(told)] = torch.tensor(told)
        wide_logps[i, : len(told)] = teacher[i, told]
    targets, target_logps, valid = wide_ids, wide_logps, wide_ids != -1
    beside = beta == 0 and rng.random() < 0.5
    if beta == 0 and not beside:  # as ServerDistillationTrainer
        targets, target_logps, valid = ids, logps, torch.ones_like(ids, dtype=torch.bool)
    elif beta > 0:
        targets, target_logps, valid = trl._narrow_top1_actual_support(wide_ids, wide_logps, written, valid, beta)
    z = student.clone().requires_grad_(True)
    loss = trl._chunked_jsd_loss(
        z, torch.eye(VOCABULARY), None, 1.0, None, targets, target_logps, valid, beta, 1.0, tail, None, 1, 256
    )[0]
    loss.backward()
    return {
        "beta": beta,
        "loss_top_k": top,
        "loss_add_tail": tail,
        "compared_tokens": "written" if beside else None,
        "student_logits": [rounded(row) for row in student],
        "ids": [row.tolist() for row in ids],
        "logprobs": [rounded(row) for row in logps],
        "written": written.tolist(),
        "written_logprobs": rounded(teacher.gather(-1, written[:, None])),
        "loss": loss.item(),
        "gradients": [rounded(row) for row in z.grad],
    }


def main():
    count, seed, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    torch.manual_seed(seed)
    rng = random.Random(seed)
    with open(out, "w") as file:
        json.dump([case(rng) for _ in range(count)], file)


if __name__ == "__main__":
    main()
