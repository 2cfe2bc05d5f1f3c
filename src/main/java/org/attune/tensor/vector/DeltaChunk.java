package org.attune.tensor.vector;

/// The gated delta rule in a chunk of a head, and its gradient, in the memory of one thread. `C`
/// tokens of a chunk, `k` features of a key, `v` of a value.
///
/// With `G` the sums of `g`, `D_ij = e^(G_i - G_j)` for `j ≤ i`, and `S` the state before:
/// ```
/// A = β k kᵀ ∘ D below the diagonal,     P = q kᵀ ∘ D
/// U = (1 + A)⁻¹ β (v - e^G k S)
/// o = e^G q S + P U,     S' = e^(G_C) S + (k e^(G_C - G))ᵀ U
/// ```
/// [Yang et al. 2024, Eq. 10](https://arxiv.org/abs/2412.06464), whose chunks are solved for `U`
/// at once.
final class DeltaChunk {
    /// Tokens of a chunk: with more of them products among tokens take longer, with fewer states.
    static final int SIZE = 32;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;
    private static final int BLOCK = Matrices.ROWS;
    private static final long SQUARE_ROW = (long) SIZE * FLOAT;

    private static final int BY_KEY = 9;
    private static final int BY_VALUE = 9;
    private static final int SQUARES = 8;
    private static final int COLUMNS = 10;

    private final int keyDim;
    private final int valueDim;
    private final long keyRow; // bytes
    private final long valueRow;

    private final long q; // (C, k)
    private final long k; // (C, k)
    private final long dq; // (C, k)
    private final long dk; // (C, k)
    private final long kByFeature; // (k, C)
    private final long dqByFeature; // (k, C)
    private final long dkByFeature; // (k, C)
    private final long dReadByFeature; // (k, C)
    private final long v; // (C, v)
    private final long u; // (C, v)
    private final long o; // (C, v), or its gradient
    private final long du; // (C, v)
    private final long work; // (C, v)
    private final long uByFeature; // (v, C)
    private final long doByFeature; // (v, C)
    private final long drByFeature; // (v, C)
    private final long seen; // (C, C), ones where a token sees another or itself
    private final long kk; // (C, C)
    private final long qk; // (C, C)
    private final long decay; // (C, C), D
    private final long p; // (C, C)
    private final long minusA; // (C, C)
    private final long dp; // (C, C)
    private final long da; // (C, C)
    private final long sums; // (C), G
    private final long grown; // (C), e^G
    private final long left; // (C), e^(G_C - G)
    private final long beta; // (C)
    private final long columns; // (C)
    private final long ofWritten; // (C)
    private final long ofRead; // (C)
    private final long factors; // (C)
    private final long dSums; // (C)
    private final long dBeta; // (C)
    private final long scratch; // of a transposition

    private int count;
    private int rows; // the tokens, rounded up to what products take
    private int wide; // and to vectors

    /// Bytes that a thread needs.
    static long bytes(int keyDim, int valueDim) {
        long numbers = (long) SIZE * (BY_KEY * keyDim + BY_VALUE * valueDim + COLUMNS);
        return FLOAT * (numbers + (long) SQUARES * SIZE * SIZE) + TileRows.SCRATCH;
    }

    /// @param memory of [#bytes]
    DeltaChunk(int keyDim, int valueDim, long memory) {
        this.keyDim = keyDim;
        this.valueDim = valueDim;
        keyRow = (long) keyDim * FLOAT;
        valueRow = (long) valueDim * FLOAT;
        long byKey = SIZE * keyRow;
        long byValue = SIZE * valueRow;
        long square = SIZE * SQUARE_ROW;
        q = memory;
        k = q + byKey;
        dq = k + byKey;
        dk = dq + byKey;
        kByFeature = dk + byKey;
        dqByFeature = kByFeature + byKey;
        dkByFeature = dqByFeature + byKey;
        dReadByFeature = dkByFeature + byKey;
        v = dReadByFeature + byKey;
        u = v + byValue;
        o = u + byValue;
        du = o + byValue;
        work = du + byValue;
        uByFeature = work + byValue;
        doByFeature = uByFeature + byValue;
        drByFeature = doByFeature + byValue;
        seen = drByFeature + byValue;
        kk = seen + square;
        qk = kk + square;
        decay = qk + square;
        p = decay + square;
        minusA = p + square;
        dp = minusA + square;
        da = dp + square;
        sums = da + square;
        grown = sums + SQUARE_ROW;
        left = grown + SQUARE_ROW;
        beta = left + SQUARE_ROW;
        columns = beta + SQUARE_ROW;
        ofWritten = columns + SQUARE_ROW;
        ofRead = ofWritten + SQUARE_ROW;
        factors = ofRead + SQUARE_ROW;
        dSums = factors + SQUARE_ROW;
        dBeta = dSums + SQUARE_ROW;
        scratch = dBeta + SQUARE_ROW;
        for (int i = 0; i < SIZE; i++) {
            for (int j = 0; j < SIZE; j++) {
                Vectors.put(j <= i ? 1 : 0, square(seen, i, j));
            }
        }
    }

