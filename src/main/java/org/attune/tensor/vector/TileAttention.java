package org.attune.tensor.vector;

/// Attention of one thread over bfloat16 numbers, tile by tile of queries and keys, with a running
/// softmax ([2205.14135](https://arxiv.org/abs/2205.14135), algorithm 1): products by
/// [TileProduct], all between them in [TileLoops], and nothing of a tile leaves the cache. Sums are
/// float32; probabilities and their gradients are rounded to bfloat16 before products.
///
/// Where there are many keys, tiles of queries take turns with a block of them that the processor's
/// own cache holds: read anew for each tile, the keys of a row of 65,536 would come from memory.
///
/// Scores stand transposed, `(keys, R)`, with `R` columns for the queries of a tile and the heads
/// of a group; `K` head size, `T` keys.
final class TileAttention implements AttentionWork {
    /// Keys of a tile.
    private static final int KEYS = 128;

    /// Rows of tiles are multiples of it, so that there are few kinds of products.
    private static final int STEP = 32;

    /// Columns of tiles are multiples of it, so that there are few kinds of products.
    private static final int COLUMN_STEP = 16;

    /// More cost short segments scores that nobody sees, fewer cost long ones calls.
    private static final int MOST_COLUMNS = 96;

    private static final int MOST_QUERIES = 64;
    private static final int FEWEST_QUERIES = 16;
    private static final int QUERY_STEP = 8;

    /// Keys of a block: with their gradients half of a processor's own cache. Scores of so many
    /// stay until they are used again in a gradient.
    private static final int BLOCK = 512;

    /// Tiles of queries that take turns with it.
    private static final int TURNS = 16;

    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;

    private final AttentionShape shape;
    private final int window;
    private final int size; // K
    private final int queriesAtOnce;

    private final long keys; // (T, K)
    private final long values; // (T, K), only for gradients
    private final long turned; // (T / KEYS, K, KEYS): values, or keys for gradients
    private final long q; // (R, K)
    private final long dOut; // (R, K)
    private final long scores; // float32 (BLOCK, R)
    private final long dp; // float32 (KEYS, R)
    private final long p; // (KEYS, R)
    private final long ds; // (KEYS, R)
    private final long pairs; // (KEYS/2, R, 2)
    private final long factors; // float32 (R)
    private final long limits; // int32 (R)
    private final long scratch;
    private final Tile[] tiles;

    private AttentionPart part;
    private int head;
    private Tile tile;
    private int queries; // of the tile
    private int columns; // of the tile
    private int first; // key of the tile's first query

    /// Memory of a tile of queries while it takes turns.
    ///
    /// @param qPairs `(R/2, K, 2)`
    /// @param qByFeature `(K/2, R, 2)`
    /// @param dOutPairs `(R/2, K, 2)`
    /// @param dOutByFeature `(K/2, R, 2)`
    /// @param product float32 `(K, R)`
    /// @param most float32 `(R)`
    /// @param sums likewise
    /// @param means likewise
    private record Tile(
            long qPairs,
            long qByFeature,
            long dOutPairs,
            long dOutByFeature,
            long product,
            long most,
            long sums,
            long means) {
        static Tile of(Pieces pieces, long matrix, long row, int size) {
            return new Tile(
                    pieces.take(matrix),
                    pieces.take(matrix),
                    pieces.take(matrix),
                    pieces.take(matrix),
                    pieces.take(size * row),
                    pieces.take(row),
                    pieces.take(row),
                    pieces.take(row));
        }
    }

    /// Gives out memory piece by piece.
    private static final class Pieces {
        private static final long LINE = 64;

        private long next;

        Pieces(long start) {
            next = start;
        }

        long take(long bytes) {
            long piece = next;
            next += (bytes + LINE - 1) / LINE * LINE;
            return piece;
        }
    }

    /// Bytes that a thread needs.
    ///
    /// @param keys most keys of a part
    static long bytes(AttentionShape shape, int keys) {
        return new TileAttention(shape, 0, keys, 0).end;
    }

    private final long end;

