"""Writes tables and a saved data set as Arrow, with what pyarrow reads of them: for tests. Needs pyarrow and datasets.

    python make_arrow.py FOLDER
"""

import datetime as dt
import decimal
import json
import sys
import uuid

import datasets
import pyarrow as pa
import pyarrow.feather as feather

folder = sys.argv[1]
D = decimal.Decimal
day = dt.date(1969, 12, 30)
noon = dt.datetime(2024, 2, 29, 12, 0, 0, 5000)
columns = {
    "text": (pa.string(), ["a", None, "Zoë 🙂"]),
    "large": (pa.large_string(), ["", "b", None]),
    "view": (pa.string_view(), ["short", "longer than twelve bytes", None]),
    "word": (pa.dictionary(pa.int8(), pa.string()), ["x", "y", "x"]),
    "truth": (pa.bool_(), [True, None, False]),
    "small": (pa.int8(), [-128, 127, None]),
    "unsigned": (pa.uint64(), [0, 2**64 - 1, None]),
    "half": (pa.float16(), [0.5, None, -2.0]),
    "single": (pa.float32(), [0.25, None, 1.5]),
    "price": (pa.decimal128(9, 2), [D("1.50"), D("-0.01"), None]),
    "wide": (pa.decimal256(50, 3), [D("12345678901234567890123456789.125"), None, D("0.001")]),
    "day": (pa.date32(), [day, None, dt.date(2024, 2, 29)]),
    "clock": (pa.time64("us"), [dt.time(1, 2), dt.time(23, 59, 59, 1000), None]),
    "local": (pa.timestamp("ms"), [noon, None, dt.datetime(1960, 1, 1)]),
    "moment": (pa.timestamp("us", "Europe/Berlin"), [noon.replace(tzinfo=dt.timezone.utc), None, None]),
    "nothing": (pa.null(), [None, None, None]),
    "list": (pa.list_(pa.int64()), [[1, None], [], None]),
    "view_of_list": (pa.list_view(pa.string()), [["a"], None, ["b", "c"]]),
    "pair": (pa.list_(pa.int32(), 2), [[1, 2], None, [3, 4]]),
    "messages": (
        pa.list_(pa.struct([("role", pa.string()), ("content", pa.large_string())])),
        [[{"role": "user", "content": "hi"}, None], None, [{"role": None, "content": "x"}]],
    ),
    "map": (pa.map_(pa.int32(), pa.list_(pa.string())), [[(1, ["a"]), (2, None)], [], None]),
    "json": (pa.json_(), ['{"a": [1, 2.5, null]}', None, '"text"']),
    "id": (pa.uuid(), [uuid.UUID(int=1).bytes, None, None]),
}


def value(name, x):
    if x is None:
        return None
    if name in ("day", "clock"):
        return {"01:02:00": "01:02:00", "23:59:59.001000": "23:59:59.001"}.get(str(x), str(x))
    return {
        "local": lambda: {2024: "2024-02-29T12:00:00.005", 1960: "1960-01-01T00:00:00"}[x.year],
        "moment": lambda: "2024-02-29T12:00:00.005Z",
        "price": lambda: str(x),
        "wide": lambda: str(x),
        "map": lambda: {str(k): v for k, v in x},
        "json": lambda: json.loads(x),
        "id": lambda: str(uuid.UUID(bytes=x)),
    }.get(name, lambda: x)()


def array(kind, values):
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
    return pa.array(values, kind)


table = pa.table({n: array(t, v) for n, (t, v) in columns.items()})
with open(f"{folder}/types.jsonl", "w") as out:
    for i in range(3):
        out.write(json.dumps({n: value(n, v[i]) for n, (_, v) in columns.items()}, ensure_ascii=False) + "\n")
runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["r", None]))
with pa.ipc.new_file(f"{folder}/types.arrow", table.schema) as file:
    file.write_table(table, 2)
with pa.ipc.new_stream(f"{folder}/stream.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as s:
    s.write_table(table.slice(0, 1))
    s.write_table(table.slice(1))
with pa.ipc.new_stream(f"{folder}/old.arrow", table.schema, options=pa.ipc.IpcWriteOptions(use_legacy_format=True)) as s:
    s.write_table(table)
feather.write_feather(table, f"{folder}/packed.feather", compression="lz4")
with pa.ipc.new_file(f"{folder}/runs.arrow", pa.schema([("r", runs.type)])) as file:
    file.write_table(pa.table({"r": runs}))

# Dictionaries that are replaced and that grow, and blocks of LZ4 that reach back into earlier ones.
for name, deltas in (("replaced", False), ("deltas", True)):
    kind = pa.dictionary(pa.int8(), pa.string())
    with pa.ipc.new_stream(f"{folder}/{name}.arrow", pa.schema([("w", kind)]),
                           options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)) as s:
        for words in (["a", "b"], ["a", "b", "c"]) if deltas else (["a", "b"], ["c", "d"]):
            places = pa.array(range(len(words)), pa.int8())
            s.write_batch(pa.record_batch({"w": pa.DictionaryArray.from_arrays(places, pa.array(words))}))
texts = [f"{i} {'lorem ipsum ' * (i % 40)}" for i in range(500)]
feather.write_feather(pa.table({"text": texts}), f"{folder}/blocks.feather", compression="lz4")

rows = datasets.Dataset.from_dict({"prompt": ["a", "b", "c"], "completion": ["x", "y", "z"]})
datasets.DatasetDict({"train": rows, "test": rows.select([2])}).save_to_disk(f"{folder}/saved", num_shards={"train": 2, "test": 1})
