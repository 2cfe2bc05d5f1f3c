"""Records what tokenizers, sentencepiece, transformers and Jinja2 make of random vocabularies, texts, templates and conversations.

Run by bench/interop/text. What is written has the form of the recorded text fixtures: `text/tokenizers/NAME`, `text/templates`.
"""

import argparse
import base64
import datetime
import json
import os
import random
import re
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import sentencepiece
import tokenizers
import transformers
import trl
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers.decoders import DecodeStream
from transformers import AutoTokenizer

pick = random.choice
WORDS = "the model learns from pairs of answers; a reward for each one is 12.5 or 3/4, and \"tools\" can't know it'll end (yet). def f(x): return x ** 2 + y[0] != None".split()
STRANGE = ["naïve", "ﬁne", "½", "ａｂｃ", "漢字", "かな", "한국어", "مرحبا", "हिन्दी", "e\u0301", "🙂", "👍🏽", "👩‍👩‍👧", "\u200b", "\u00a0", "\u3000", "ß", "İ", "ǅ", "Ω", "𝔘", "\u2028", "\x00", "\x7f", "\ufeff", "\ufffd"]
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n ", ""]
CLOCK = datetime.datetime(2025, 3, 4, 5, 6, 7)


def text(tokens, length=12):
    """Words, strange characters and special tokens with spaces of all kinds between."""
    parts = []
    for _ in range(random.randrange(length)):
        kind = random.random()
        parts.append(
            pick(WORDS) if kind < 0.6 else pick(STRANGE) if kind < 0.8 else pick(tokens) if kind < 0.87 and tokens
            else str(random.randrange(10 ** random.randrange(1, 9))) if kind < 0.93 else "▁" if kind < 0.94 else pick(WORDS).upper())
        parts.append(pick(SPACES))
    return pick(["", " ", "  "]) + "".join(parts)


def corpus():
    return [text([], 30) for _ in range(400)] + [" ".join(random.choices(WORDS, k=12)) for _ in range(400)]


# vocabularies ------------------------------------------------------------------------------------------------------

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ADDED = ["<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>", "[INST]", "<think>", "</think>", "<tool_call>", "<sep>"]


def added(tokenizer, normalized=0.2):
    for token in random.sample(ADDED[3:], random.randrange(1, 5)):
        flags = dict(lstrip=random.random() < 0.2, rstrip=random.random() < 0.2, single_word=random.random() < 0.1, normalized=random.random() < normalized)
        tokenizer.add_tokens([AddedToken(token, special=random.random() < 0.6, **flags)])


def byte_level():
    t = tokenizers.Tokenizer(models.BPE(ignore_merges=random.random() < 0.3))
    t.normalizer = pick([None, None, normalizers.NFC(), normalizers.NFKC()])
    steps = [pre_tokenizers.Split(Regex(pick([GPT2, LLAMA3])), behavior="isolated")]
    if random.random() < 0.3:
        steps.insert(0, pre_tokenizers.Digits(individual_digits=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=random.random() < 0.2, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=random.random() < 0.5)
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=random.randrange(300, 700), special_tokens=ADDED[:2], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    added(t)
    return t


def metaspace():
    scheme = pick(["always", "first", "never"])
    unigram = random.random() < 0.5
    t = tokenizers.Tokenizer(models.Unigram() if unigram else models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=random.random() < 0.5))
    t.normalizer = pick([None, normalizers.NFKC(), normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])])
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=random.random() < 0.5)
    t.decoder = decoders.Metaspace(prepend_scheme=scheme) if unigram else decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *([decoders.Strip(" ", 1, 0)] if scheme != "never" else [])])
    size = random.randrange(400, 700)
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    trainer = (trainers.UnigramTrainer(vocab_size=size, special_tokens=ADDED[:3], unk_token="<unk>", show_progress=False) if unigram
               else trainers.BpeTrainer(vocab_size=size, special_tokens=ADDED[:3] + bytes_, show_progress=False))
    t.train_from_iterator(corpus(), trainer)
    if not unigram:
        data = json.loads(t.to_str())
        data["added_tokens"] = [a for a in data["added_tokens"] if not a["content"].startswith("<0x")]
        t = tokenizers.Tokenizer.from_str(json.dumps(data))
    added(t)
    t.post_processor = pick([None, processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])])
    return t