    /// @param mostKeys keys of a part at most
    /// @param memory of [#bytes]
    TileAttention(AttentionShape shape, int window, int mostKeys, long memory) {
        this.shape = shape;
        this.window = window;
        size = shape.headDim();
        queriesAtOnce = queriesAtOnce(shape.groups());
        int r = roundedColumns(queriesAtOnce * shape.groups());
        long matrix = (long) (mostKeys + KEYS - 1) / KEYS * KEYS * size * HALF;
        long queryMatrix = (long) r * size * HALF;
        long halves = (long) KEYS * r * HALF;
        long row = (long) r * FLOAT;
        var pieces = new Pieces(memory);
        keys = pieces.take(matrix);
        values = pieces.take(matrix);
        turned = pieces.take(matrix);
        q = pieces.take(queryMatrix);
        dOut = pieces.take(queryMatrix);
        scores = pieces.take(BLOCK * row);
        dp = pieces.take(KEYS * row);
        p = pieces.take(halves);
        ds = pieces.take(halves);
        pairs = pieces.take(halves);
        factors = pieces.take(row);
        limits = pieces.take(row);
        scratch = pieces.take(TileRows.SCRATCH);
        tiles = new Tile[turns(mostKeys)];
        for (int i = 0; i < tiles.length; i++) {
            tiles[i] = Tile.of(pieces, queryMatrix, row, size);
        }
        end = pieces.take(0);
    }

    /// Tiles of queries that take turns.
    private static int turns(int keys) {
        return keys > BLOCK ? TURNS : 1;
    }

    private static int queriesAtOnce(int groups) {
        int most = MOST_COLUMNS / groups / QUERY_STEP * QUERY_STEP;
        return Math.clamp(most, FEWEST_QUERIES, MOST_QUERIES);
    }

    private static int rounded(int count) {
        return (count + STEP - 1) / STEP * STEP;
    }

    private static int roundedColumns(int count) {
        return (count + COLUMN_STEP - 1) / COLUMN_STEP * COLUMN_STEP;
    }

    @Override
    public void forward(AttentionPart of, int kvHead, Rows qkv, Rows out, long logs) {
        begin(of, kvHead);
        readKeys(qkv, shape.keys(head), keys);
        readKeys(qkv, shape.values(head), values);
        turn(values);
        eachTurn(
                a -> {
                    readQueries(qkv, a, q);
                    TileRows.transposePairs(q, columns, size / 2, tile.qByFeature(), scratch);
                    beginSums();
                },
                this::forwardTile,
                a -> {
                    TileLoops.divideIntoPairs(tile.product(), size, columns, tile.sums(), pairs);
                    write(a, out);
                    if (logs != 0) {
                        TileLoops.logSums(tile.most(), tile.sums(), columns);
                        copyLogs(a, logs, true);
                    }
                });
        TileProduct.release();
    }

    /// What is done with a tile of queries.
    private interface Turn {
        /// @param query first of the tile
        void take(int query);
    }

    /// What is done with a tile of queries and a block of keys, in the order of the keys.
    private interface Meeting {
        /// @param from a key
        /// @param to one past the last, for this tile
        void take(int from, int to);
    }

    /// Every tile of queries meets every block of keys that it sees.
    private void eachTurn(Turn begin, Meeting meeting, Turn end) {
        int step = turns(part.keys()) * queriesAtOnce;
        for (int from = 0; from < part.length(); from += step) {
            int to = Math.min(part.length(), from + step);
            eachTile(from, to, begin);
            beginTile(from, from);
            int keys = Math.min(part.keys(), part.position() + to);
            for (int key = firstKey(); key < keys; key += BLOCK) {
                int block = key;
                eachTile(
                        from,
                        to,
                        _ -> {
                            int first = Math.max(block, firstKey());
                            int last = Math.min(block + BLOCK, visible());
                            if (first < last) {
                                meeting.take(first, last);
                            }
                        });
            }
            eachTile(from, to, end);
        }
    }

    private void eachTile(int from, int to, Turn turn) {
        for (int a = from; a < to; a += queriesAtOnce) {
            beginTile(a, from);
            turn.take(a);
        }
    }

    /// Adds to `(K, R)`, not divided by the sums of exponentials yet.
    private void forwardTile(int from, int to) {
        for (int key = from; key < to; key += KEYS) {
            boolean add = key > firstKey();
            int rows = rows(key);
            scores(key, rows, scores);
            TileLoops.largest(scores, rows, columns, tile.most(), factors);
            TileLoops.exponentials(scores, rows, columns, tile.most(), factors, tile.sums(), pairs);
            if (add) {
                TileLoops.scale(tile.product(), size, columns, factors);
            }
            timesTurned(key, rows, add);
        }
    }

