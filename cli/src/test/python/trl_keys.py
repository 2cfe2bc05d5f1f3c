"""Lists the keys of TRL's configuration classes with their defaults, as tab-separated lines
`key  methods  class  default` (default as JSON). Run with the TRL version named in the output:

    python trl_keys.py > ../resources/org/attune/cli/config/trl-keys.tsv
"""

import dataclasses
import json

import transformers
import trl
from trl import DPOConfig, DatasetMixtureConfig, GRPOConfig, ModelConfig, RewardConfig, ScriptArguments, SFTConfig
from transformers import TrainingArguments
from trl.experimental.cpo import CPOConfig
from trl.experimental.orpo import ORPOConfig
from trl.experimental.tpo import TPOConfig


def fields(cls):
    result = {}
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            result[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            result[field.name] = field.default_factory()
        else:
            result[field.name] = None
    return result


def main():
    print(f"# trl {trl.__version__}, transformers {transformers.__version__}")
    rows = {}
    base = fields(TrainingArguments)
    for method, cls in (("sft", SFTConfig), ("dpo", DPOConfig), ("grpo", GRPOConfig), ("reward", RewardConfig)):
        for key, default in fields(cls).items():
            owner = "TrainingArguments" if key in base else cls.__name__
            # Of reward models the class is always named; other methods share a row where defaults are equal.
            apart = method == "reward" and owner == cls.__name__
            rows.setdefault((key, json.dumps(default), apart), ([], owner))[0].append(method)
    # The experimental trainers without a reference share rows among themselves.
    for method, cls in (("orpo", ORPOConfig), ("cpo", CPOConfig), ("tpo", TPOConfig)):
        for key, default in fields(cls).items():
            owner = "TrainingArguments" if key in base else cls.__name__
            apart = "referencefree" if owner == cls.__name__ else False
            rows.setdefault((key, json.dumps(default), apart), ([], owner))[0].append(method)
    for cls in (ModelConfig, ScriptArguments, DatasetMixtureConfig):
        for key, default in fields(cls).items():
            methods = ["sft", "dpo", "grpo", "reward", "orpo", "cpo", "tpo"]
            rows[(key, json.dumps(default), False)] = (methods, cls.__name__)
    for (key, default, _), (methods, owner) in sorted(rows.items(), key=lambda row: row[0][:2]):
        print(key, ",".join(methods), owner, default, sep="\t")


main()
