"""Rewards for sorting, in TRL's form: reward_funcs: rewards.in_place in grpo.yaml."""


def in_place(completions, answer, log_metric, **kwargs):
    """The share of the numbers that stand where they should."""
    shares = []
    for messages, right in zip(completions, answer):
        written = messages[0]["content"].split()
        expected = right.split()
        shares.append(sum(a == b for a, b in zip(written, expected)) / len(expected))
    log_metric("all_in_place", sum(share == 1 for share in shares) / len(shares))
    return shares
