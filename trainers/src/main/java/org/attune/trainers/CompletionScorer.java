package org.attune.trainers;

import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;

/// Judges a round of completions; usually [org.attune.reward.RewardScorer#score].
@FunctionalInterface
public interface CompletionScorer {
    /// @return one row per completion, in their order
    RewardTable score(RewardBatch batch);
}
