package org.attune.ranks;

import org.attune.error.ShapeException;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.Arrays;

/// Checks of what goes between ranks, the same for all carriers.
public final class TensorParts {
    private TensorParts() {}

    public static void requireRank(int rank, int size) {
        if (rank < 0 || rank >= size) {
            throw new IndexOutOfBoundsException(
                    "rank %d of %d; ranks are 0 to %d".formatted(rank, size, size - 1));
        }
    }

    public static void requireDense(String what, Tensor values) {
        if (!values.isDense()) {
            throw new ShapeException(what + ": " + values + " is not contiguous");
        }
    }

    public static void requireSummable(String what, Tensor sum) {
        requireDense(what, sum);
        if (sum.dtype() != DType.FLOAT32) {
            throw new ShapeException(
                    what + ": " + sum + " can't be added up over ranks; float32 is");
        }
    }

    public static void requireParts(
            String what, Tensor whole, int[] counts, Tensor part, int rank, int size) {
        requireSummable(what, whole);
        requireSummable(what, part);
        long all = Arrays.stream(counts).asLongStream().sum();
        if (counts.length != size || whole.size() != all || part.size() != counts[rank]) {
            throw new ShapeException(
                    "%s: of %s rank %d of %d gets %s, which doesn't fit parts of %s"
                            .formatted(what, whole, rank, size, part, Arrays.toString(counts)));
        }
        requireSameDevice(what, whole, part);
    }

    public static void requireParts(String what, Tensor whole, Tensor part, int size) {
        requireDense(what, whole);
        requireDense(what, part);
        if (whole.dtype() != part.dtype() || whole.size() != part.size() * size) {
            throw new ShapeException(
                    "%s: %s doesn't consist of %d parts as %s".formatted(what, whole, size, part));
        }
        requireSameDevice(what, whole, part);
    }

    private static void requireSameDevice(String what, Tensor whole, Tensor part) {
        if (!whole.device().equals(part.device())) {
            throw new ShapeException(
                    "%s: %s and %s are on two devices".formatted(what, whole, part));
        }
    }
}
