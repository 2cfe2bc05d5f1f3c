"""Writes random templates with what Jinja makes of each: its text, or its error.

Run: python jinja/src/test/python/jinja_random.py 200 1 > jinja/src/test/resources/org/attune/jinja/random.jsonl
Made with jinja2 3.1.6 on Python 3.11, in the environment of transformers' chat templates. Arguments: templates of each kind, seed.

A line is a template with `text`, or with `error` and `line` of the template. An error is empty where its wording is that of a
Python function behind the template (`do_upper() takes …`), whose name Attune doesn't show. Not recorded: texts with addresses, tags that load
other templates, `{% filter %}` with a filter that gives no text.
"""

import copy
import json
import random
import re
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES = {
    "i": 3, "f": 2.5, "s": "aB c", "e": "", "l": [3, 1, 2], "ls": ["b", "A", "a"], "d": {"a": 1, "b": "x"}, "n": None, "t": True, "em": {}, "el": [], "neg": -7,
    "msgs": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}],
    "big": 12345678901234567890123, "x": {"y": [1, {"z": "q"}]}, "html": "<b>a & 'c'</b>",
}
NAMES = [*VARIABLES, "u", "missing"]
LITERALS = [
    "0", "1", "2", "-1", "3.5", "1e3", "true", "false", "none", "''", "'a'", "'b c'", "'A,b'", "'%s-%d'", "'{}|{x}'", "'\\n'", "[]", "{}", "()", "[1, 2]", "['a', 'b']",
    "(1,)", "{'a': 1}", "{1: 2}", "10", "'role'", "'12'", "'é👋'", "'<a>'", "[[1, 2], [0]]", "[{'a': 2}, {'a': 1}]",
]
FILTERS = (
    "abs attr batch capitalize center count d default dictsort e escape filesizeformat first float format groupby indent int items join last length list lower map max min"
    " reject replace reverse round safe select selectattr slice sort string striptags sum title tojson trim truncate unique upper urlencode wordcount wordwrap xmlattr"
).split()
TESTS = (
    "boolean callable defined divisibleby eq even false float ge gt in integer iterable lower lt mapping ne none number odd sameas sequence string true undefined upper"
).split()
METHODS = (
    "capitalize center copy count endswith expandtabs find format get index isalpha isdigit isupper items join keys ljust lower lstrip partition removeprefix replace rfind"
    " rsplit rstrip split splitlines startswith strip swapcase title upper values zfill append pop update"
).split()
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", ">", "<=", ">=", "in", "not in", "and", "or"]
STRAY = "( ) [ ] { } , : . | is not in if else = == + - ~ * ** ' \" {{ }} {% %} $ ? ! & 1 'a' a for endfor endif \\ 1. @ ; {# #} elif 1.5 none".split()
TOKEN = re.compile(r"\{%|%\}|\{\{|\}\}|'[^']*'|\w+|\s+|.", re.S)
INNER_NAME = re.compile(r"\w+\(\) (takes|missing|got)|\w+ expected (at |\d)|'\w+' is an invalid keyword|arg must be|argument .*must be|argument after|must be str|^expected str")

pick = random.choice


def arguments():
    return "(" + ", ".join(expression(0) for _ in range(pick([0, 1, 1, 1, 2]))) + ")"


def slice_():
    bound = lambda: pick(["", "", "1", "-1", "2", "0", "none", "i", "s", "1.5", "u"])
    return "[" + bound() + ":" + bound() + pick(["", ":" + bound()]) + "]"


def operand(depth):
    text = pick(NAMES + LITERALS)
    while random.random() < 0.4:
        text = pick([
            lambda: "(" + text + ")." + pick(["a", "b", "role", "content", "y", "z", "foo", "items", "__class__", "upper"]),
            lambda: "(" + text + ")[" + expression(depth - 1) + "]",
            lambda: "(" + text + ")" + slice_(),
            lambda: "(" + text + ")." + pick(METHODS) + arguments(),
            lambda: text + " | " + pick(FILTERS) + pick(["", arguments()]),
            lambda: "(" + text + " is " + pick(["", "not "]) + pick(TESTS) + pick(["", "(" + expression(0) + ")"]) + ")",
        ])()
    return text