    private static long square(long matrix, int row, int column) {
        return matrix + row * SQUARE_ROW + (long) column * FLOAT;
    }

    private static float number(long column, int row) {
        return Vectors.number(column + (long) row * FLOAT);
    }

    private static void put(float value, long column, int row) {
        Vectors.put(value, column + (long) row * FLOAT);
    }

    /// Where a chunk of a head lies among rows.
    ///
    /// @param row of its first token
    /// @param count tokens
    /// @param query column of its queries
    /// @param key of its keys
    /// @param value of its values
    /// @param head its number
    /// @param heads of values in all
    record Place(int row, int count, int query, int key, int value, int head, int heads) {
        /// Column of what is put out.
        int out(int valueDim) {
            return head * valueDim;
        }
    }

    /// Reads a chunk.
    ///
    /// @param qkv queries, keys and values
    /// @param rates `g` of all heads, then `β`
    void read(Rows qkv, Rows rates, Place at) {
        count = at.count();
        rows = rounded(count, BLOCK);
        wide = rounded(count, LANES);
        read(qkv, at.row(), at.query(), keyDim, q);
        read(qkv, at.row(), at.key(), keyDim, k);
        read(qkv, at.row(), at.value(), valueDim, v);
        float sum = 0;
        for (int i = 0; i < SIZE; i++) {
            boolean there = i < count;
            sum += there ? Vectors.number(rates.at(at.row() + i, at.head())) : 0;
            put(sum, sums, i);
            int column = at.heads() + at.head();
            put(there ? Vectors.number(rates.at(at.row() + i, column)) : 0, beta, i);
        }
        StateLoops.exponentials(sums, 0, 1, SIZE, grown);
        StateLoops.exponentials(sums, sum, -1, SIZE, left);
    }

    private static int rounded(int count, int step) {
        return (count + step - 1) / step * step;
    }

    /// Reads the chunk's rows, and zeros behind them.
    private void read(Rows from, int row, int column, int width, long to) {
        long bytes = (long) width * FLOAT;
        for (int i = 0; i < count; i++) {
            RowMoves.move(from.at(row + i, column), to + i * bytes, bytes);
        }
        if (count < SIZE) {
            TileLoops.fill(to + count * bytes, (SIZE - count) * width, 0);
        }
    }

    private void write(long from, int width, Rows to, int row, int column) {
        long bytes = (long) width * FLOAT;
        for (int i = 0; i < count; i++) {
            RowMoves.move(from + i * bytes, to.at(row + i, column), bytes);
        }
    }

    /// Whether the chunk is a single token, which [#step] computes sooner.
    boolean isOne() {
        return count == 1;
    }

    /// Computes one token.
    ///
    /// @param state changed
    /// @param out written
    void step(long state, Rows out, Place at) {
        long to = out.at(at.row(), at.out(valueDim));
        float decay = number(grown, 0);
        DeltaStep.step(state, decay, number(beta, 0), q, k, v, keyDim, valueDim, work, to);
    }

    /// Computes the tokens.
    ///
    /// @param state `(k, v)`, changed
    /// @param out written
    /// @param kept `U` of the rows, written; or null: not wanted
    void forward(long state, Rows out, Rows kept, Place at) {
        products();
        multiply(k, keyRow, state, valueRow, work, rows, valueDim, keyDim, false);
        for (int i = 0; i < rows; i++) {
            StateLoops.difference(
                    v + i * valueRow,
                    work + i * valueRow,
                    number(grown, i),
                    number(beta, i),
                    valueDim,
                    u + i * valueRow);
        }
        UnitSolves.forward(minusA, SQUARE_ROW, u, rows, valueDim);
        multiply(q, keyRow, state, valueRow, o, rows, valueDim, keyDim, false);
        for (int i = 0; i < rows; i++) {
            long row = o + i * valueRow;
            StateLoops.scale(row, number(grown, i), valueDim, row);
        }
        for (int i = 0; i < rows; i += BLOCK) {
            multiply(
                    square(p, i, 0),
                    SQUARE_ROW,
                    u,
                    valueRow,
                    o + i * valueRow,
                    BLOCK,
                    valueDim,
                    i + BLOCK,
                    true);
        }
        write(o, valueDim, out, at.row(), at.out(valueDim));
        if (kept != null) {
            write(u, valueDim, kept, at.row(), at.out(valueDim));
        }
        for (int i = 0; i < count; i++) {
            StateLoops.scale(u + i * valueRow, number(left, i), valueDim, work + i * valueRow);
        }
        StateLoops.scale(state, number(grown, count - 1), keyDim * valueDim, state);
        addTransposed(k, work, state);
    }

