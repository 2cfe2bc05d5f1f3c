package org.attune.tensor.vector;

/// Root-mean-square norms of each head's queries and keys, where they stand side by side in rows.
/// What [NormKernel] does to a row is done to each head.
public final class HeadNormKernel {
    /// Rows of an item of work.
    private static final int CHUNK = 16;

    private static final int FLOAT = Float.BYTES;

    private final int queries;
    private final int heads;
    private final int size;
    private final NormKernel query;
    private final NormKernel key;

    /// @param queries heads of queries, first in each row
    /// @param keys heads of keys behind them
    /// @param size of a head, a multiple of the vector's length
    /// @param epsilon ε
    /// @param offset `o`, added to weights
    /// @param queryWeight address of the queries' `w`, in the numbers of the rows
    /// @param keyWeight likewise
    public HeadNormKernel(
            int queries,
            int keys,
            int size,
            double epsilon,
            double offset,
            long queryWeight,
            long keyWeight) {
        this.queries = queries;
        this.size = size;
        heads = queries + keys;
        query = new NormKernel(size, epsilon, offset, queryWeight);
        key = new NormKernel(size, epsilon, offset, keyWeight);
    }

    private NormKernel norm(int head) {
        return head < queries ? query : key;
    }

    /// Norms heads where they are.
    ///
    /// @param y `count` rows, changed
    /// @param before written: the heads as they were; or null: not wanted
    /// @param r address of float32 `(count, heads)`, written
    public void forward(Rows y, Rows before, long r, int count, int threads) {
        int bytes = size * (y.half() ? Short.BYTES : FLOAT);
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    if (before != null) {
                        RowMoves.move(y.at(row, 0), before.at(row, 0), (long) heads * bytes);
                    }
                    for (int h = 0; h < heads; h++) {
                        long head = y.at(row, h * size);
                        long factor = r + ((long) row * heads + h) * FLOAT;
                        norm(h).forward(y.half(), head, head, factor);
                    }
                });
    }

    /// Bytes that [#backward] works in.
    public long workBytes() {
        return (long) size * FLOAT;
    }

    /// Replaces the gradients of normed heads by those of the heads.
    ///
    /// @param dy `count` rows, changed
    /// @param before what [#forward] wrote
    /// @param r likewise
    /// @param memory of [#workBytes]
    public void backward(Rows dy, Rows before, long r, int count, long memory, int threads) {
        Vectors.MEMORY.asSlice(memory, workBytes()).fill((byte) 0); // no residual
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    for (int h = 0; h < heads; h++) {
                        long head = dy.at(row, h * size);
                        float factor = Vectors.number(r + ((long) row * heads + h) * FLOAT);
                        long x = before.at(row, h * size);
                        norm(h).backward(dy.half(), head, x, factor, memory, head);
                    }
                });
    }
}
