"""What sentence-transformers makes of texts with the weights of examples/model: make_sentences.py ROOT.

Writes ROOT/serve/src/test/resources/recorded/sentences.json. Of each vector the first numbers are kept.
"""

import json
import sys
import tempfile
from pathlib import Path

import sentence_transformers
import transformers
from sentence_transformers import SentenceTransformer, models

ROOT = Path(sys.argv[1])
KEPT = 6
TEXTS = ["Sort ascending: 3 1 2", "Sort ascending: 9", "Hello, world", "x" * 60]


def vectors(pooling, chat):
    with tempfile.TemporaryDirectory() as folder:
        model = transformers.AutoModel.from_pretrained(ROOT / "examples/model", dtype="float32")
        model.save_pretrained(folder)
        tokenizer = transformers.AutoTokenizer.from_pretrained(ROOT / "examples/model")
        if not chat:
            tokenizer.chat_template = None
        tokenizer.save_pretrained(folder)
        transformer = models.Transformer(folder, max_seq_length=48)
        parts = [transformer, models.Pooling(model.config.hidden_size, pooling_mode=pooling), models.Normalize()]
        sentences = SentenceTransformer(modules=parts, device="cpu", prompts={"query": "Find: "})
        return {
            name: [sentences.encode(text, prompt_name=prompt)[:KEPT].tolist() for text in TEXTS]
            for name, prompt in (("plain", None), ("query", "query"))
        }


made = {
    "versions": {m.__name__: m.__version__ for m in (sentence_transformers, transformers)},
    "texts": TEXTS,
    "mean": vectors("mean", False),
    "lasttoken": vectors("lasttoken", False),
    "messages": vectors("lasttoken", True),
}
target = ROOT / "serve/src/test/resources/recorded/sentences.json"
target.write_text(json.dumps(made, indent=1) + "\n")
