package org.attune.model;

import org.attune.tensor.DType;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.ReduceKernel;

/// First matrices of the adapters on linear layers that read the same input, times their scale, one
/// below the other. `R` rows, `D` columns.
final class Reducers {
    /// So few that a product costs less than its call.
    private static final int FEW_ROWS = 64;

    private final TensorScope owner;
    private final Tensor matrix; // (R, D)
    private final int rows;
    private final int in;
    private Tensor narrow; // transposed, for the kernel of few rows; null before it is needed
    private boolean narrowIsOld;

    /// @param owner of what is made
    /// @param like says device and dtype
    Reducers(TensorScope owner, Tensor like, int rows, int in) {
        this.owner = owner;
        this.rows = rows;
        this.in = in;
        matrix = owner.adopt(Tensor.empty(like.device(), like.dtype(), rows, in));
    }

    /// `(R, D)`.
    Tensor matrix() {
        return matrix;
    }

    /// Where an update's matrix stands, to be written; call [#changed] then.
    ///
    /// @param first of its rows
    /// @return a view `(rank, D)`
    Tensor place(int first, LowRank update) {
        return matrix.narrow(0, first, update.rank());
    }

    /// Says that other numbers were written.
    void changed() {
        narrowIsOld = true;
    }

    /// Fills the columns behind the input with its products.
    ///
    /// @param hx `(N, D + R)`
    void reduce(Tensor hx) {
        if (isSmall(hx)) {
            VectorKernels.reduce(kernel(), hx, narrow());
        } else {
            Kernels.mm(hx.narrow(1, 0, in), matrix.t(), hx.narrow(1, in, rows));
        }
    }

    /// Whether the kernel takes the product: in bfloat16, where its gain was measured. In float32
    /// its other order of sums would show.
    private boolean isSmall(Tensor hx) {
        return hx.size(0) <= FEW_ROWS
                && hx.dtype() == DType.BFLOAT16
                && VectorKernels.serve(hx.device(), hx.dtype(), in);
    }

    private ReduceKernel kernel() {
        return new ReduceKernel(in, rows);
    }

    private Tensor narrow() {
        if (narrow == null) {
            int columns = kernel().columns();
            narrow = owner.adopt(Tensor.zeros(matrix.device(), matrix.dtype(), in, columns));
            narrowIsOld = true;
        }
        if (narrowIsOld) {
            narrow.narrow(1, 0, rows).copyInPlace(matrix.t());
            narrowIsOld = false;
        }
        return narrow;
    }

    void close() {
        matrix.close();
        if (narrow != null) {
            narrow.close();
        }
    }
}
