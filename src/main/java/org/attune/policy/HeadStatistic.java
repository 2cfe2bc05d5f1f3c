package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// What the output head can report of each target beside its log-probability, in the same pass. All
/// are float32, without gradient unless said otherwise. Logits are those after division by the
/// temperature.
@Api(EXPERIMENTAL)
public enum HeadStatistic {
    /// Entropy of the predicted distribution, in nats.
    ENTROPY,
    /// Entropy of the predicted distribution among its [#TOP] most probable tokens alone, in nats.
    TOP_ENTROPY,
    /// 1 where the target is the most probable token, else 0.
    ARGMAX_HIT,
    /// Mean of the logits over the vocabulary.
    MEAN_LOGIT,
    /// Sum of the logits over the vocabulary.
    SUM_LOGIT,
    /// Logarithm of the sum of the squared probabilities of the predicted distribution.
    LOG_SUM_SQUARED_PROBS,
    /// Divergence of the predicted distribution from a teacher's ([HeadTerm]).
    DIVERGENCE,
    /// The part of [#DIVERGENCE] that compares tokens which student and teacher both have, before
    /// its weight, where they have different vocabularies.
    MATCHED_DIVERGENCE,
    /// Estimate of a [ValueHead] on the policy's trunk, read where the target is predicted from.
    VALUE,
    /// The hidden state behind the final norm, `D` numbers of each target's row, from which
    /// embeddings are made. It stands alone: no log-probabilities are computed then.
    STATE;

    /// Tokens that TOP_ENTROPY looks at, or all of a smaller vocabulary.
    public static final int TOP = 20;
}
