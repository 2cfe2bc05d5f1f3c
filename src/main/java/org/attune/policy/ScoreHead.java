package org.attune.policy;

import org.attune.model.layer.Decoder;
import org.attune.model.layer.OutputLayer;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.Map;

/// Final norm and score head of a classification model, at the scored rows only:
/// ```
/// r = norm(x) Sᵀ + c,     value of a target = r at its label
/// ```
/// `M` targets, `D` width, `L` labels.
final class ScoreHead implements Head {
    private final Decoder decoder;
    private final TokenForest forest;
    private final OutputHead.Use use;
    private final int[] labels; // (M)
    private final TensorScope scope = TensorScope.detached("score");
    private final Measurement measurement;
    private Tensor states; // (M, D)
    private Tensor statistics; // (M, 1)
    private OutputLayer.Rows rows;

    /// @param hidden output of the last block, `(N, D)`
    /// @throws IllegalArgumentException if the request asks for what only predictions have
    ScoreHead(
            Decoder decoder,
            Tensor hidden,
            TokenForest forest,
            HeadRequest request,
            OutputHead.Use use) {
        this(decoder, hidden, forest, use, requirePlain(request, forest));
    }

    /// Reads the scores of given labels at the rows from which a forest's targets are predicted.
    ///
    /// @param labels of each target, `(M)`
    ScoreHead(
            Decoder decoder, Tensor hidden, TokenForest forest, OutputHead.Use use, int[] labels) {
        this.decoder = decoder;
        this.forest = forest;
        this.use = use;
        this.labels = labels;
        try {
            measurement = forward(hidden);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    private static int[] requirePlain(HeadRequest request, TokenForest forest) {
        if (!request.equals(HeadRequest.of())) {
            throw new IllegalArgumentException(
                    "scores have neither statistics nor a temperature, but %s was asked for"
                            .formatted(request));
        }
        return forest.targetTokens();
    }

    private Measurement forward(Tensor hidden) {
        int m = forest.targetCount();
        try (var _ = TensorScope.open("score")) {
            Tensor index = use.sources(decoder.device(), forest);
            Tensor x = hidden.indexSelect(0, index); // (M, D)
            Tensor h = Tensor.empty(x.device(), x.dtype(), x.shape()); // (M, D)
            Tensor r = decoder.finalNorm().forward(x, h, use.adapter()); // (M, 1)
            OutputLayer.Rows layer = decoder.output().rows(h, use.adapter(), use.dropout());
            float[] values = layer.logits(0, m).gather(1, labels()).toFloats(); // (M)
            if (use.differentiable()) {
                states = scope.adopt(x);
                statistics = scope.adopt(r);
                layer.moveTo(scope);
                rows = layer;
            }
            return new Measurement(values, Map.of());
        }
    }

    /// `(M, 1)`.
    private Tensor labels() {
        int m = forest.targetCount();
        long[] ids = new long[m];
        for (int i = 0; i < m; i++) {
            ids[i] = labels[i];
        }
        return Tensor.of(decoder.device(), ids, m, 1);
    }

    @Override
    public Measurement measurement() {
        return measurement;
    }

    @Override
    public Tensor backward(float[] weights, Map<HeadStatistic, float[]> others) {
        int m = forest.targetCount();
        Tensor w = Tensor.of(decoder.device(), weights, m, 1);
        Tensor dz = // (M, L)
                Tensor.zeros(w.device(), w.dtype(), m, decoder.config().labels())
                        .scatterAddInPlace(1, labels(), w);
        Tensor dNormed = Tensor.empty(states.device(), states.dtype(), states.shape()); // (M, D)
        rows.backward(dz.to(states.dtype()), 0, dNormed);
        return Head.toRows(
                forest,
                decoder.finalNorm().backward(dNormed, states, statistics, use.adapter()),
                use);
    }

    @Override
    public void close() {
        scope.close();
    }
}
