"""Writes maps within lists, objects and maps as Parquet, what pyarrow reads of them as JSON lines, and texts
that are no UTF-8. Needs pyarrow.

    python make_maps.py ../resources/recorded
"""

import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TEXT, WHOLE = pa.string(), pa.int64()


def map_of(value):
    return pa.map_(TEXT, value)


def struct(**fields):
    return pa.struct(list(fields.items()))


COLUMNS = {
    "map": map_of(WHOLE),
    "struct_map": struct(m=map_of(WHOLE), t=TEXT),
    "list_map": pa.list_(map_of(TEXT)),
    "list_struct_map": pa.list_(struct(t=TEXT, m=map_of(WHOLE))),
    "map_map_map": map_of(map_of(map_of(WHOLE))),
    "map_list": map_of(pa.list_(TEXT)),
    "map_list_list": map_of(pa.list_(pa.list_(WHOLE))),
    "map_list_map": map_of(pa.list_(map_of(WHOLE))),
    "map_list_struct_map": map_of(pa.list_(struct(m=map_of(WHOLE), t=TEXT))),
    "map_struct_list": map_of(struct(l=pa.list_(WHOLE), t=TEXT)),
    "map_struct_late": map_of(struct(t=TEXT, l=pa.list_(pa.list_(WHOLE)))),
    "list_map_struct_map": pa.list_(map_of(struct(m=map_of(TEXT)))),
    "number_keys": pa.map_(pa.int32(), TEXT),
}


def value(kind):
    if random.random() < 0.15:
        return None
    if pa.types.is_map(kind):
        keys = range(random.randrange(4))
        return [(i if kind.key_type == pa.int32() else f"k{i}", value(kind.item_type)) for i in keys]
    if pa.types.is_list(kind):
        return [value(kind.value_type) for _ in range(random.randrange(4))]
    if pa.types.is_struct(kind):
        return {field.name: value(field.type) for field in kind}
    return random.randrange(100) if kind == WHOLE else random.choice(["a", "ü", ""])


def plain(read, kind):
    if read is None:
        return None
    if pa.types.is_map(kind):
        return {str(key): plain(item, kind.item_type) for key, item in read}
    if pa.types.is_list(kind):
        return [plain(item, kind.value_type) for item in read]
    if pa.types.is_struct(kind):
        return {field.name: plain(read[field.name], field.type) for field in kind}
    return read


def write(folder, name, columns, rows):
    table = pa.table({c: pa.array([row[c] for row in rows], kind) for c, kind in columns.items()})
    pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def main():
    folder = Path(sys.argv[1])
    random.seed(7)
    rows = [{name: value(kind) for name, kind in COLUMNS.items()} for _ in range(40)]
    write(folder, "maps", COLUMNS, rows)
    with open(folder / "maps.jsonl", "w", encoding="utf-8") as out:
        for row in pq.read_table(folder / "maps.parquet").to_pylist():
            line = {name: plain(row[name], kind) for name, kind in COLUMNS.items()}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    twice = {"m": pa.map_(pa.binary(), WHOLE), "n": map_of(WHOLE)}
    write(
        folder,
        "map_keys",
        twice,
        [
            {"m": [], "n": [("a", 1)]},
            {"m": [], "n": [("a", 1), ("b", 2), ("a", 3)]},
            {"m": [(b"\x00", 1)], "n": []},
        ],
    )
    texts = pa.array([b"ok", "\ufffd".encode(), b"caf\xe9"]).buffers()
    broken = pa.Array.from_buffers(TEXT, 3, texts)
    offsets = pa.array([0, 1, 2, 3], pa.int32())
    keys = pa.array(["k", "k", "k"])
    columns = {
        "t": broken,
        "l": pa.ListArray.from_arrays(offsets, broken),
        "s": pa.StructArray.from_arrays([broken], ["t"]),
        "m": pa.MapArray.from_arrays(offsets, keys, broken),
        "k": pa.MapArray.from_arrays(offsets, broken, keys),
    }
    for name, column in columns.items():
        table = pa.table({"n": [0, 1, 2], "c": column})
        pq.write_table(table, folder / f"text_{name}.parquet", store_schema=False)
    first = {"m": map_of(struct(l=pa.list_(pa.list_(WHOLE)), t=TEXT))}
    write(folder, "map_first", first, [{"m": [("a", {"l": [[1], []], "t": "b"})]}])


if __name__ == "__main__":
    main()
