package org.attune.policy;

import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Map;

/// Final norm at the targets' rows, without an output layer: the hidden states of which embeddings
/// are made. `M` targets, `N` rows, `D` width.
final class StateHead implements Head {
    private final Decoder decoder;
    private final TokenForest forest;
    private final OutputHead.Use use;
    private final TensorScope scope = TensorScope.detached("state");
    private final Measurement measurement;
    private Tensor states; // (M, D)
    private Tensor statistics; // (M, 1)

    /// @param hidden output of the last block, `(N, D)`
    /// @throws IllegalArgumentException if the request asks for what predictions have
    StateHead(
            Decoder decoder,
            Tensor hidden,
            TokenForest forest,
            HeadRequest request,
            OutputHead.Use use) {
        if (request.statistics().size() > 1) {
            throw new IllegalArgumentException(
                    "hidden states are asked for alone, got " + request.statistics());
        }
        this.decoder = decoder;
        this.forest = forest;
        this.use = use;
        try {
            measurement = forward(hidden);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    private Measurement forward(Tensor hidden) {
        try (var _ = TensorScope.open("state")) {
            Tensor x = hidden.indexSelect(0, use.sources(decoder.device(), forest)); // (M, D)
            Tensor h = Tensor.empty(x.device(), x.dtype(), x.shape()); // (M, D)
            Tensor r = decoder.finalNorm().forward(x, h, use.adapter()); // (M, 1)
            float[] values = h.to(DType.FLOAT32).toFloats(); // (M D)
            if (use.differentiable()) {
                states = scope.adopt(x);
                statistics = scope.adopt(r);
            }
            return new Measurement(
                    new float[forest.targetCount()], Map.of(HeadStatistic.STATE, values));
        }
    }

    @Override
    public Measurement measurement() {
        return measurement;
    }

    @Override
    public Tensor backward(float[] weights, Map<HeadStatistic, float[]> others) {
        float[] slopes = others.get(HeadStatistic.STATE);
        Tensor d = // (M, D)
                Tensor.of(decoder.device(), slopes, states.size(0), states.size(1))
                        .to(states.dtype());
        return Head.toRows(
                forest, decoder.finalNorm().backward(d, states, statistics, use.adapter()), use);
    }

    @Override
    public void close() {
        scope.close();
    }
}