def expression(depth):
    if depth <= 0:
        return pick(NAMES + LITERALS)
    kind = random.random()
    if kind < 0.6:
        return operand(depth)
    if kind < 0.85:
        return operand(depth - 1) + " " + pick(OPERATORS) + " " + operand(depth - 1)
    if kind < 0.92:
        return pick(["not ", "-", "+"]) + operand(depth)
    return operand(depth - 1) + " if " + operand(depth - 1) + pick(["", " else " + operand(depth - 1)])


def tag(text):
    return "{%" + pick(["", "", "-", "+"]) + " " + text + pick([" ", " -", " +"]) + "%}" + pick(["", "\n"])


def body(depth):
    return "".join(statement(depth) for _ in range(random.randint(1, 2)))


def statement(depth):
    if depth <= 0 or random.random() < 0.3:
        return pick(["", "x ", " \n"]) + "{{" + pick([" ", "- "]) + expression(1) + pick([" ", " -"]) + "}}"
    target = pick(["a", "k", "k, v", "(k, v)", "a,", "ns.x"])
    return pick([
        lambda: tag("for " + target + " in " + pick(["d.items()", "msgs", "l", expression(1)]) + pick(["", "", " if " + expression(1)])) + body(depth - 1)
        + pick(["", "{{ loop.index }}", "{{ loop.last }}", "{{ loop.foo }}", "{% break %}", "{{ loop(l) }}"]) + tag("endfor"),
        lambda: tag("if " + expression(1)) + body(depth - 1) + pick(["", tag("elif " + expression(1)) + body(0)]) + pick(["", tag("else") + body(0)]) + tag("endif"),
        lambda: tag("set " + target + " = " + expression(1)) + "{{ a }}",
        lambda: tag("set a" + pick(["", " | upper", " | nothing"])) + body(0) + tag("endset") + "{{ a }}",
        lambda: tag("macro m(" + pick(["", "a", "a, b=1", "a=1, b"]) + ")") + body(0) + pick(["", "{{ varargs }}", "{{ caller() }}"]) + tag("endmacro") + "{{ m" + arguments() + " }}",
        lambda: pick([tag("break"), tag("nothing"), tag("endif"), tag("do x"), "{# c #}", "{{ raise_exception('no') }}"]),
    ])()


def broken():
    tokens = TOKEN.findall(pick([lambda: "{{ " + expression(1) + " }}", lambda: body(1)])())
    place = random.randrange(len(tokens))
    if random.random() < 0.5:
        del tokens[place]
    else:
        tokens.insert(place, pick(STRAY))
    return "".join(tokens)


KINDS = [lambda: "{{ " + pick(LITERALS + NAMES) + slice_() + " }}", lambda: "{{ " + expression(2) + " }}", lambda: body(2), broken]


def raise_exception(message):
    raise jinja2.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def outcome(environment, template):
    try:
        return {"text": environment.from_string(template).render(copy.deepcopy(VARIABLES))}
    except jinja2.TemplateSyntaxError as e:
        return {"error": e.message, "line": e.lineno}
    except SyntaxError as e:  # of the Python code that Jinja makes
        return {"error": e.msg}
    except Exception as e:
        return {"error": "" if INNER_NAME.search(str(e)) else str(e)}


def main(count, seed):
    random.seed(seed)
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    print(json.dumps(VARIABLES))
    for kind in KINDS:
        templates = {}
        while len(templates) < count:
            template = kind()
            result = outcome(environment, template)
            if template not in templates and len(template) < 300 and " at 0x" not in str(result).lower():
                templates[template] = result
        for template, result in templates.items():
            print(json.dumps({"template": template, **result}))


main(int(sys.argv[1]), int(sys.argv[2]))
