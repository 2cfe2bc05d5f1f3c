package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// AdamW's update of float32 numbers, in one pass over them:
/// ```
/// g' = g c          m ← m β₁ + g' (1 - β₁)          v ← v β₂ + g'² (1 - β₂)
/// θ ← θ d - m / (√v s + ε) · γ
/// ```
/// Every operation is rounded by itself, as operators do it.
///
/// @param decay `d`
/// @param gradientScale `c`
/// @param beta1 `β₁`
/// @param rest1 `1 - β₁`
/// @param beta2 `β₂`
/// @param rest2 `1 - β₂`
/// @param rootScale `s`, of the second moment's root
/// @param epsilon `ε`
/// @param rate `γ`, the learning rate with the first moment's correction
public record AdamWKernel(
        float decay,
        float gradientScale,
        float beta1,
        float rest1,
        float beta2,
        float rest2,
        float rootScale,
        float epsilon,
        float rate) {
    /// Numbers of an item of work: a quarter of a core's own cache.
    private static final int CHUNK = 1 << 14;

    private static final long FLOAT = Float.BYTES;

    /// Addresses of what is updated, and of the gradients, which stay as they are.
    ///
    /// @param values `θ`
    /// @param gradients `g`
    /// @param first `m`
    /// @param second `v`
    public record Places(long values, long gradients, long first, long second) {
        private Places from(long number) {
            long bytes = number * FLOAT;
            return new Places(values + bytes, gradients + bytes, first + bytes, second + bytes);
        }
    }

    /// @param count of numbers
    public void run(Places places, long count, int threads) {
        KernelThreads.ranges(
                threads,
                count,
                CHUNK,
                (from, numbers) -> {
                    int whole = numbers / Vectors.LANES * Vectors.LANES;
                    Places own = places.from(from);
                    update(own.values, own.gradients, own.first, own.second, whole * FLOAT);
                    for (int i = whole; i < numbers; i++) {
                        update(own.from(i));
                    }
                });
    }

    /// @param bytes of whole vectors
    private void update(long values, long gradients, long first, long second, long bytes) {
        for (long at = 0; at < bytes; at += Vectors.LANES * FLOAT) {
            FloatVector g = Vectors.load(gradients + at).mul(gradientScale);
            FloatVector m = Vectors.load(first + at).mul(beta1).add(g.mul(rest1));
            Vectors.store(m, first + at);
            FloatVector v = Vectors.load(second + at).mul(beta2).add(g.mul(g).mul(rest2));
            Vectors.store(v, second + at);
            FloatVector root = v.sqrt().mul(rootScale).add(epsilon);
            FloatVector change = m.div(root).mul(rate);
            Vectors.store(Vectors.load(values + at).mul(decay).sub(change), values + at);
        }
    }

    /// Updates one number.
    private void update(Places at) {
        float g = Vectors.number(at.gradients) * gradientScale;
        float m = Vectors.number(at.first) * beta1 + g * rest1;
        Vectors.put(m, at.first);
        float v = Vectors.number(at.second) * beta2 + g * g * rest2;
        Vectors.put(v, at.second);
        float root = (float) Math.sqrt(v) * rootScale + epsilon;
        Vectors.put(Vectors.number(at.values) * decay - m / root * rate, at.values);
    }
}
