package org.attune.model.config;

import org.attune.error.ModelException;

/// What a decoder does to embeddings before the first block, and to logits behind the output layer.
///
/// @param embeddingScale factor of the tokens' embeddings
/// @param softcap        `c` of `c · tanh(logit / c)`; 0 is none
/// @param dropout        share of embeddings, and of what parts of blocks put out, that training
///     sets to 0; as with [AttentionConfig#dropout] no computation here does
/// @param logitScale     factor of the logits, before the cap
/// @param outputBias     whether the output layer has a bias
/// @param embeddingNorm  whether embeddings are normed before the first block, without a weight
/// @param scalesVectors  whether the factor concerns vectors too that are given in place of tokens
public record EndsConfig(
        double embeddingScale,
        double softcap,
        double dropout,
        double logitScale,
        boolean outputBias,
        boolean embeddingNorm,
        boolean scalesVectors) {
    /// Nothing.
    public static final EndsConfig PLAIN = new EndsConfig(1, 0, 0);

    /// @throws ModelException if a value is NaN or outside its range
    public EndsConfig {
        if (!(embeddingScale > 0 && Double.isFinite(embeddingScale))) {
            throw new ModelException(
                    "embeddings are scaled by %s; accepted: finite numbers above 0"
                            .formatted(embeddingScale));
        }
        if (!(softcap >= 0 && Double.isFinite(softcap))) {
            throw new ModelException(
                    "final_logit_softcapping is " + softcap + "; accepted: above 0, or null");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new ModelException("resid_pdrop is " + dropout + "; accepted: [0, 1)");
        }
        if (!(logitScale > 0 && Double.isFinite(logitScale))) {
            throw new ModelException(
                    "logits are scaled by " + logitScale + "; accepted: finite numbers above 0");
        }
    }

    /// Ends whose factor, if there is one, concerns tokens alone.
    public EndsConfig(
            double embeddingScale,
            double softcap,
            double dropout,
            double logitScale,
            boolean outputBias,
            boolean embeddingNorm) {
        this(embeddingScale, softcap, dropout, logitScale, outputBias, embeddingNorm, false);
    }

    /// Ends without a bias and a norm.
    public EndsConfig(double embeddingScale, double softcap, double dropout, double logitScale) {
        this(embeddingScale, softcap, dropout, logitScale, false, false);
    }

    /// Ends with logits as an output layer without a bias gives them.
    public EndsConfig(double embeddingScale, double softcap, double dropout) {
        this(embeddingScale, softcap, dropout, 1);
    }
}