def word_piece():
    t = tokenizers.Tokenizer(models.WordPiece(unk_token="<unk>"))
    t.normalizer = normalizers.BertNormalizer(lowercase=random.random() < 0.5)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece(cleanup=random.random() < 0.5)
    t.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=random.randrange(300, 600), special_tokens=ADDED[:3], show_progress=False))
    added(t, normalized=0)  # tokenizers 0.23 decodes such tokens in lower case, older versions don't
    return t


def sentence_piece(folder):
    """A folder with tokenizer.model alone, as transformers reads it."""
    llama = random.random() < 0.5
    options = dict(vocab_size=random.randrange(450, 700), hard_vocab_limit=False, character_coverage=pick([0.98, 0.999]), split_digits=random.random() < 0.5)
    if llama:
        options |= dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False)
    else:
        options |= dict(
            model_type=pick(["bpe", "unigram"]), byte_fallback=random.random() < 0.5, normalization_rule_name=pick(["identity", "nmt_nfkc", "nfkc_cf"]),
            remove_extra_whitespaces=random.random() < 0.5, add_dummy_prefix=random.random() < 0.7)
    if random.random() < 0.5:
        options |= dict(user_defined_symbols=random.sample(ADDED[3:], 2))
    (folder / "corpus").write_text("\n".join(line.replace("\x00", "").replace("\n", " ") for line in corpus()), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(input=str(folder / "corpus"), model_prefix=str(folder / "tokenizer"), minloglevel=3, **options)
    for name in ("corpus", "tokenizer.vocab"):
        (folder / name).unlink()
    config = {"tokenizer_class": "LlamaTokenizer" if llama else "TokenizersBackend"}
    if random.random() < 0.5:
        config["legacy"] = random.random() < 0.5
    if random.random() < 0.5:
        config["add_bos_token"] = random.random() < 0.7
    if random.random() < 0.3:
        config["add_eos_token"] = random.random() < 0.5
    if llama and random.random() < 0.2:
        config["add_prefix_space"] = False
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return AutoTokenizer.from_pretrained(folder)


def tekken(folder):
    """A folder with tekken.json alone."""
    t = byte_level()
    while json.loads(t.to_str())["normalizer"]:
        t = byte_level()
    of_byte = {c: b for b, c in enumerate_bytes()}
    ids = json.loads(t.to_str())["model"]["vocab"]
    ordered = [token for token, _ in sorted(ids.items(), key=lambda item: item[1]) if token not in ADDED]
    single = sorted((token for token in ordered if len(token) == 1), key=lambda token: of_byte[token])
    vocabulary = single + [token for token in ordered if len(token) > 1]
    specials = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>"]
    config = {"pattern": pick([GPT2, LLAMA3]), "num_vocab_tokens": len(vocabulary), "default_vocab_size": len(vocabulary) + 20 - random.randrange(3), "default_num_special_tokens": 20, "version": "v7"}
    entries = [{"rank": i, "token_bytes": base64.b64encode(bytes(of_byte[c] for c in token)).decode(), "token_str": None} for i, token in enumerate(vocabulary)]
    named = [{"rank": i, "token_str": token, "is_control": True} for i, token in enumerate(specials)]
    (folder / "tekken.json").write_text(json.dumps({"config": config, "vocab": entries, **({"special_tokens": named} if random.random() < 0.7 else {})}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "TokenizersBackend"}))
    from transformers.integrations.mistral.tokenizer import MistralConverter
    return transformers.PreTrainedTokenizerFast(tokenizer_object=MistralConverter(str(folder / "tekken.json")).converted())


