"""Writes one table as Parquet in every codec: for tests, and as samples of bench/fuzz. Needs pyarrow.

    python make_parquet.py FOLDER
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

rows = range(50)
table = pa.table({
    "prompt": [f"What is {i}?" for i in rows],
    "completion": [f"It is {i}, which is a number." for i in rows],
    "n": list(rows),
})
for codec in ("snappy", "gzip", "zstd", "lz4", "brotli"):
    pq.write_table(table, f"{sys.argv[1]}/{codec}.parquet", compression=codec)
