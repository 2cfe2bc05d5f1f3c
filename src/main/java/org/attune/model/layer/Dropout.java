package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.DropoutMasks;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.KeptNumbers;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Dropout of an adapter's inputs. The seed, the module's path and an element's place decide which
/// elements fall out. So a forward pass, its repetition and the backward pass draw the same ones,
/// and nothing is kept.
///
/// libtorch's own generator costs as much as the whole step on a CPU; here one product of 64 bits
/// decides four elements.
///
/// @param probability of an element to be zeroed, in [0, 1); 0 is no dropout. Taken to the nearest
///     1/32768
/// @param seed of the pass
public record Dropout(double probability, long seed) {
    public static final Dropout NONE = new Dropout(0, 0);

    /// Whether anything can be dropped.
    public boolean isOn() {
        return probability > 0;
    }

    /// Below 32768, so that something always stays.
    private int dropped() {
        return (int) Math.min(KeptNumbers.ALL - 1, Math.round(probability * KeptNumbers.ALL));
    }

    /// What the remaining elements are multiplied by: `1 / (1 - probability)`.
    public double scale() {
        return scale(dropped());
    }

    private static double scale(int dropped) {
        return (double) KeptNumbers.ALL / (KeptNumbers.ALL - dropped);
    }

    /// What stays of a module's input.
    ///
    /// @param path of the module
    public Mask mask(String path) {
        return isOn() ? new Mask(KeptNumbers.of(seed, path, dropped()), 0) : Mask.NONE;
    }

    /// What stays of one input.
    ///
    /// @param kept which elements; null if all stay
    /// @param firstRow number of the first row that it is applied to
    public record Mask(KeptNumbers kept, long firstRow) {
        static final Mask NONE = new Mask(null, 0);

        private static final short BFLOAT16_ONE = 0x3F80;

        boolean dropsNothing() {
            return kept == null;
        }

        /// [Dropout#scale].
        public double scale() {
            return dropsNothing() ? 1 : Dropout.scale(kept.dropped());
        }

        /// That of the input's rows from one on.
        Mask from(long row) {
            return dropsNothing() ? this : new Mask(kept, firstRow + row);
        }

        /// The input with zeros where elements are dropped; the others are not scaled.
        ///
        /// @param x `(N, in)`
        Tensor of(Tensor x) {
            if (VectorKernels.servesDropout(x)) {
                Tensor out = Tensor.empty(x.device(), x.dtype(), x.shape());
                VectorKernels.dropout(kept, x, firstRow, out);
                return out;
            }
            if (DeviceKernels.servesDropout(x)) {
                Tensor out = Tensor.empty(x.device(), x.dtype(), x.shape());
                DeviceKernels.dropout(kept, x, firstRow, out);
                return out;
            }
            return x.mul(ones(x));
        }

        /// Writes zeros in place where elements are dropped; the others are not scaled.
        Tensor inPlace(Tensor x) {
            if (VectorKernels.servesDropout(x)) {
                VectorKernels.dropout(kept, x, firstRow, x);
                return x;
            }
            if (DeviceKernels.servesDropout(x)) {
                DeviceKernels.dropout(kept, x, firstRow, x);
                return x;
            }
            return x.mulInPlace(ones(x));
        }

        /// Ones where an element stays and zeros where it is dropped.
        ///
        /// @param x gives shape, dtype and device
        public Tensor ones(Tensor x) {
            if (x.device().isGpu()) {
                long width = x.size(Tensor.LAST);
                return DropoutMasks.of(
                                kept, firstRow, x.size() / width, width, x.device(), x.dtype())
                        .reshape(x.shape());
            }
            Tensor mask = Tensor.empty(Device.cpu(), DType.BFLOAT16, x.shape());
            long[] shape = x.shape();
            fill(mask.memory(), shape[shape.length - 1]);
            return mask.to(x.dtype());
        }

        private void fill(MemorySegment memory, long width) {
            long numbers = memory.byteSize() / Short.BYTES;
            long four = 0;
            for (long i = 0; i < numbers; i++) {
                long column = i % width;
                if (column % KeptNumbers.TOGETHER == 0) {
                    four = kept.four(firstRow + i / width, width, column / KeptNumbers.TOGETHER);
                }
                memory.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED,
                        i * Short.BYTES,
                        (short) ((four & 1) * BFLOAT16_ONE));
                four >>>= Short.SIZE;
            }
        }
    }
}
