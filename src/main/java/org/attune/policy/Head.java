package org.attune.policy;

import org.attune.model.layer.Decoder;
import org.attune.tensor.Tensor;

import java.util.Map;

/// The output part on a decoder's last block: forward at construction, backward on request. `M`
/// targets, `N` rows, `D` width.
sealed interface Head extends AutoCloseable permits OutputHead, ScoreHead, StateHead, JointHead {
    /// The head of the model's kind.
    ///
    /// @param hidden output of the last block, `(N, D)`
    static Head of(
            Decoder decoder,
            Tensor hidden,
            TokenForest forest,
            HeadRequest request,
            OutputHead.Use use) {
        if (request.statistics().contains(HeadStatistic.STATE)) {
            return new StateHead(decoder, hidden, forest, request, use);
        }
        return decoder.config().scores()
                ? new ScoreHead(decoder, hidden, forest, request, use)
                : new OutputHead(decoder, hidden, forest, request, use);
    }

    /// The value of each target.
    Measurement measurement();

    /// Takes gradients of the targets' values to the hidden states, in the current scope.
    ///
    /// @param weights dLoss/dValue of each target, `(M)`
    /// @param others gradients of the statistics that the request named as learned, each `(M)`
    /// @return `(N, D)`
    Tensor backward(float[] weights, Map<HeadStatistic, float[]> others);

    /// Takes gradients of the targets' values to the hidden states, `(N, D)`, where no statistic is
    /// learned from.
    default Tensor backward(float[] weights) {
        return backward(weights, Map.of());
    }

    /// Brings gradients of the targets' rows to all rows.
    ///
    /// @param d `(M, D)`
    /// @return `(N, D)`
    static Tensor toRows(TokenForest forest, Tensor d, OutputHead.Use use) {
        Tensor dHidden = Tensor.zeros(d.device(), d.dtype(), forest.size(), d.size(1));
        Tensor index =
                use.sources(d.device(), forest)
                        .unsqueeze(1)
                        .expand(forest.targetCount(), d.size(1));
        // Added, since one row may serve several targets: the last one of a shared prompt predicts
        // every completion's first token, and a row has a score for every label.
        return dHidden.scatterAddInPlace(0, index, d);
    }

    @Override
    void close();
}
