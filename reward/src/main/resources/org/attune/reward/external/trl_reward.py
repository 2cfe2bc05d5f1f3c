"""Serves a reward function in TRL's form, in the protocol of programs that reward.

Arguments: a module or a .py file, the function's name, and folders where modules are looked for.
"""
import sys

if sys.path[:1] == [""]:
    del sys.path[0]  # a user's json.py must not take the place of Python's here
import importlib
import importlib.util
import inspect
import json
import os
import traceback

GIVEN = ("prompts", "completions", "completion_ids", "log_extra", "log_metric")
module, name, *folders = sys.argv[1:]
loop = None
told = set()
not_theirs = ("<", os.path.dirname(importlib.__file__))


def load():
    sys.path[:0] = folders
    if not module.endswith(".py"):
        return importlib.import_module(module)
    sys.path.insert(0, os.path.dirname(module))
    stem = os.path.basename(module)[: -len(".py")]
    spec = importlib.util.spec_from_file_location(stem, module)
    sys.modules[stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[stem])
    return sys.modules[stem]


def named(loaded):
    if hasattr(loaded, name):
        return getattr(loaded, name)
    there = [each for each, value in vars(loaded).items() if inspect.isfunction(value)]
    raise AttributeError(f"{name} is not among its functions, {', '.join(there) or 'of which it has none'}")


def columns_of(function):
    """The columns it can't do without."""
    signature = inspect.signature(function)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.default is parameter.empty and parameter.kind in kinds
    ]
    columns = [column for column in names if column not in GIVEN]
    unknown = [column for column in columns if column in ("trainer_state", "environments")]
    if unknown:
        raise TypeError(f"it needs {' and '.join(unknown)}, which only TRL has")
    try:
        signature.bind(**dict.fromkeys([*GIVEN, *columns]))
    except TypeError as error:
        raise TypeError(
            f"{error}; TRL calls it by name with {', '.join(GIVEN)} and every further column, so"
            f" it should be {name}(prompts, completions, **kwargs)"
        ) from None
    return columns


def turns(batch, kind):
    """Messages where a row is a conversation, else the text."""
    texts = batch[kind + "s"]
    return [m or t for m, t in zip(batch.get(kind + "_messages", texts), texts)]


def score(batch):
    metrics, extras = {}, {}
    given = {column: [None] * len(batch["completions"]) for column in columns}
    given.update(batch["columns"])
    given.update(
        prompts=turns(batch, "prompt"),
        completions=turns(batch, "completion"),
        completion_ids=batch["completion_ids"],
        log_extra=lambda column, values: extras.setdefault(column, []).extend(values),
        log_metric=lambda metric, value: metrics.setdefault(metric, []).append(float(value)),
    )
    rewards = function(**given)
    if inspect.isawaitable(rewards):
        rewards = awaited(rewards)
    return {
        "rewards": [number(reward) for reward in rewards],
        "metrics": {metric: sum(values) / len(values) for metric, values in metrics.items()},
        "extras": extras,
    }


def awaited(rewards):
    """By one loop for all calls: clients of async functions belong to theirs."""
    global loop
    if loop is None:
        import asyncio

        loop = asyncio.new_event_loop()
    return loop.run_until_complete(rewards)


def number(reward):
    if isinstance(reward, str):
        raise TypeError(f"a reward must be a number or None, got the text {reward!r}")
    return None if reward is None else float(reward)


def words(error):
    """What went wrong, and where; the way there goes to the log, once."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(not_theirs)
    ]
    last = traceback.format_exception_only(type(error), error)[-1].strip()
    way = "".join(traceback.format_list(frames))
    if frames and (way, last) not in told:
        told.add((way, last))
        print("Traceback (most recent call last):\n" + way + last, file=sys.stderr, flush=True)
    if isinstance(error, SyntaxError):
        return f"{last} ({error.filename}:{error.lineno})"
    own = [frame for frame in frames if frame.filename == file] or frames
    return f"{last} ({own[-1].filename}:{own[-1].lineno})" if own else last


requests = os.fdopen(os.dup(0), encoding="utf-8")
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.dup2(2, 1)  # what is printed goes to the log
file = failure = None
try:
    loaded = load()
    file = getattr(loaded, "__file__", None)
    function = named(loaded)
    columns = columns_of(function)
except (Exception, SystemExit) as error:
    failure = words(error)
for line in requests:
    try:
        asked = json.loads(line)
        if failure:
            answer = {"error": failure, "file": file}
        elif "completions" not in asked:
            answer = {"rewards": [], "columns": columns, "file": file}
        else:
            answer = score(asked)
        text = json.dumps(answer, default=lambda v: v.tolist() if hasattr(v, "tolist") else str(v))
    except (Exception, SystemExit) as error:
        text = json.dumps({"error": words(error)})
    answers.write(text + "\n")
    answers.flush()