def enumerate_bytes():
    from transformers.convert_slow_tokenizer import bytes_to_unicode
    return bytes_to_unicode().items()


def utf16(string, place):
    return len(string[:place].encode("utf-16-le")) // 2


def record(tokenizer, name, folder, texts, seed):
    """Rows of texts and of streams. `tokenizer` is one of the library `tokenizers`."""
    specials = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
    rows, streams = [], []
    for _ in range(texts):
        string = text(specials)
        special = random.random() < 0.5
        encoding = tokenizer.encode(string, add_special_tokens=special)
        rows.append({
            "text": string, "add_special_tokens": special, "ids": encoding.ids, "tokens": [tokenizer.id_to_token(i) for i in encoding.ids],
            "offsets_utf16": [[utf16(string, a), utf16(string, b)] for a, b in encoding.offsets],
            "decoded": tokenizer.decode(encoding.ids, skip_special_tokens=False), "decoded_skip_special": tokenizer.decode(encoding.ids, skip_special_tokens=True)})
        skip = random.random() < 0.5
        stream, increments = DecodeStream(skip_special_tokens=skip), []
        for id_ in encoding.ids:
            increments.append(stream.step(tokenizer, id_) or "")
        decoded = tokenizer.decode(encoding.ids, skip_special_tokens=skip)
        joined = "".join(increments)
        if decoded.startswith(joined):
            streams.append({"ids": encoding.ids, "skip_special_tokens": skip, "increments": increments, "rest": decoded[len(joined):], "decoded": decoded,
                            "exact": "\ufffd" not in decoded and decoded == joined, "note": "random"})
    write(folder / f"{name}.cases.jsonl", rows)
    write(folder / f"{name}.stream.jsonl", streams)


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8", newline="\n")


