package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Loops over float32 numbers in plain memory, for kernels of layers with a state. Counts are
/// multiples of [Vectors#LANES].
final class StateLoops {
    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private StateLoops() {}

    /// `to = factor · from`.
    static void scale(long from, float factor, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            Vectors.store(Vectors.load(from + at).mul(factor), to + at);
        }
    }

    /// `to += factor · from`.
    static void addScaled(long from, float factor, int count, long to) {
        FloatVector f = Vectors.all(factor);
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            Vectors.store(Vectors.load(from + at).fma(f, Vectors.load(to + at)), to + at);
        }
    }

    /// `to = factor · (a - share · b)`.
    static void difference(long a, long b, float share, float factor, int count, long to) {
        FloatVector s = Vectors.all(-share);
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector d = Vectors.load(b + at).fma(s, Vectors.load(a + at));
            Vectors.store(d.mul(factor), to + at);
        }
    }

    /// `to = factor · a · b`, element by element.
    static void product(long a, long b, float factor, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            Vectors.store(Vectors.load(a + at).mul(Vectors.load(b + at)).mul(factor), to + at);
        }
    }

    /// `Σ a b`.
    static float dot(long a, long b, int count) {
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            sum = Vectors.load(a + at).fma(Vectors.load(b + at), sum);
        }
        return Vectors.sum(sum);
    }

    /// `to = exp(sign · (from - base))`.
    static void exponentials(long from, float base, float sign, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            Vectors.store(Vectors.exp(Vectors.load(from + at).sub(base).mul(sign)), to + at);
        }
    }

    /// `to = exp(own - from)` where `seen` is one, and zero where it is zero.
    static void decays(long from, float own, long seen, int count, long to) {
        FloatVector zero = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            // What comes later would grow beyond all numbers, and 0 times that is none.
            FloatVector d = Vectors.load(from + at).neg().add(own).min(zero);
            Vectors.store(Vectors.exp(d).mul(Vectors.load(seen + at)), to + at);
        }
    }

    /// A row of the gradient of decayed products:
    /// ```
    /// z = d · decay,     d ← factor · z,     columns += factor · z · product
    /// ```
    ///
    /// @return `Σ z · product`
    static float decayGradients(
            long d, long decay, long product, float factor, long columns, int count) {
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector z = Vectors.load(d + at).mul(Vectors.load(decay + at));
            FloatVector x = z.mul(Vectors.load(product + at));
            sum = x.add(sum);
            Vectors.store(z.mul(factor), d + at);
            Vectors.store(x.mul(factor).add(Vectors.load(columns + at)), columns + at);
        }
        return Vectors.sum(sum);
    }

    /// `to_i = Σ_d a_di b_di`, over rows.
    ///
    /// @param stride bytes between the rows of both
    static void columnDots(long a, long b, long stride, int rows, int count, long to) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector sum = Vectors.zero();
            for (int row = 0; row < rows; row++) {
                long place = at + row * stride;
                sum = Vectors.load(a + place).fma(Vectors.load(b + place), sum);
            }
            Vectors.store(sum, to + at);
        }
    }

    /// `a = a · f - b · g`, a row of each.
    static void combine(long a, long f, long b, long g, int count) {
        for (int k = 0; k < count; k += LANES) {
            long at = (long) k * FLOAT;
            FloatVector x = Vectors.load(a + at).mul(Vectors.load(f + at));
            FloatVector y = Vectors.load(b + at).mul(Vectors.load(g + at));
            Vectors.store(x.sub(y), a + at);
        }
    }

    /// Writes rows as columns, in float32, dense.
    static void turn(Rows from, int rows, int columns, long to) {
        for (int column = 0; column < columns; column++) {
            for (int row = 0; row < rows; row++) {
                float number = Vectors.number(from.half(), from.at(row, column));
                Vectors.put(number, to + ((long) column * rows + row) * FLOAT);
            }
        }
    }

    /// What two vectors read of a matrix: `known = kᵀ S`, `read = qᵀ S`.
    ///
    /// @param s `(rows, count)`, dense
    /// @param known `(count)`, written
    /// @param read likewise
    static void read(long s, long k, long q, int rows, int count, long known, long read) {
        int j = 0;
        for (; j + 4 * LANES <= count; j += 4 * LANES) {
            long at = (long) j * FLOAT;
            readWide(s + at, (long) count * FLOAT, k, q, rows, known + at, read + at);
        }
        for (; j < count; j += LANES) {
            long at = (long) j * FLOAT;
            readNarrow(s + at, (long) count * FLOAT, k, q, rows, known + at, read + at);
        }
    }

    private static void readWide(
            long s, long row, long k, long q, int rows, long known, long read) {
        long step = (long) LANES * FLOAT;
        FloatVector k0 = Vectors.zero();
        FloatVector k1 = Vectors.zero();
        FloatVector k2 = Vectors.zero();
        FloatVector k3 = Vectors.zero();
        FloatVector q0 = Vectors.zero();
        FloatVector q1 = Vectors.zero();
        FloatVector q2 = Vectors.zero();
        FloatVector q3 = Vectors.zero();
        for (int i = 0; i < rows; i++) {
            long at = s + i * row;
            FloatVector kOwn = Vectors.spread(k + (long) i * FLOAT);
            FloatVector qOwn = Vectors.spread(q + (long) i * FLOAT);
            FloatVector x0 = Vectors.load(at);
            FloatVector x1 = Vectors.load(at + step);
            FloatVector x2 = Vectors.load(at + 2 * step);
            FloatVector x3 = Vectors.load(at + 3 * step);
            k0 = x0.fma(kOwn, k0);
            q0 = x0.fma(qOwn, q0);
            k1 = x1.fma(kOwn, k1);
            q1 = x1.fma(qOwn, q1);
            k2 = x2.fma(kOwn, k2);
            q2 = x2.fma(qOwn, q2);
            k3 = x3.fma(kOwn, k3);
            q3 = x3.fma(qOwn, q3);
        }
        Vectors.store(k0, known);
        Vectors.store(k1, known + step);
        Vectors.store(k2, known + 2 * step);
        Vectors.store(k3, known + 3 * step);
        Vectors.store(q0, read);
        Vectors.store(q1, read + step);
        Vectors.store(q2, read + 2 * step);
        Vectors.store(q3, read + 3 * step);
    }

    private static void readNarrow(
            long s, long row, long k, long q, int rows, long known, long read) {
        FloatVector k0 = Vectors.zero();
        FloatVector q0 = Vectors.zero();
        for (int i = 0; i < rows; i++) {
            FloatVector x = Vectors.load(s + i * row);
            k0 = x.fma(Vectors.spread(k + (long) i * FLOAT), k0);
            q0 = x.fma(Vectors.spread(q + (long) i * FLOAT), q0);
        }
        Vectors.store(k0, known);
        Vectors.store(q0, read);
    }

    /// `S ← decay S + k uᵀ`.
    ///
    /// @param s `(rows, count)`, dense
    static void write(long s, float decay, long k, long u, int rows, int count) {
        FloatVector factor = Vectors.all(decay);
        long at = s;
        for (int i = 0; i < rows; i++) {
            FloatVector own = Vectors.spread(k + (long) i * FLOAT);
            for (int j = 0; j < count; j += LANES) {
                FloatVector x = Vectors.load(at).mul(factor);
                Vectors.store(Vectors.load(u + (long) j * FLOAT).fma(own, x), at);
                at += (long) LANES * FLOAT;
            }
        }
    }
}
