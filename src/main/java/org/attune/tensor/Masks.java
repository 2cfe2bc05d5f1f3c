package org.attune.tensor;

import java.lang.foreign.MemorySegment;

/// Masks that are added to scores: 0 where a key is seen, −∞ where it isn't.
public final class Masks {
    private static final double HIGHEST = 1e30;

    private Masks() {}

    /// A mask from the host, row-major. A GPU gets it in its own number format, so that nothing is
    /// computed before all that a pass needs is sent.
    ///
    /// @param mask zeros and −∞
    public static Tensor of(Device device, DType dtype, float[] mask, long... shape) {
        if (!device.isGpu() || dtype != DType.BFLOAT16) {
            return Tensor.of(device, mask, shape).to(dtype);
        }
        short[] upper = new short[mask.length];
        for (int i = 0; i < mask.length; i++) {
            upper[i] = (short) (Float.floatToRawIntBits(mask[i]) >>> Short.SIZE); // exact here
        }
        return Tensor.ofMemory(device, dtype, MemorySegment.ofArray(upper), shape);
    }

    /// Hides all that comes behind a row's own number, `(n, 1, n)`. On a GPU nothing is sent.
    public static Tensor triangle(Device device, DType dtype, int n) {
        if (device.isGpu()) {
            Tensor hidden = Tensor.full(device, dtype, Double.NEGATIVE_INFINITY, n, n);
            return Operators.TRIU.with(hidden).with(1L).call().unsqueeze(1);
        }
        float[] mask = new float[n * n];
        for (int row = 0; row < n; row++) {
            for (int column = row + 1; column < n; column++) {
                mask[row * n + column] = Float.NEGATIVE_INFINITY;
            }
        }
        return Tensor.of(device, mask, n, 1, n).to(dtype);
    }

    /// A number so low that nothing is left of its exponential where ∞ says that there is none.
    public static Tensor lowWhereInfinite(Tensor logs) {
        Tensor isNumber = Operators.GREATER.with(Tensor.scalar(HIGHEST)).with(logs).call();
        return logs.where(isNumber, Tensor.scalar(-HIGHEST));
    }
}
