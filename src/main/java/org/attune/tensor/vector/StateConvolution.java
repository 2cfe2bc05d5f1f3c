package org.attune.tensor.vector;

/// A short convolution of each feature, SiLU, and queries and keys of length 1, as layers of
/// linear attention have them, row by row:
/// ```
/// c_t = Σ_j w_j x_(t - j),     s = silu(c),     v = s
/// q = s r / √k,     k = s r,     r = 1 / √(Σ s² + ε) of each head
/// ```
/// `x` is bfloat16 or float32, all others float32. Queries of all heads stand first in a row, then
/// keys, then values.
public final class StateConvolution {
    /// Rows of an item of work.
    private static final int CHUNK = 16;

    private static final int FLOAT = Float.BYTES;

    private final int width;
    private final int heads;
    private final int size;
    private final int taps;
    private final long weight;
    private final float epsilon;
    private final float scale;
    private final int[][] before;

    /// @param width features of a row, a multiple of the vector's length
    /// @param heads of queries, as many as of keys
    /// @param size of each, a multiple of the vector's length
    /// @param weight address of float32 `(J, width)`, the tap of the present token last
    /// @param epsilon ε
    /// @param before of each row the rows before it, the nearest first, `(J - 1, rows)`; -1: none
    public StateConvolution(
            int width, int heads, int size, long weight, double epsilon, int[][] before) {
        this.width = width;
        this.heads = heads;
        this.size = size;
        this.weight = weight;
        this.epsilon = (float) epsilon;
        this.before = before.clone();
        taps = before.length + 1;
        scale = (float) (1 / Math.sqrt(size));
    }

    private long tap(int back) {
        return weight + (taps - 1 - back) * rowBytes();
    }

    private long rowBytes() {
        return (long) width * FLOAT;
    }

    /// @param x rows, and behind them others that [#before] names
    /// @param out `count` rows, written
    public void forward(Rows x, Rows out, int count, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) -> {
                    long to = out.at(row, 0);
                    convolve(x, row, to);
                    ConvolutionLoops.silu(to, width, to);
                    for (int h = 0; h < 2 * heads; h++) {
                        long head = to + (long) h * size * FLOAT;
                        StateLoops.scale(head, length(head) * scale(h), size, head);
                    }
                });
    }

    private float scale(int head) {
        return head < heads ? scale : 1;
    }

    /// `r`.
    private float length(long head) {
        return (float) (1 / Math.sqrt(StateLoops.dot(head, head, size) + epsilon));
    }

    private void convolve(Rows x, int row, long to) {
        ConvolutionLoops.product(x.half(), x.at(row, 0), tap(0), width, to);
        for (int back = 1; back < taps; back++) {
            int other = before[back - 1][row];
            if (other >= 0) {
                ConvolutionLoops.add(x.half(), x.at(other, 0), tap(back), width, to);
            }
        }
    }

    /// Bytes that [#backward] works in.
    public long workBytes(int threads) {
        return 2L * threads * rowBytes();
    }

    /// Replaces the gradients of what [#forward] wrote by those of what the convolution gave.
    ///
    /// @param d `count` rows, changed
    /// @param memory of [#workBytes]
    public void backward(Rows x, Rows d, int count, long memory, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (thread, row) -> {
                    long c = memory + 2L * thread * rowBytes();
                    long s = c + rowBytes();
                    long to = d.at(row, 0);
                    convolve(x, row, c);
                    ConvolutionLoops.silu(c, width, s);
                    for (int h = 0; h < 2 * heads; h++) {
                        long place = (long) h * size * FLOAT;
                        float r = length(s + place);
                        // dn = scale · d, n = s r, ds = r (dn - n (n · dn))
                        float f = r * scale(h);
                        float along = StateLoops.dot(s + place, to + place, size) * r * r;
                        StateLoops.difference(to + place, s + place, along, f, size, to + place);
                    }
                    ConvolutionLoops.siluBackward(c, to, width, to);
                });
    }

    /// The gradient of `x`, of what [#backward] made.
    ///
    /// @param d `count` rows
    /// @param after who sees a row
    /// @param dx `count` rows, written
    /// @param memory of [#workBytes]
    public void backwardInputs(
            Rows d, Successors after, Rows dx, int count, long memory, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (thread, row) -> {
                    long sum = memory + 2L * thread * rowBytes();
                    StateLoops.product(d.at(row, 0), tap(0), 1, width, sum);
                    for (int i = after.first[row]; i < after.first[row + 1]; i++) {
                        long from = d.at(after.after[2 * i], 0);
                        long tap = tap(after.after[2 * i + 1]);
                        ConvolutionLoops.add(false, from, tap, width, sum);
                    }
                    RowCopies.write(sum, 1, width, dx.half(), dx.at(row, 0));
                });
    }

    /// Who sees a row, for [#backwardInputs].
    ///
    /// @param first where a row's begin
    /// @param after rows and distances
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Successors(int[] first, int[] after) {
        /// @param before as the convolution is given it
        /// @param count of rows
        public static Successors of(int[][] before, int count) {
            int[] first = new int[count + 1];
            for (int[] rows : before) {
                for (int row : rows) {
                    if (row >= 0 && row < count) {
                        first[row + 1]++;
                    }
                }
            }
            for (int row = 0; row < count; row++) {
                first[row + 1] += first[row];
            }
            int[] next = first.clone();
            int[] after = new int[2 * first[count]];
            for (int back = 1; back <= before.length; back++) {
                for (int row = 0; row < count; row++) {
                    int other = before[back - 1][row];
                    if (other >= 0 && other < count) {
                        int place = next[other]++;
                        after[2 * place] = row;
                        after[2 * place + 1] = back;
                    }
                }
            }
            return new Successors(first, after);
        }
    }
}
