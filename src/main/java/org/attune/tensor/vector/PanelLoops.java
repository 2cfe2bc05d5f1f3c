package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// What is done with the float32 product of some rows and a panel, `(rows, wide)`, while it is in
/// the cache.
final class PanelLoops {
    private static final int FLOAT = Float.BYTES;
    private static final int HALF = Short.BYTES;
    private static final int LANES = Vectors.LANES;

    private PanelLoops() {}

    /// Adds a bias to all rows.
    ///
    /// @param bias bfloat16
    static void add(long c, int rows, int wide, long bias) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                long at = c + ((long) r * wide + k) * FLOAT;
                Vectors.store(Vectors.load(at).add(Vectors.load(true, bias + (long) k * HALF)), at);
            }
        }
    }

    /// Multiplies all rows by a row.
    ///
    /// @param factor float32
    static void multiply(long c, int rows, int wide, long factor) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                long at = c + ((long) r * wide + k) * FLOAT;
                Vectors.store(Vectors.load(at).mul(Vectors.load(factor + (long) k * FLOAT)), at);
            }
        }
    }

    /// Adds the product of a column and a panel's row that begins a pair.
    ///
    /// @param x bfloat16, the column's first number
    /// @param xRow bytes to its next
    /// @param pairs bfloat16 `(wide, 2)`, of which the second are not read
    static void addColumn(long c, int rows, int wide, long x, long xRow, long pairs) {
        int whole = wide / LANES * LANES;
        for (int r = 0; r < rows; r++) {
            float factor = Vectors.number(true, x + r * xRow);
            long row = c + (long) r * wide * FLOAT;
            for (int k = 0; k < whole; k += LANES) {
                FloatVector v = Vectors.firstOfPairs(pairs + (long) k * 2 * HALF).mul(factor);
                long at = row + (long) k * FLOAT;
                Vectors.store(Vectors.load(at).add(v), at);
            }
            for (int k = whole; k < wide; k++) {
                long at = row + (long) k * FLOAT;
                float other = Vectors.number(true, pairs + (long) k * 2 * HALF);
                Vectors.put(Vectors.number(at) + factor * other, at);
            }
        }
    }

    /// Writes rows as bfloat16.
    ///
    /// @param wide numbers of a row, a multiple of [Vectors#LANES]
    static void round(long c, int rows, int wide, long out, long outRow) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                FloatVector v = Vectors.load(c + ((long) r * wide + k) * FLOAT);
                Vectors.store(true, v, out + r * outRow + (long) k * HALF);
            }
        }
    }

    /// Writes rows as numbers of a tensor.
    ///
    /// @param wide numbers of a row, a multiple of [Vectors#LANES]
    static void write(boolean half, long c, int rows, int wide, long out, long outRow) {
        int bytes = half ? HALF : FLOAT;
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                FloatVector v = Vectors.load(c + ((long) r * wide + k) * FLOAT);
                Vectors.store(half, v, out + r * outRow + (long) k * bytes);
            }
        }
    }

    /// Writes rows plus others as numbers of a tensor.
    static void writeSum(
            boolean half,
            long c,
            int rows,
            int wide,
            long residual,
            long residualRow,
            long out,
            long outRow) {
        int bytes = half ? HALF : FLOAT;
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                long column = (long) k * bytes;
                FloatVector v = Vectors.load(c + ((long) r * wide + k) * FLOAT);
                v = Vectors.load(half, residual + r * residualRow + column).add(v);
                Vectors.store(half, v, out + r * outRow + column);
            }
        }
    }

    /// Writes rows times a factor as bfloat16.
    static void roundScaled(long c, int rows, int wide, float factor, long out, long outRow) {
        int whole = wide / LANES * LANES;
        for (int r = 0; r < rows; r++) {
            long from = c + (long) r * wide * FLOAT;
            long to = out + r * outRow;
            for (int k = 0; k < whole; k += LANES) {
                FloatVector v = Vectors.load(from + (long) k * FLOAT).mul(factor);
                Vectors.store(true, v, to + (long) k * HALF);
            }
            for (int k = whole; k < wide; k++) {
                float number = Vectors.number(from + (long) k * FLOAT) * factor;
                Vectors.put(true, number, to + (long) k * HALF);
            }
        }
    }

    /// Writes any count of numbers as bfloat16.
    static void roundSome(long from, int count, long to) {
        roundScaled(from, 1, count, 1, to, 0);
    }

    /// Adds rows times a factor to float32 rows.
    static void addTo(long c, int rows, int wide, float factor, long sum, long sumRow) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                FloatVector v = Vectors.load(c + ((long) r * wide + k) * FLOAT).mul(factor);
                long at = sum + r * sumRow + (long) k * FLOAT;
                Vectors.store(Vectors.load(at).add(v), at);
            }
        }
    }

    /// Adds numbers times a factor to float32 numbers that stand `step` bytes apart.
    static void addApart(long c, int count, float factor, long sum, long step) {
        for (int k = 0; k < count; k++) {
            long at = sum + k * step;
            Vectors.put(Vectors.number(at) + Vectors.number(c + (long) k * FLOAT) * factor, at);
        }
    }

    /// Multiplies numbers by a factor, rounded before and after as tensors are.
    static void scale(long c, float factor, int count) {
        for (long at = c; at < c + (long) count * FLOAT; at += (long) LANES * FLOAT) {
            FloatVector v = Vectors.round(true, Vectors.load(at)).mul(factor);
            Vectors.store(Vectors.round(true, v), at);
        }
    }

    /// Writes rows plus others as bfloat16.
    static void roundSum(
            long c, int rows, int wide, long residual, long residualRow, long out, long outRow) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                FloatVector v = Vectors.load(c + ((long) r * wide + k) * FLOAT);
                v = Vectors.load(true, residual + r * residualRow + (long) k * HALF).add(v);
                Vectors.store(true, v, out + r * outRow + (long) k * HALF);
            }
        }
    }

    /// Replaces gates by their rounded `silu`, and rounds them before as [SwigluKernel] finds them.
    static void open(long gates, int rows, int wide) {
        for (long at = gates; at < gates + (long) rows * wide * FLOAT; at += (long) LANES * FLOAT) {
            FloatVector g = Vectors.round(true, Vectors.load(at));
            Vectors.store(Vectors.round(true, g.mul(Vectors.sigmoid(g))), at);
        }
    }

    /// What [#open] does, by GELU.
    static void openByGelu(long gates, int rows, int wide) {
        for (long at = gates; at < gates + (long) rows * wide * FLOAT; at += (long) LANES * FLOAT) {
            FloatVector g = Vectors.round(true, Vectors.load(at));
            FloatVector s = Vectors.sigmoid(SwigluKernel.ofGelu(g));
            Vectors.store(Vectors.round(true, g.mul(s)), at);
        }
    }

    /// Multiplies bfloat16 numbers by the sigmoids of others, rounded before as tensors are.
    static void shut(long numbers, long gates, int count) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * HALF;
            FloatVector s = Vectors.round(true, Vectors.sigmoid(Vectors.load(true, gates + at)));
            Vectors.store(true, Vectors.load(true, numbers + at).mul(s), numbers + at);
        }
    }

    /// Writes `factor · x + residual`, all bfloat16, rounded after each operation.
    static void sum(long x, float factor, long residual, int count, long out) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * HALF;
            FloatVector v = Vectors.round(true, Vectors.load(true, x + at).mul(factor));
            Vectors.store(true, Vectors.load(true, residual + at).add(v), out + at);
        }
    }

    /// Writes the sum of rows times factors, each product rounded.
    ///
    /// @param x bfloat16 rows
    /// @param places which of them, from `first` on
    /// @param factors of these
    /// @param out bfloat16
    static void sum(
            Rows x, int[] places, float[] factors, int first, int rows, int count, long out) {
        for (int k = 0; k < count; k += LANES) {
            FloatVector sum = Vectors.zero();
            for (int i = first; i < first + rows; i++) {
                FloatVector v = Vectors.load(true, x.at(places[i], k)).mul(factors[i]);
                sum = sum.add(Vectors.round(true, v));
            }
            Vectors.store(true, sum, out + (long) k * HALF);
        }
    }

    /// Writes the product of opened gates and what they open.
    static void gate(long gates, long ups, int rows, int wide, long out, long outRow) {
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < wide; k += LANES) {
                long place = ((long) r * wide + k) * FLOAT;
                FloatVector u = Vectors.round(true, Vectors.load(ups + place));
                FloatVector y = u.mul(Vectors.load(gates + place));
                Vectors.store(true, y, out + r * outRow + (long) k * HALF);
            }
        }
    }
}
