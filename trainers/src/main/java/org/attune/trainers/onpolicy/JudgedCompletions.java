package org.attune.trainers.onpolicy;

import org.attune.reward.Advantages;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CompletionTable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Judged completions, in the order in which they were asked for.
///
/// @param rows tokens
/// @param sampled how they were generated
/// @param metrics of lengths and rewards, finite
/// @param table what watchers are shown
public record JudgedCompletions(
        List<CompletionForest.Row> rows,
        List<SampledCompletion> sampled,
        Map<String, Double> metrics,
        CompletionTable table) {
    /// Replaces metrics, those of lengths and episodes aside.
    ///
    /// @param others the new ones; what isn't finite is left out
    public JudgedCompletions with(Map<String, Double> others) {
        Map<String, Double> all = new LinkedHashMap<>(metrics);
        all.keySet().removeAll(others.keySet());
        all.putAll(others);
        all.values().removeIf(v -> !Double.isFinite(v));
        return new JudgedCompletions(rows, sampled, all, table);
    }

    /// Shows watchers what the method made of the rewards, with its metrics.
    public JudgedCompletions shown(Advantages advantages) {
        return new JudgedCompletions(rows, sampled, metrics, table.with(advantages.values()))
                .with(advantages.metrics());
    }

    /// The turn that each token of a completion belongs to; empty if all have one turn.
    public Optional<int[][]> turns() {
        return sampled.stream().allMatch(c -> c.episode().isEmpty())
                ? Optional.empty()
                : Optional.of(sampled.stream().map(SampledCompletion::turns).toArray(int[][]::new));
    }

    /// Tokens of prompts and the model's own of completions, a shared prompt counted for each
    /// completion; none of failed episodes.
    public long tokens() {
        long tokens = 0;
        for (int i = 0; i < rows.size(); i++) {
            if (!sampled.get(i).isFailed()) {
                tokens += rows.get(i).prompt().length + sampled.get(i).ownTokens();
            }
        }
        return tokens;
    }
}
