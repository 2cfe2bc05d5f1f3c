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

    /// Writes rows as columns. Strides are in bytes.
    static void transpose(long from, long fromRow, int rows, int columns, long to, long toRow) {
        for (int row = 0; row < rows; row++) {
            long in = from + row * fromRow;
            long out = to + (long) row * FLOAT;
            for (int column = 0; column < columns; column++) {
                Vectors.put(Vectors.number(in + (long) column * FLOAT), out + column * toRow);
            }
        }
    }

    /// One token of a recurrence by the delta rule:
    /// ```
    /// S ← decay S,     known = kᵀ S
    /// ```
    ///
    /// @param s `(rows, count)`, dense
    /// @param known `(count)`, written
    static void decayAndRead(long s, float decay, long k, int rows, int count, long known) {
        for (int j = 0; j < count; j += LANES) {
            long at = (long) j * FLOAT;
            FloatVector sum = Vectors.zero();
            for (int row = 0; row < rows; row++) {
                long place = s + at + (long) row * count * FLOAT;
                FloatVector x = Vectors.load(place).mul(decay);
                Vectors.store(x, place);
                sum = x.fma(Vectors.spread(k + (long) row * FLOAT), sum);
            }
            Vectors.store(sum, known + at);
        }
    }

    /// The rest of a token:
    /// ```
    /// S ← S + k u,     out = qᵀ S
    /// ```
    static void writeAndRead(long s, long k, long u, long q, int rows, int count, long out) {
        for (int j = 0; j < count; j += LANES) {
            long at = (long) j * FLOAT;
            FloatVector sum = Vectors.zero();
            FloatVector own = Vectors.load(u + at);
            for (int row = 0; row < rows; row++) {
                long number = (long) row * FLOAT;
                long place = s + at + (long) row * count * FLOAT;
                FloatVector x = own.fma(Vectors.spread(k + number), Vectors.load(place));
                Vectors.store(x, place);
                sum = x.fma(Vectors.spread(q + number), sum);
            }
            Vectors.store(sum, out + at);
        }
    }
}