def vocabularies(out, count, texts, seed):
    kinds = [("byte", byte_level), ("meta", metaspace), ("piece", word_piece), ("spm", sentence_piece), ("tekken", tekken)]
    for i in range(count):
        random.seed(f"{seed} {i}")
        kind, make = kinds[i % len(kinds)]
        name = f"{kind}{i}"
        folder = out / name
        folder.mkdir(parents=True)
        if make in (sentence_piece, tekken):
            backend = make(folder).backend_tokenizer
        else:
            backend = make()
            backend.save(str(folder / "tokenizer.json"))
            (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
        record(backend, name, out, texts, seed)


# conversations -----------------------------------------------------------------------------------------------------

TOOLS = [
    {"type": "function", "function": {"name": "add", "description": "Adds \"two\" numbers.\nBoth whole.", "parameters": {
        "type": "object", "properties": {"a": {"type": "integer", "description": "first"}, "b": {"type": ["integer", "null"]}}, "required": ["a", "b"]}}},
    {"type": "function", "function": {"name": "items", "description": "Lists <things> & more", "parameters": {"type": "object", "properties": {
        "keys": {"type": "array", "items": {"type": "string", "enum": ["x", "é"]}}, "values": {"type": "object", "properties": {"z": {"type": "number"}}}}, "required": []}}},
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]


def words():
    return text(["<think>a</think>", "<|im_end|>", "</s>", "[INST]", "{{ x }}", "{% if %}"], 6)


def value(depth=2):
    return pick([lambda: random.randrange(-5, 10 ** random.randrange(1, 20)), lambda: pick([0.5, -1e-7, 1e16, 2.0]), words, lambda: pick([True, False, None]),
                 lambda: [value(depth - 1) for _ in range(random.randrange(3))] if depth else [], lambda: {pick(["a", "items", "é"]): value(depth - 1)} if depth else {}])()


def conversation():
    messages = []
    if random.random() < 0.4:
        messages.append({"role": "system", "content": words()})
    tools = random.random() < 0.4
    for _ in range(random.randrange(1, 4)):
        messages.append({"role": "user", "content": words()})
        if tools and random.random() < 0.6:
            calls = [{"type": "function", **({"id": f"call{random.randrange(10 ** 5):05d}"} if random.random() < 0.7 else {}),
                      "function": {"name": pick(["add", "items", "now"]), "arguments": {pick(["a", "b", "keys"]): value() for _ in range(random.randrange(3))}}} for _ in range(random.randrange(1, 3))]
            message = {"role": "assistant", "content": pick([None, "", words()]), "tool_calls": calls}
            messages.append(message)
            for call in calls:
                messages.append({"role": "tool", "content": pick([words(), "3", "{\"a\": 1}"]), "name": call["function"]["name"], **({"tool_call_id": call["id"]} if "id" in call else {})})
        messages.append({"role": "assistant", "content": pick([words, lambda: "<think>\n" + words() + "\n</think>\n\n" + words()])(),
                         **({pick(["reasoning_content", "thinking", "reasoning"]): words()} if random.random() < 0.2 else {})})
    if random.random() < 0.4:
        messages.append({"role": "user", "content": words()})
    if random.random() < 0.1:
        random.shuffle(messages)
    for message in messages:
        if message["content"] and random.random() < 0.03:
            message["content"] = [{"type": "text", "text": message["content"]}, *([{"type": "text", "text": words()}] if random.random() < 0.5 else [])]
    row = {"messages": messages, "add_generation_prompt": random.random() < 0.5}
    if tools or random.random() < 0.1:
        row["tools"] = random.sample(TOOLS, random.randrange(1, 4))
    row["variables"] = {"bos_token": "<s>", "eos_token": "</s>"}
    if random.random() < 0.3:
        row["variables"][pick(["enable_thinking", "thinking", "keep_past_thinking"])] = random.random() < 0.5
    return row


def conversations(out, folders, count, seed):
    """Templates with what `apply_chat_template` makes of random conversations."""
    from transformers.utils import chat_template_utils

    real = chat_template_utils.datetime

    class Clock(real):
        @classmethod
        def now(cls, tz=None):
            return CLOCK

    chat_template_utils.datetime = Clock
    out.mkdir(parents=True)
    (out / "clock.txt").write_text(CLOCK.isoformat())
    backend = tokenizers.Tokenizer(models.BPE())
    rows = []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.jinja"))
    for file in files:
        random.seed(f"{seed} {file.name}")
        source = file.read_bytes().decode()
        (out / file.name).write_bytes(source.encode())
        tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend)
        tokenizer.chat_template = source
        for i in range(max(1, count // len(files))):
            row = {"id": f"{file.stem} {i}", "template": file.stem, **conversation()}
            try:
                row["expected"] = tokenizer.apply_chat_template(
                    row["messages"], tools=row.get("tools"), add_generation_prompt=row["add_generation_prompt"], tokenize=False, **row["variables"])
            except Exception as e:
                exact = type(e).__name__ == "TemplateError"
                row["error"] = {"class": type(e).__name__, "message": str(e), "exact": exact}
            rows.append(row)
    write(out / "cases.jsonl", rows)
    return len(files)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out", type=Path)
    for name in ("vocabularies", "texts", "conversations", "seed"):
        arguments.add_argument("--" + name, type=int, required=True)
    arguments.add_argument("--templates", nargs="*", default=[])
    a = arguments.parse_args()
    folders = [Path(trl.__file__).parent / "chat_templates", *a.templates]
    vocabularies(a.out / "text/tokenizers", a.vocabularies, a.texts, a.seed)
    count = conversations(a.out / "text/templates", folders, a.conversations, a.seed)
    print(f"seed {a.seed}: {a.vocabularies} vocabularies with {a.texts} texts each, about {a.conversations} conversations in {count} templates; "
          f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}, sentencepiece {sentencepiece.__version__}, TRL {trl.__version__}")


main()
