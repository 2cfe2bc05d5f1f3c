"""Writes a small vocabulary of Kimi K2's form, and the ids that tiktoken gives to random texts of many scripts.

    python make_kimi_text.py OUT [TEXTS] [SEED]

OUT gets tokens and merges as llama.cpp's converter writes them, texts and their ids. The pattern is that of the model's
own `tokenization_kimi.py`.
"""
import json
import random
import sys
from pathlib import Path

import tiktoken
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

LETTERS = r"\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
UPPER, LOWER = rf"[\p{{Lu}}\p{{Lt}}{LETTERS}", rf"[\p{{Ll}}{LETTERS}"
BEFORE, BEHIND = r"[^\r\n\p{L}\p{N}]?", "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERN = "|".join([
    r"[\p{Han}]+", f"{BEFORE}{UPPER}*{LOWER}+{BEHIND}", f"{BEFORE}{UPPER}+{LOWER}*{BEHIND}", r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
SPECIAL = ["[BOS]", "[EOS]", "<|im_end|>", "<|im_user|>", "[PAD]"]
ALPHABETS = [
    "abcdefgh", "ABCDEFGH", "äöüßéèñøčž", "ÄÖÜÉÑØČŽ", "абвгдежз", "АБВГДЕЖЗ", "αβγδΑΒΓΔ", "ǅǈǋʰʱªº",
    "中文字漢語模型訓練", "々〇〡⺀⽀𠀀𠮷豈更", "ひらがなカタカナーｱｲ", "한국어글자ㄱㅏ", "กขคำนี้ไม่", "हिन्दी पाठ", "العَرَبِيَّة", "עִבְרִית",
    "0123456789", "٠١٢٣४५६Ⅷ½²", ".,;:!?-_()[]{}<>/\\|@#$%^&*+=~`\"'", "‘’“”…—·•€£°§", "😀👩‍🚀🇫🇷❤️",
    " ", "  ", "\t", "\n", "\r\n", "\u00a0\u3000\u2003\u200b", "e\u0301a\u0308\u20dd"]
ENDS = ["'s", "'T", "'re", "'VE", "'m", "'Ll", "'d", "'x", "'", "’s"]


def text(rng, special=0.1):
    parts = []
    for _ in range(rng.randint(1, 14)):
        alphabet = rng.choice(ALPHABETS)
        parts.append("".join(rng.choice(alphabet) for _ in range(rng.randint(1, 7))))
        if rng.random() < 0.25:
            parts.append(rng.choice(ENDS))
        if rng.random() < 0.4:
            parts.append(" ")
    if rng.random() < special:
        parts.insert(rng.randrange(len(parts)), rng.choice(SPECIAL))
    return "".join(parts)


def merge_of(ranks, token, most):
    """The two tokens of which a token is made, by merges of lower rank, as llama.cpp's converter finds them."""
    parts = [bytes([b]) for b in token]
    while len(parts) > 2:
        best = min((ranks.get(a + b, most), i) for i, (a, b) in enumerate(zip(parts, parts[1:])))
        if best[0] >= most:
            break
        parts[best[1]:best[1] + 2] = [parts[best[1]] + parts[best[1] + 1]]
    return parts


def main(out, count, seed):
    rng = random.Random(seed)
    learner = Tokenizer(models.BPE())
    # of whole texts: tokens cross all borders, so that a missing one is noticed
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        (text(rng, 0) for _ in range(4000)), trainers.BpeTrainer(
            vocab_size=1000, initial_alphabet=sorted(alphabet), max_token_length=6))
    tokens = [t for t, _ in sorted(learner.get_vocab().items(), key=lambda item: item[1])]
    characters = bytes_of_characters()
    ranks = {bytes(characters[c] for c in token): id for id, token in enumerate(tokens)}
    merges = []
    for token, rank in ranks.items():
        parts = merge_of(ranks, token, rank)
        if len(parts) == 2:
            merges.append(" ".join(tokens[ranks[p]] for p in parts))
    special = {t: len(tokens) + i for i, t in enumerate(SPECIAL)}
    own = tiktoken.Encoding("kimi", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=special)
    texts = [text(rng) for _ in range(count)]
    Path(out).write_text(json.dumps({
        "pattern": PATTERN, "tokens": tokens + SPECIAL, "special": len(SPECIAL), "merges": merges,
        "cases": [[t, own.encode(t, allowed_special="all")] for t in texts]}, ensure_ascii=True))
    print(len(tokens), "tokens,", len(merges), "merges,", len(texts), "texts")


def bytes_of_characters():
    """GPT-2's characters of bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


if __name__ == "__main__":
    _, out, count, seed = [*sys.argv, *["150", "1"][len(sys.argv) - 2:]]
    main(out, int(count), int(seed))
