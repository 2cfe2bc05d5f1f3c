package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.source.RecordedRollouts;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Rewards as they stand beside recorded completions.
///
/// @param recorded where the completions come from
/// @param names of the functions
/// @param weights of the functions, as many
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record RecordedScores(RecordedRollouts recorded, List<String> names, double[] weights)
        implements CompletionScorer {

    /// @param file for messages
    /// @param given weights that the configuration names; empty leaves the file's, else 1
    /// @throws ConfigException if the file has no rewards, or not as many as weights were given
    static RecordedScores of(RecordedRollouts recorded, Path file, List<Double> given) {
        Map<String, Double> told = recorded.rewardWeights();
        List<String> names = new ArrayList<>(told.keySet());
        if (names.isEmpty()) {
            throw new ConfigException(file + " holds no rewards; set reward_funcs");
        }
        if (!given.isEmpty() && given.size() != names.size()) {
            throw new ConfigException(
                    "reward_weights has %d values; accepted: one for each of %s, which %s holds"
                            .formatted(given.size(), names, file));
        }
        double[] weights = new double[names.size()];
        for (int f = 0; f < weights.length; f++) {
            double own = told.get(names.get(f));
            weights[f] = !given.isEmpty() ? given.get(f) : Double.isNaN(own) ? 1 : own;
        }
        return new RecordedScores(recorded, names, weights);
    }

    @Override
    public RewardTable score(RewardBatch batch) {
        List<Map<String, Double>> rewards = recorded.rewards(); // of the round that was asked for
        double[][] values = new double[batch.size()][names.size()];
        for (int i = 0; i < values.length; i++) {
            for (int f = 0; f < names.size(); f++) {
                values[i][f] = rewards.get(i).getOrDefault(names.get(f), Double.NaN);
            }
        }
        return RewardTable.of(names, weights, values);
    }
}
