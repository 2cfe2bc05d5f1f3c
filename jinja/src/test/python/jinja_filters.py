"""Writes what Jinja's filters give for values of all kinds, in the environment of transformers' chat templates.

Run: python jinja/src/test/python/jinja_filters.py > jinja/src/test/resources/org/attune/jinja/filters.jsonl
Made with jinja2 3.1.6 and transformers 5.24.0 on Python 3.11. A line is a template with its text, or with no text where it fails.
"""

import json

from transformers.utils.chat_template_utils import _cached_compile_jinja_template as compile_template

VALUES = [
    "none", "missing", "''", "0", "false", "[]", "{}", "()", "true", "5", "2.5", "'bA'", "[3, 1, 2]", "['b', 'A', 'a']", "[none]", "[none, none]",
    "[missing]", "[1, none, 'a']", "{'b': 1, 'A': 2}", "[{'n': 1}, {'n': none}, {}]", "[{'n': 'y'}, {'n': 'X'}, {'n': 'x'}]", "(1, 2)", "range(3)",
    "[[1, 2], [], [3]]", "{'a': 1}.items()", "[1, 2] | map('string')", "namespace(a=1)",
]
FILTERS = [
    "select", "select('odd')", "select('none')", "select('eq', 1)", "select('nothing')", "reject", "reject('string')", "selectattr('n')",
    "selectattr('n', 'none')", "selectattr('n', 'defined')", "selectattr", "rejectattr('n')", "rejectattr('n', 'eq', 1)", "map", "map('string')",
    "map(attribute='n')", "map(attribute='n', default=0)", "map('default', 7)", "map('length')", "map(attribute='n', other=1)", "sort", "sort(attribute='n')",
    "sort(reverse=true, case_sensitive=true)", "sort(none)", "sort(1)", "sort('x')", "unique", "unique(true)", "unique(attribute='n')", "groupby('n')", "groupby('n', default='')",
    "groupby(attribute=0)", "batch(2)", "batch(2, 'f')", "batch(0)", "slice(2)", "slice(2, 'f')", "slice(0)", "items", "reverse",
]
ONE = [
    "join", "join(', ')", "join('-', attribute='n')", "first", "last", "length", "count", "list", "sum", "sum(attribute='n')", "sum(start=[])", "sum(start='')",
    "min", "max", "min(attribute='n')", "max(true)", "dictsort", "dictsort(by='value', reverse=true)", "default('d')", "default('d', true)", "string",
    "tojson", "int", "float", "abs", "round", "trim", "upper", "replace('b', 'c')", "truncate(5)", "indent(2, true)", "wordcount", "wordwrap(2)", "title",
    "urlencode", "xmlattr", "center(7)", "striptags", "escape", "filesizeformat", "format", "attr('n')", "attr(2)", "attr([1])", "int(9, missing)", "dictsort(reverse=none)",
]
TEXTS = [
    "'<!--a--><b>x</b> <!-- <c> -->y <d'", "'<!-->z'", "'<!<!-- -->-- x -->'", "'a-b c--d well-known e-mail'", "'--- x!--y'", "'long-hyphenated-word here'",
    "\"it's (some) [title] {of} <a>\"", "'a  b\\n\\nc d'",
]
OF_TEXTS = ["striptags", "wordwrap(5)", "wordwrap(5, false)", "wordwrap(5, break_on_hyphens=false)", "wordwrap(3, true, '|')", "title", "wordcount", "urlencode"]

templates = ["{%% for x in %s | %s %%}{{ x }};{%% endfor %%}" % (value, name) for name in FILTERS for value in VALUES]
templates += ["{%% set x = %s | %s %%}lazy" % (value, name) for name in FILTERS for value in ("none", "5", "missing")]
templates += ["{{ (%s | %s) }}" % (value, name) for name in ONE for value in VALUES if "map" not in value or name not in ("string", "upper", "trim", "title")]
templates += ["{{ %s | %s }}" % (value, name) for name in OF_TEXTS for value in TEXTS]
templates += ["{{ %s is %s }}" % (value, name) for name in ("filter", "test") for value in VALUES]
for template in templates:
    try:
        text = compile_template(template).render()
    except Exception:
        print(json.dumps({"template": template}))
        continue
    prints_generator = "map('string') | " in template and template.startswith("{{ ([1, 2]")
    if not prints_generator and " object " not in text:
        print(json.dumps({"template": template, "text": text}))
