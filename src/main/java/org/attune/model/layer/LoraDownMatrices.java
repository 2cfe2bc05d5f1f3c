package org.attune.model.layer;

import org.attune.tensor.Kernels;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.vector.DropoutPart;

import java.util.List;

/// First matrices of the adapters on linear layers that read the same input, times their scale, one
/// below the other. `R` rows, `D` columns.
final class LoraDownMatrices {
    private final TensorScope owner;
    private final Tensor matrix; // (R, D)
    private final int rows;
    private final int in;
    private final boolean packs; // whether products read copies
    private PackedMatrix packed; // null before it is needed
    private PackedMatrix transposed; // likewise
    private boolean packedIsOld;
    private boolean transposedIsOld;

    /// @param owner of what is made
    /// @param like says device and dtype
    LoraDownMatrices(TensorScope owner, Tensor like, int rows, int in) {
        this.owner = owner;
        this.rows = rows;
        this.in = in;
        packs = PackedMatrix.isUseful(like.device(), like.dtype());
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
        packedIsOld = true;
        transposedIsOld = true;
    }

    /// Fills the columns behind the input with its products.
    ///
    /// @param hx `(N, D + R)`
    void reduce(Tensor hx) {
        Tensor x = hx.narrow(1, 0, in);
        Tensor u = hx.narrow(1, in, rows);
        if (packs) {
            packed().multiplyInto(x, u);
        } else {
            Kernels.mm(x, matrix.t(), u);
        }
    }

    /// Whether products serve them where their input has dropout.
    ///
    /// @param updates whose matrices these are
    boolean servesDropout(List<LowRank> updates) {
        return packs
                && PackedMatrix.servesDropout(in, updates.stream().map(LowRank::rank).toList());
    }

    /// Reduces what dropout leaves of the input, where [#servesDropout].
    ///
    /// @param parts rows of the matrix
    void reduce(Tensor hx, List<DropoutPart> parts, double scale) {
        packed().multiplyDropped(hx.narrow(1, 0, in), parts, scale, hx.narrow(1, in, rows));
    }

    /// A copy of the matrix where [PackedMatrix#isUseful].
    PackedMatrix packed() {
        if (packed == null) {
            packed = PackedMatrix.of(matrix, owner);
        } else if (packedIsOld) {
            packed.replace(matrix);
        }
        packedIsOld = false;
        return packed;
    }

    /// A copy of the transposed matrix, `(D, R)`.
    PackedMatrix transposed() {
        if (transposed == null) {
            transposed = PackedMatrix.of(matrix.t(), owner);
        } else if (transposedIsOld) {
            transposed.replace(matrix.t());
        }
        transposedIsOld = false;
        return transposed;
    }

    void close() {
        matrix.close();
        if (packed != null) {
            packed.close();
        }
        if (transposed != null) {
            transposed.close();
        }
    }
}
