package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.List;

/// The biases of linear layers that read the same input, where an adapter changes some.
final class AdapterBiases {
    private final FusedLinear layer;
    private final List<LayerUpdate.Bias> biases;
    private final Tensor all; // (out)

    /// @param owner of what is made
    /// @param biases those that stand in place of the layers' own first
    AdapterBiases(TensorScope owner, FusedLinear layer, List<LayerUpdate.Bias> biases) {
        this.layer = layer;
        this.biases = List.copyOf(biases);
        Tensor like = biases.getFirst().value();
        try (var _ = TensorScope.open("biases")) {
            all = owner.adopt(Tensor.zeros(like.device(), like.dtype(), layer.out()));
        }
    }

    /// The biases of all layers, `(out)`.
    Tensor all() {
        return all;
    }

    /// Brings [#all] up to date.
    void refresh() {
        try (var _ = TensorScope.open("biases")) {
            for (int i = 0; i < layer.parts().size(); i++) {
                Tensor own = layer.bias(i);
                if (own != null) {
                    rows(i).copyInPlace(own);
                }
            }
            for (LayerUpdate.Bias b : biases) {
                Tensor rows = rows(b.part());
                if (b.replaces() || layer.bias(b.part()) == null) {
                    rows.copyInPlace(b.value());
                } else {
                    rows.addInPlace(b.value());
                }
            }
        }
    }

    private Tensor rows(int part) {
        FusedLinear.Part p = layer.parts().get(part);
        return all.narrow(0, p.firstRow(), p.out());
    }

    /// Gives each bias its gradient.
    ///
    /// @param dy gradient of the layers' output, `(N, out)`
    void learn(Tensor dy) {
        for (LayerUpdate.Bias b : biases) {
            if (b.learner() != null) {
                FusedLinear.Part p = layer.parts().get(b.part());
                try (var _ = TensorScope.open("biases")) {
                    Tensor rows = dy.narrow(1, p.firstRow(), p.out());
                    b.learner().accept(rows.to(DType.FLOAT32).sum(0, false));
                }
            }
        }
    }

    void close() {
        all.close();
    }
}
