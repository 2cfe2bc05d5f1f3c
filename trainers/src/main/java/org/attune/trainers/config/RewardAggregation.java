package org.attune.trainers.config;

/// How several rewards become one advantage.
public enum RewardAggregation {
    /// Weighted sum, then centred and scaled.
    SUM_THEN_NORMALIZE,
    /// Each centred and scaled in its group, then the weighted sum, then over the round.
    NORMALIZE_THEN_SUM
}