    /// Computes `q kᵀ`, `k kᵀ`, `D`, `P` and `-A`.
    private void products() {
        turn(k, keyRow, SIZE, keyDim, kByFeature, SQUARE_ROW);
        multiply(q, keyRow, kByFeature, SQUARE_ROW, qk, rows, wide, keyDim, false);
        multiply(k, keyRow, kByFeature, SQUARE_ROW, kk, rows, wide, keyDim, false);
        for (int i = 0; i < rows; i++) {
            long row = i * SQUARE_ROW;
            StateLoops.decays(sums, number(sums, i), seen + row, wide, decay + row);
            StateLoops.product(qk + row, decay + row, 1, wide, p + row);
            StateLoops.product(kk + row, decay + row, -number(beta, i), wide, minusA + row);
        }
    }

    /// Writes rows as columns.
    private void turn(long from, long fromRow, int height, int width, long to, long toRow) {
        TileRows.transposePairs(from, fromRow, height, width, to, toRow, scratch);
    }

    /// `c = a b`, or `c += a b`; rows of `c` stand as far apart as those of `b`.
    private static void multiply(
            long a, long aRow, long b, long bRow, long c, int m, int n, int k, boolean add) {
        Matrices.multiply(a, aRow, FLOAT, b, bRow, c, bRow, m, n, k, add);
    }

    /// `sum += aᵀ b` over the tokens.
    ///
    /// @param a `(C, k)`
    /// @param b `(C, v)`
    /// @param sum `(k, v)`
    private void addTransposed(long a, long b, long sum) {
        Matrices.multiply(
                a, FLOAT, keyRow, b, valueRow, sum, valueRow, keyDim, valueDim, count, true);
    }

    /// The gradients of what [#read] has read.
    ///
    /// @param state before the chunk, `(k, v)`
    /// @param dState gradient of that behind it; becomes that of the state before it
    /// @param kept what [#forward] has kept
    /// @param dOut gradient of what it wrote
    /// @param dQkv written in the columns of queries, keys and values
    /// @param dRates written in the columns of `g` and `β`
    /// @param adds whether gradients of queries and keys are added to
    void backward(
            long state,
            long dState,
            Rows kept,
            Rows dOut,
            Rows dQkv,
            Rows dRates,
            boolean adds,
            Place at) {
        products();
        read(kept, at.row(), at.out(valueDim), valueDim, u);
        read(dOut, at.row(), at.out(valueDim), valueDim, o);
        solvedGradient(dState);
        turn(u, valueRow, SIZE, valueDim, uByFeature, SQUARE_ROW);
        turn(o, valueRow, SIZE, valueDim, doByFeature, SQUARE_ROW);
        turn(du, valueRow, SIZE, valueDim, drByFeature, SQUARE_ROW);
        multiply(o, valueRow, uByFeature, SQUARE_ROW, dp, rows, wide, valueDim, false);
        multiply(du, valueRow, uByFeature, SQUARE_ROW, da, rows, wide, valueDim, false);
        decayGradients();
        throughStates(state, dState);
        keyGradients();
        ratesGradient(state, dState, dRates, at);
        stateGradient(dState);
        write(dq, dQkv, at.row(), at.query(), adds);
        write(dk, dQkv, at.row(), at.key(), adds);
        for (int i = 0; i < count; i++) {
            long to = dQkv.at(at.row() + i, at.value());
            StateLoops.scale(du + i * valueRow, number(beta, i), valueDim, to);
        }
    }

    private void write(long from, Rows to, int row, int column, boolean adds) {
        if (!adds) {
            write(from, keyDim, to, row, column);
            return;
        }
        for (int i = 0; i < count; i++) {
            StateLoops.addScaled(from + i * keyRow, 1, keyDim, to.at(row + i, column));
        }
    }

    /// The gradient of `β (v - e^G k S)`:
    /// ```
    /// dU = Pᵀ do + e^(G_C - G) k dS',     dR = (1 + A)⁻ᵀ dU
    /// ```
    private void solvedGradient(long dState) {
        multiply(k, keyRow, dState, valueRow, du, rows, valueDim, keyDim, false);
        for (int i = 0; i < rows; i++) {
            StateLoops.scale(du + i * valueRow, number(left, i), valueDim, du + i * valueRow);
        }
        for (int i = 0; i < rows; i += BLOCK) {
            Matrices.multiply(
                    square(p, i, i),
                    FLOAT,
                    SQUARE_ROW,
                    o + i * valueRow,
                    valueRow,
                    du + i * valueRow,
                    valueRow,
                    BLOCK,
                    valueDim,
                    rows - i,
                    true);
        }
        UnitSolves.backward(minusA, SQUARE_ROW, du, rows, valueDim);
    }

