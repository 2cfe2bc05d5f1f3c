package org.attune.trainers.onpolicy;

import org.attune.datasets.layout.CompletionForest;
import org.attune.reward.Advantages;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.loop.CompletionTable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Judged completions, in the order in which they were asked for.
///
/// @param rows tokens
/// @param sampled how they were generated
/// @param advantages over the others of the prompt
/// @param metrics of lengths and rewards, finite
/// @param table what watchers are shown
public record JudgedCompletions(
        List<CompletionForest.Row> rows,
        List<SampledCompletion> sampled,
        Advantages advantages,
        Map<String, Double> metrics,
        CompletionTable table) {
    /// Replaces the advantages, and their metrics.
    public JudgedCompletions with(Advantages other) {
        Map<String, Double> all = new LinkedHashMap<>(metrics);
        all.keySet().removeAll(advantages.metrics().keySet());
        all.putAll(other.metrics());
        all.values().removeIf(v -> !Double.isFinite(v));
        return new JudgedCompletions(
                rows,
                sampled,
                other,
                all,
                new CompletionTable(
                        table.batch(), table.rewards(), other.values(), table.generations()));
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
