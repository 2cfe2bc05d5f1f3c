package org.attune.tensor;

import org.attune.tensor.vector.KeptNumbers;
import org.attune.tensor.vector.KeptNumbers.Mix;

/// What dropout keeps, drawn where the numbers are: the same as [KeptNumbers] says on the host, bit
/// by bit, by operators on whole numbers of 64 bits, whose products wrap there as in Java. Nothing
/// is sent but numbers that operators take along.
public final class DropoutMasks {
    private static final int QUARTER = 16;

    private DropoutMasks() {}

    /// Ones where a number stays, and zeros.
    ///
    /// @param firstRow number of the first row
    /// @param rows of the matrix
    /// @param width numbers of a row
    /// @return `(rows, width)`
    public static Tensor of(
            KeptNumbers kept, long firstRow, long rows, long width, Device device, DType dtype) {
        long together = (width + KeptNumbers.TOGETHER - 1) / KeptNumbers.TOGETHER;
        try (var scope = TensorScope.open("dropout")) {
            Tensor first = number(kept.stream() + Mix.STEP * together * firstRow);
            Tensor random = mixed(series(first, rows * together, device)); // (rows · together)
            Tensor[] quarters = new Tensor[KeptNumbers.TOGETHER];
            for (int i = 0; i < quarters.length; i++) {
                Tensor low = i == 0 ? random : shifted(random, i * QUARTER);
                quarters[i] = low.unsqueeze(1);
            }
            Tensor low = and(Tensor.cat(1, quarters), KeptNumbers.ALL - 1L); // (…, 4)
            Tensor stays = Engine.ops().greaterOrEqual(low, number(kept.dropped())).to(dtype);
            Tensor mask = stays.reshape(rows, together * KeptNumbers.TOGETHER);
            return scope.keep(mask.narrow(1, 0, width));
        }
    }

    /// `first`, and each number a [Mix#STEP] after the one before, `(n)`.
    private static Tensor series(Tensor first, long n, Device device) {
        Tensor steps = Tensor.empty(device, DType.INT64, n);
        Elements.fill(steps, number(Mix.STEP));
        if (n > 0) {
            Elements.fill(steps.narrow(0, 0, 1), first);
        }
        return steps.cumSum(0);
    }

    private static Tensor mixed(Tensor n) {
        Tensor z = xorShifted(n, Mix.FIRST).mul(number(Mix.TIMES));
        z = xorShifted(z, Mix.SECOND).mul(number(Mix.TIMES_AGAIN));
        return xorShifted(z, Mix.THIRD);
    }

    /// `n ^ n >>> bits`.
    private static Tensor xorShifted(Tensor n, int bits) {
        Tensor upper = and(shifted(n, bits), -1L >>> bits); // the shift repeats the sign
        return Operators.BITWISE_XOR.with(n).with(upper).call();
    }

    private static Tensor shifted(Tensor n, int bits) {
        return Operators.RIGHT_SHIFT.with(n).with(number(bits)).call();
    }

    private static Tensor and(Tensor n, long bits) {
        return Operators.BITWISE_AND.with(n).with(number(bits)).call();
    }

    /// A number that operators take along.
    private static Tensor number(long value) {
        return Tensor.of(Device.cpu(), new long[] {value});
    }
}