    @Override
    public void backward(
            AttentionPart of,
            int kvHead,
            Rows qkv,
            Rows out,
            long logs,
            Rows dOutput,
            Rows dQkv,
            long dKeys,
            long dValues) {
        begin(of, kvHead);
        readKeys(qkv, shape.keys(head), keys);
        readKeys(qkv, shape.values(head), values);
        turn(keys);
        TileLoops.fill(dKeys, rounded(part.keys()) * size, 0);
        TileLoops.fill(dValues, rounded(part.keys()) * size, 0);
        boolean kept = logs == 0 && turns(part.keys()) == 1; // no more keys than a block
        eachTurn(
                a -> {
                    readGradients(a, qkv, out, dOutput);
                    if (logs == 0) {
                        readSums(kept);
                    } else {
                        copyLogs(a, logs, false);
                    }
                },
                (from, to) -> backwardTile(from, to, kept, dKeys, dValues),
                a -> {
                    TileLoops.fill(tile.sums(), columns, 1);
                    TileLoops.divideIntoPairs(tile.product(), size, columns, tile.sums(), pairs);
                    write(a, dQkv);
                });
        TileProduct.release();
    }

    /// Reads what a tile of queries needs.
    private void readGradients(int a, Rows qkv, Rows out, Rows dOutput) {
        readQueries(dOutput, a, dOut);
        readQueries(out, a, p);
        TileRows.dots(p, dOut, columns, size, tile.means());
        TileRows.interleave(dOut, columns, size, tile.dOutPairs());
        TileRows.transposePairs(dOut, columns, size / 2, tile.dOutByFeature(), scratch);
        readQueries(qkv, a, q);
        TileRows.interleave(q, columns, size, tile.qPairs());
        TileRows.transposePairs(q, columns, size / 2, tile.qByFeature(), scratch);
    }

    /// Adds to the gradients of keys and values, and to that of the queries, `(K, R)`.
    ///
    /// @param kept whether all the tile's scores stand there
    private void backwardTile(int from, int to, boolean kept, long dKeys, long dValues) {
        for (int key = from; key < to; key += KEYS) {
            int rows = rows(key);
            long s = place(key, kept);
            if (!kept) {
                scores(key, rows, s);
            }
            TileLoops.probabilities(s, rows, columns, tile.most(), p);
            addGradients(rows, p, tile.dOutPairs(), dValues + (long) key * size * FLOAT);
            byFeature(values, key, rows, tile.dOutByFeature(), dp);
            TileLoops.scoreGradients(s, dp, rows, columns, tile.means(), ds, pairs);
            addGradients(rows, ds, tile.qPairs(), dKeys + (long) key * size * FLOAT);
            timesTurned(key, rows, key > firstKey());
        }
    }

    /// Logarithms of the sums of all exponentials, in [Tile#most]. Leaves the scores if they are
    /// kept.
    private void readSums(boolean kept) {
        beginSums();
        for (int key = firstKey(); key < visible(); key += KEYS) {
            int rows = rows(key);
            long s = place(key, kept);
            scores(key, rows, s);
            TileLoops.largest(s, rows, columns, tile.most(), factors);
            TileLoops.addExponentials(s, rows, columns, tile.most(), factors, tile.sums());
        }
        TileLoops.logSums(tile.most(), tile.sums(), columns);
    }

    private void begin(AttentionPart of, int kvHead) {
        part = of;
        head = kvHead;
    }

    /// @param a first query
    /// @param from first query of the tiles that take turns
    private void beginTile(int a, int from) {
        tile = tiles[(a - from) / queriesAtOnce];
        queries = Math.min(queriesAtOnce, part.length() - a);
        columns = roundedColumns(queries * shape.groups());
        first = part.position() + a;
        for (int c = 0; c < columns; c++) {
            // Columns behind the last query see what the first does, and count for nothing.
            int query = c < queries * shape.groups() ? c / shape.groups() : 0;
            Vectors.put(first + query, limits + (long) c * FLOAT);
        }
    }

