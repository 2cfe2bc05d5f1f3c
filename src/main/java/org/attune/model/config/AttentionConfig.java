package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Collections;
import java.util.List;

/// Attention of a decoder.
///
/// @param heads      query heads
/// @param kvHeads    key and value heads; divides `heads`
/// @param headDim    features of a head, even; may differ from hidden size / heads
/// @param qkvBias    whether q, k and v projections have biases
/// @param outputBias whether the output projection has one
/// @param qkNorm     how queries and keys are normed
/// @param windows    per layer: tokens that a token sees, itself included; 0 is all
/// @param dropout    share of attention's probabilities that training sets to 0; no computation
///     here does, so only what doesn't train may use a model that asks for it
/// @param scale      factor of the products of queries and keys
/// @param softcap    `c` of `c · tanh(score / c)`, which bounds scores before they are masked; 0 is
///     none
/// @param sinks      whether each head has a learned score beside those of its keys, which takes
///     its share of the softmax and gives nothing
///     ([Xiao et al. 2024, §3](https://arxiv.org/abs/2309.17453))
/// @param gated      whether what a head gives is multiplied by the sigmoid of a gate, which the
///     query projection gives behind the query of each head
public record AttentionConfig(
        int heads,
        int kvHeads,
        int headDim,
        boolean qkvBias,
        boolean outputBias,
        QkNorm qkNorm,
        List<Integer> windows,
        double dropout,
        double scale,
        double softcap,
        boolean sinks,
        boolean gated) {
    /// @throws org.attune.error.ModelException if the dropout is no probability below 1, or a cap
    ///     isn't positive
    public AttentionConfig {
        windows = List.copyOf(windows);
        if (!(dropout >= 0 && dropout < 1)) {
            throw new ModelException("attention_dropout is " + dropout + "; accepted: [0, 1)");
        }
        if (!(softcap >= 0 && Double.isFinite(softcap))) {
            throw new ModelException(
                    "attn_logit_softcapping is " + softcap + "; accepted: above 0, or null");
        }
    }

    /// Attention of a model of which no layer has some: the smallest that there is.
    static AttentionConfig none(int layers) {
        return new AttentionConfig(1, 1, 2, false, false, false, Collections.nCopies(layers, 0));
    }

    /// Attention without sinks and gates.
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            QkNorm qkNorm,
            List<Integer> windows,
            double dropout,
            double scale,
            double softcap) {
        this(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm,
                windows,
                dropout,
                scale,
                softcap,
                false,
                false);
    }

    /// Attention with another factor of the products of queries and keys.
    AttentionConfig withScale(double other) {
        return new AttentionConfig(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm,
                windows,
                dropout,
                other,
                softcap,
                sinks,
                gated);
    }

    /// Features that the query projection gives.
    public int projectedQueries() {
        return (gated ? 2 : 1) * heads * headDim;
    }

    /// Attention with scores of queries and keys over the root of their length, without a cap.
    ///
    /// @param qkNorm whether heads are normed
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            boolean qkNorm,
            List<Integer> windows,
            double dropout) {
        this(
                heads,
                kvHeads,
                headDim,
                qkvBias,
                outputBias,
                qkNorm ? QkNorm.HEADS : QkNorm.NONE,
                windows,
                dropout,
                1 / Math.sqrt(headDim),
                0);
    }

    /// Attention without dropout.
    ///
    /// @param qkNorm whether heads are normed
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            boolean qkNorm,
            List<Integer> windows) {
        this(heads, kvHeads, headDim, qkvBias, outputBias, qkNorm, windows, 0);
    }
}
