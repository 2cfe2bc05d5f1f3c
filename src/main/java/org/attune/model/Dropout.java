package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Dropout of an adapter's inputs in one pass. Which elements fall out follows from the seed and
/// the module's path alone, so that a forward pass, its repetition and the backward pass draw the
/// same ones and nothing is kept for that.
///
/// libtorch's own generator costs as much as the whole step on a CPU; here one product of 64 bits
/// decides four elements.
///
/// @param probability of an element to be zeroed, in [0, 1); 0 is no dropout. Taken to the nearest
///     1/32768
/// @param seed of the pass
public record Dropout(double probability, long seed) {
    public static final Dropout NONE = new Dropout(0, 0);

    private static final int ONE = 1 << 15; // as a probability
    private static final long LANES = 0x0001_0001_0001_0001L;
    private static final long BFLOAT16_ONE = 0x3F80;
    private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

    /// Whether anything can be dropped.
    public boolean isOn() {
        return probability > 0;
    }

    /// What the remaining elements are multiplied by: `1 / (1 - probability)`.
    double scale() {
        return (double) ONE / (ONE - threshold());
    }

    /// Below 32768, so that something always stays.
    private long threshold() {
        return Math.min(ONE - 1, Math.round(probability * ONE));
    }

    /// What stays of one input.
    ///
    /// @param ones where an element stays, zeros where it is dropped; null if all stay
    /// @param scale what the remaining elements are multiplied by
    record Mask(Tensor ones, double scale) {
        static final Mask NONE = new Mask(null, 1);

        boolean dropsNothing() {
            return ones == null;
        }

        /// That of some rows of the input.
        Mask rows(long from, long n) {
            return dropsNothing() ? this : new Mask(ones.narrow(0, from, n), scale);
        }

        void moveTo(TensorScope scope) {
            if (!dropsNothing()) {
                scope.adopt(ones);
            }
        }
    }

    /// Draws what stays of an input; [Mask#NONE] without dropout.
    ///
    /// @param path of the module that reads the input
    Mask draw(String path, Tensor x) {
        return isOn() ? new Mask(mask(path, x), scale()) : Mask.NONE;
    }

    /// Ones where an element stays and zeros where it is dropped.
    ///
    /// @param path of the module that reads the input
    /// @param x gives shape, dtype and device
    Tensor mask(String path, Tensor x) {
        Tensor mask = Tensor.empty(Device.cpu(), DType.BFLOAT16, x.shape());
        fill(mask.memory(), mixed(seed + GOLDEN * path.hashCode()));
        if (x.dtype() != DType.BFLOAT16) {
            mask = mask.to(x.dtype());
        }
        return x.device().equals(Device.cpu())
                ? mask
                : Tensor.empty(x.device(), x.dtype(), x.shape()).copyInPlace(mask);
    }

    /// Writes bfloat16 ones and zeros, four to a random number of 64 bits: the low 15 bits of each
    /// 16 stay above the threshold or not.
    private void fill(MemorySegment memory, long stream) {
        long carry = LANES * (ONE - threshold()); // carries into bit 15 where an element stays
        long whole = memory.byteSize() / Long.BYTES;
        for (long i = 0; i < whole; i++) {
            memory.set(ValueLayout.JAVA_LONG_UNALIGNED, i * Long.BYTES, ones(stream, i, carry));
        }
        long rest = ones(stream, whole, carry);
        for (long at = whole * Long.BYTES; at < memory.byteSize(); at += Short.BYTES) {
            memory.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) rest);
            rest >>>= Short.SIZE;
        }
    }

    private static long ones(long stream, long i, long carry) {
        long random = mixed(stream + GOLDEN * i) & LANES * (ONE - 1);
        return ((random + carry) >>> 15 & LANES) * BFLOAT16_ONE;
    }

    /// SplitMix64's output function (Steele, Lea, Flood 2014).
    private static long mixed(long n) {
        long z = (n ^ n >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        z = (z ^ z >>> 27) * 0x94D0_49BB_1331_11EBL;
        return z ^ z >>> 31;
    }
}
