package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.TokenPass;

import java.util.List;

/// A frozen adapter's low-rank updates of linear layers that read the same input, and lengths of
/// rows (DoRA), as decoding reads them beside the layers' weights. Made when they are first read.
/// `R` is the sum of their ranks, or one more where that is odd.
final class PackedUpdate {
    private final TensorScope owner;
    private final FusedLinear layer;
    private final List<LowRank> updates;
    private PackedMatrix down; // sA one below the other, (R, in), or null
    private PackedMatrix up; // B block-diagonally, (out, R), or null
    private final List<Magnitude> magnitudes;
    private Tensor factor; // float32 (out), or null

    /// @param owner of the copies
    /// @param updates maybe none
    /// @param magnitudes of some of the layers
    PackedUpdate(
            TensorScope owner,
            FusedLinear layer,
            List<LowRank> updates,
            List<Magnitude> magnitudes) {
        this.owner = owner;
        this.layer = layer;
        this.updates = updates;
        this.magnitudes = magnitudes;
    }

    /// What a pass does with rows of the adapter, which has updates.
    TokenPass.Update on(AdapterRows.Run run) {
        make();
        return new TokenPass.Update(run.first(), run.count(), down, up, factor);
    }

    /// Makes the copies, unless they are there or there is nothing to copy.
    void make() {
        if (down == null && !updates.isEmpty()) {
            pack();
        }
    }

    private void pack() {
        int ranks = updates.stream().mapToInt(LowRank::rank).sum();
        int even = ranks + ranks % 2;
        Tensor like = updates.getFirst().b();
        try (var _ = TensorScope.open("pack")) {
            Tensor first = Tensor.zeros(like.device(), like.dtype(), even, layer.in());
            Tensor second = Tensor.zeros(like.device(), like.dtype(), layer.out(), even);
            int column = 0;
            for (LowRank u : updates) {
                first.narrow(0, column, u.rank()).copyInPlace(u.scaledA());
                u.rows(second.t(), layer).narrow(0, column, u.rank()).copyInPlace(u.b().t());
                column += u.rank();
            }
            down = PackedMatrix.of(first, owner);
            up = PackedMatrix.of(second, owner);
            if (!magnitudes.isEmpty()) {
                factor = owner.adopt(factor(like));
            }
        }
    }

    /// What the rows of all layers are multiplied by, `(out)`: 1 where no length is trained.
    private Tensor factor(Tensor like) {
        Tensor all = Tensor.full(like.device(), DType.FLOAT32, 1, layer.out());
        for (Magnitude m : magnitudes) {
            FusedLinear.Part p = layer.parts().get(m.part());
            all.narrow(0, p.firstRow(), p.out()).copyInPlace(m.factor());
        }
        return all;
    }

    /// Frees the copies, after values changed or for good.
    void close() {
        if (down != null) {
            down.close();
            up.close();
            down = null;
            up = null;
        }
        if (factor != null) {
            factor.close();
            factor = null;
        }
    }
}