    /// Makes of the gradients of `P` and `-A` those of the products, and adds up what decays and
    /// `β` get.
    private void decayGradients() {
        TileLoops.fill(columns, SIZE, 0);
        TileLoops.fill(dSums, SIZE, 0);
        TileLoops.fill(dBeta, SIZE, 0);
        for (int i = 0; i < rows; i++) {
            long row = i * SQUARE_ROW;
            float share = number(beta, i);
            float scores =
                    StateLoops.decayGradients(dp + row, decay + row, qk + row, 1, columns, wide);
            Vectors.put(0, square(decay, i, i)); // A has nothing there
            float known =
                    StateLoops.decayGradients(
                            da + row, decay + row, kk + row, -share, columns, wide);
            put(scores - share * known, dSums, i);
            put(-known, dBeta, i);
        }
    }

    /// What queries and keys get through states, feature by feature.
    private void throughStates(long state, long dState) {
        byFeature(state, doByFeature, dqByFeature);
        byFeature(dState, uByFeature, dkByFeature);
        byFeature(state, drByFeature, dReadByFeature);
        StateLoops.columnDots(kByFeature, dkByFeature, SQUARE_ROW, keyDim, wide, ofWritten);
        StateLoops.columnDots(kByFeature, dReadByFeature, SQUARE_ROW, keyDim, wide, ofRead);
        StateLoops.product(beta, grown, 1, SIZE, factors);
        for (int d = 0; d < keyDim; d++) {
            long row = d * SQUARE_ROW;
            StateLoops.combine(dkByFeature + row, left, dReadByFeature + row, factors, wide);
            StateLoops.product(dqByFeature + row, grown, 1, wide, dqByFeature + row);
        }
        turn(dqByFeature, SQUARE_ROW, keyDim, SIZE, dq, keyRow);
        turn(dkByFeature, SQUARE_ROW, keyDim, SIZE, dk, keyRow);
    }

    /// @param matrix `(k, v)`
    /// @param by `(v, C)`
    /// @param to `(k, C)`
    private void byFeature(long matrix, long by, long to) {
        multiply(matrix, valueRow, by, SQUARE_ROW, to, keyDim, wide, valueDim, false);
    }

    /// Adds what queries and keys get from each other.
    private void keyGradients() {
        for (int i = 0; i < count; i++) {
            float own = StateLoops.dot(q + i * keyRow, dq + i * keyRow, keyDim);
            put(number(dSums, i) + own, dSums, i);
        }
        multiply(dp, SQUARE_ROW, k, keyRow, dq, rows, keyDim, rows, true);
        multiply(da, SQUARE_ROW, k, keyRow, dk, rows, keyDim, rows, true);
        addByToken(da, k);
        addByToken(dp, q);
    }

    /// `dk += matrixᵀ x`.
    private void addByToken(long matrix, long x) {
        Matrices.multiply(
                matrix, FLOAT, SQUARE_ROW, x, keyRow, dk, keyRow, rows, keyDim, rows, true);
    }

    private void ratesGradient(long state, long dState, Rows dRates, Place at) {
        float last = number(grown, count - 1) * StateLoops.dot(state, dState, keyDim * valueDim);
        float after = 0;
        for (int i = 0; i < count; i++) {
            last += number(left, i) * number(ofWritten, i);
        }
        for (int i = count - 1; i >= 0; i--) {
            float read = number(ofRead, i);
            float own =
                    number(dSums, i)
                            - number(columns, i)
                            - number(factors, i) * read
                            - number(left, i) * number(ofWritten, i);
            after += own + (i == count - 1 ? last : 0);
            Vectors.put(after, dRates.at(at.row() + i, at.head()));
            float share =
                    number(dBeta, i)
                            + StateLoops.dot(du + i * valueRow, v + i * valueRow, valueDim)
                            - number(grown, i) * read;
            Vectors.put(share, dRates.at(at.row() + i, at.heads() + at.head()));
        }
    }

    /// ```
    /// dS = e^(G_C) dS' + (e^G q)ᵀ do - (β e^G k)ᵀ dR
    /// ```
    private void stateGradient(long dState) {
        StateLoops.scale(dState, number(grown, count - 1), keyDim * valueDim, dState);
        for (int i = 0; i < count; i++) {
            StateLoops.scale(o + i * valueRow, number(grown, i), valueDim, work + i * valueRow);
        }
        addTransposed(q, work, dState);
        for (int i = 0; i < count; i++) {
            StateLoops.scale(du + i * valueRow, -number(factors, i), valueDim, work + i * valueRow);
        }
        addTransposed(k, work, dState);
    }
}
