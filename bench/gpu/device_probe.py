"""PyTorch's side of `attune bench device`: what a call costs, copies, products. Prints a line RESULT {...}."""
import argparse
import json
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cuda")
parser.add_argument("--size", type=int, default=4096)
args = parser.parse_args()
# Attune's simulated GPU computes on the processor.
device = torch.device("cpu" if args.device == "simulated" else args.device)
CALLS, ROUNDS = 1000, 5


def finish():
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def best(work):
    work()
    finish()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        finish()
        times.append(time.perf_counter() - start)
    return min(times)


def calls():
    for _ in range(CALLS):
        x.mul_(one)


def waits():
    for i in range(CALLS // 10):
        torch.tensor([float(i)], dtype=torch.float64, device=device).item()


figures = {}
with torch.no_grad():
    x, one = torch.ones(16, device=device), torch.ones(16, device=device)
    figures["a call of an operator, µs"] = best(calls) / CALLS * 1e6
    figures["8 bytes there and back, µs"] = best(waits) / (CALLS // 10) * 1e6
    count = max(1, args.size // 16) * (1 << 20) // 4
    gigabytes = count * 4 / 1e9
    here = torch.ones(count)
    there, beside = torch.zeros(count, device=device), torch.zeros(count, device=device)
    figures["read and written there, GB/s"] = 2 * gigabytes / best(lambda: beside.copy_(there))
    figures["copied there, GB/s"] = gigabytes / best(lambda: there.copy_(here))
    figures["copied back, GB/s"] = gigabytes / best(lambda: here.copy_(there))
    del here, there, beside
    n = args.size
    for name in ("float32", "bfloat16"):
        a = torch.full((n, n), 0.5, dtype=getattr(torch, name), device=device)
        b = torch.full((n, n), 0.25, dtype=getattr(torch, name), device=device)
        figures[f"product in {name}, GFLOP/s"] = 2.0 * n**3 / best(lambda: a.mm(b)) / 1e9
print("RESULT " + json.dumps(figures))