    private void beginSums() {
        TileLoops.fill(tile.most(), columns, TileLoops.HIDDEN);
        TileLoops.fill(tile.sums(), columns, 0);
    }

    /// One past the last key that a query of the tile sees.
    private int visible() {
        return first + queries;
    }

    /// First key of the first tile of keys that a query of the tile sees.
    private int firstKey() {
        return window > 0 ? Math.max(0, first - window + 1) / KEYS * KEYS : 0;
    }

    private int rows(int key) {
        return rounded(Math.min(KEYS, visible() - key));
    }

    private long place(int key, boolean kept) {
        return kept ? scores + (long) (key - firstKey()) * columns * FLOAT : scores;
    }

    private void scores(int key, int rows, long s) {
        byFeature(keys, key, rows, tile.qByFeature(), s);
        if (key + rows > first + 1) {
            int seen = Math.max(0, first + 1 - key);
            long hidden = s + (long) seen * columns * FLOAT;
            TileLoops.hideLater(hidden, key + seen, rows - seen, columns, limits);
        }
        if (window > 0 && key <= first + queries - 1 - window) {
            TileLoops.hideEarlier(s, key, rows, columns, limits, window);
        }
    }

    /// Rows of keys or values times columns of queries or what has their place.
    private void byFeature(long left, int key, int rows, long right, long to) {
        TileProduct.multiply(
                rows,
                columns,
                size,
                size,
                columns,
                columns,
                false,
                left + (long) key * size * HALF,
                right,
                to);
    }

    /// `product = turned pairs`, or added to it.
    private void timesTurned(int key, int rows, boolean add) {
        TileProduct.multiply(
                size,
                columns,
                rows,
                KEYS,
                columns,
                columns,
                add,
                turned + (long) key * size * HALF,
                pairs,
                tile.product());
    }

    private void addGradients(int rows, long left, long right, long sum) {
        TileProduct.multiply(rows, size, columns, columns, size, size, true, left, right, sum);
    }

    private void readKeys(Rows qkv, int column, long to) {
        long bytes = (long) size * HALF;
        part.forEachRange(
                (key, row, count) -> {
                    long from = qkv.at(row, column);
                    TileRows.copy(from, qkv.stride(), count, size, to + key * bytes, bytes);
                });
        int count = part.keys();
        TileRows.zero(to + count * bytes, (rounded(count) - count) * size);
    }

    private void turn(long from) {
        int count = rounded(part.keys());
        for (int key = 0; key < count; key += KEYS) {
            long at = (long) key * size * HALF;
            TileRows.transpose(from + at, Math.min(KEYS, count - key), size, turned + at, KEYS);
        }
    }

    /// Rows of the tile's queries and heads, or of what has their columns; zeros behind them.
    private void readQueries(Rows from, int a, long to) {
        int numbers = shape.groups() * size;
        long rows = from.at(part.row(a), shape.queries(head));
        TileRows.copy(rows, from.stride(), queries, numbers, to, (long) numbers * HALF);
        int count = queries * shape.groups();
        TileRows.zero(to + (long) count * size * HALF, (columns - count) * size);
    }

    /// Copies what is in [Tile#most] to the tile's rows of `logs`, or the other way round.
    private void copyLogs(int a, long logs, boolean out) {
        int heads = shape.kvHeads() * shape.groups();
        if (!out) {
            TileLoops.fill(tile.most(), columns, 0); // for columns behind the last query
        }
        for (int c = 0; c < queries * shape.groups(); c++) {
            long row = part.row(a + c / shape.groups());
            long place = row * heads + (long) head * shape.groups() + c % shape.groups();
            long outside = logs + place * FLOAT;
            long inside = tile.most() + (long) c * FLOAT;
            Vectors.put(Vectors.number(out ? inside : outside), out ? outside : inside);
        }
    }

    /// Writes [#pairs], `(K/2, R, 2)`, as rows.
    private void write(int a, Rows out) {
        TileRows.transposePairs(pairs, size / 2, columns, q, scratch);
        int numbers = shape.groups() * size;
        long rows = out.at(part.row(a), shape.queries(head));
        TileRows.copy(q, (long) numbers * HALF, queries, numbers, rows, out.stride());
    }
}
