"""Writes texts and references with the BLEU, chrF (sacrebleu) and ROUGE (rouge-score) of each text.

    python make_overlap.py [OUT] [TEXTS] [SEED]

Words, numbers, punctuation, entities and characters of other scripts are drawn from a seeded generator; a text keeps,
drops, repeats or moves the words of one of its references.
"""

import json
import random
import sys

import sacrebleu
from rouge_score import rouge_scorer

WORDS = ["the", "The", "cat", "cats", "sat", "on", "a", "mat", "3.14", "1,000", "2024-03-05", "don't", "e.g.", "U.S.", "well-known", "(yes)", "\"no\"",
         "&amp;", "&quot;x&quot;", "&", "naïve", "Straße", "日本語", "中", "Привет", "😀", "x=1;", "$5", "50%", "<skipped>", "end-\nof", "a\nb", "~", "[1]",
         "`code`", "{k: v}", "...", "—", "hello,world", "a.b", "7-5", "İstanbul", "ﬁn", "\u00a0", "tab\there", "I", "i", "ran", "running"]


def text(r, least=0):
    return " ".join(r.choice(WORDS) for _ in range(r.randint(least, 14)))


def near(r, reference):
    words = reference.split(" ")
    out = []
    for word in words:
        k = r.random()
        if k < 0.15:
            continue
        out.append(r.choice(WORDS) if k < 0.3 else word)
        if k > 0.93:
            out.append(word)
    if r.random() < 0.2:
        r.shuffle(out)
    return r.choice(["", " ", "\n"]) + " ".join(out) + r.choice(["", " ", ".", "\n\n"])


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "../resources/recorded/overlap.jsonl"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 20261201)
    rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    with open(out, "w") as file:
        for _ in range(count):
            references = [text(r, 1) for _ in range(r.choice([1, 1, 1, 2, 3]))]
            hypothesis = near(r, r.choice(references)) if r.random() < 0.85 else text(r)
            scores = rouge.score_multi(references, hypothesis)
            row = {"text": hypothesis, "references": references,
                   "bleu": sacrebleu.sentence_bleu(hypothesis, references).score / 100,
                   "chrf": sacrebleu.sentence_chrf(hypothesis, references).score / 100}
            row.update({name: score.fmeasure for name, score in scores.items()})
            file.write(json.dumps(row) + "\n")


main()
