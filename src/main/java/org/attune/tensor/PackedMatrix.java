package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.vector.PackedPlaces;

import java.util.Optional;

/// A matrix copied into the layout that products read fastest: oneDNN puts the plain layout into
/// that order for each product anew, which is half of the work when few rows are multiplied.
/// Changes of the original don't reach the copy. A product may differ from the plain one in the
/// last bit.
public final class PackedMatrix implements AutoCloseable {
    private final Tensor packed; // opaque: has a shape, but no strides

    private PackedMatrix(Tensor packed) {
        this.packed = packed;
    }

    /// Whether a faster layout is known: for bfloat16 on processors that multiply it.
    public static boolean isUseful(Device device, DType dtype) {
        return device.equals(Device.cpu())
                && dtype == DType.BFLOAT16
                && Engine.hasFastBfloat16()
                && Libtorch.hasPackedProducts();
    }

    /// Copies a matrix.
    ///
    /// @param matrix `(out, in)`
    /// @param owner of the copy
    public static PackedMatrix of(Tensor matrix, TensorScope owner) {
        try (var _ = TensorScope.open("pack")) {
            return new PackedMatrix(owner.adopt(reordered(matrix.contiguous())));
        }
    }

    static Tensor reordered(Tensor dense) {
        return Operators.REORDER_LINEAR_WEIGHT.with(dense).none().call();
    }

    /// Copies other numbers to where the last columns were copied.
    ///
    /// @param last `(out, R)`, bfloat16
    /// @return whether it could: not where it is unknown in what order they are kept
    public boolean replaceLastColumns(Tensor last) {
        int rows = Math.toIntExact(packed.size(0));
        int columns = Math.toIntExact(packed.size(1));
        int from = Math.toIntExact(columns - last.size(1));
        if (last.size(0) != rows || from < 0) {
            throw new ShapeException("%s has no columns of packed %s".formatted(last, packed));
        }
        Optional<PackedPlaces> places = PackedLayout.of(rows, columns, from);
        if (places.isEmpty()) {
            return false;
        }
        long begun = OperatorTimes.begin();
        places.get().fill(VectorKernels.rows(last), 0, PackedLayout.address(packed));
        OperatorTimes.end("attune::replace_columns", begun);
        return true;
    }

    /// `x matrixᵀ`, `(n, out)`.
    ///
    /// @param x `(n, in)`
    public Tensor multiply(Tensor x) {
        check(x);
        long begun = OperatorTimes.begin();
        long product = Libtorch.packedProduct(x.handle(), packed.handle());
        OperatorTimes.end("mkldnn::_linear_pointwise", begun);
        return Tensor.adopt(product, false);
    }

    /// `x matrixᵀ + other`, added in float32, `(n, out)`.
    ///
    /// @param x `(n, in)`
    /// @param other `(n, out)`, of the same dtype
    public Tensor multiply(Tensor x, Tensor other) {
        check(x);
        if (other.dim() != 2
                || other.size(0) != x.size(0)
                || other.size(1) != packed.size(0)
                || other.dtype() != x.dtype()) {
            throw new ShapeException(
                    "%s can't be added to the product of %s and packed %s"
                            .formatted(other, x, packed));
        }
        long begun = OperatorTimes.begin();
        long product = Libtorch.packedProduct(x.handle(), packed.handle(), other.handle());
        OperatorTimes.end("mkldnn::_linear_pointwise", begun);
        return Tensor.adopt(product, false);
    }

    private void check(Tensor x) {
        Engine.requireEngineThread();
        if (x.dim() != 2 || x.size(1) != packed.size(1) || x.dtype() != packed.dtype()) {
            throw new ShapeException("%s can't be multiplied by packed %s".formatted(x, packed));
        }
    }

    /// Frees the copy before its owner ends.
    @Override
    public void close() {
        packed.close();
    }
}
