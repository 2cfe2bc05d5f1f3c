package org.attune.trainers.onpolicy;

import org.attune.rollout.SampledCompletion;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// TRL's metrics of the lengths of completions.
public final class CompletionLengths {
    private CompletionLengths() {}

    /// Lengths in tokens, the model's own alone, of all completions, and of those that ended by
    /// themselves (0 where none did). Failed episodes don't count.
    public static Map<String, Double> metrics(List<SampledCompletion> sampled) {
        List<SampledCompletion> completions = sampled.stream().filter(c -> !c.isFailed()).toList();
        int[] all = completions.stream().mapToInt(SampledCompletion::ownTokens).toArray();
        int[] ended =
                completions.stream()
                        .filter(c -> c.reason().isFinished())
                        .mapToInt(SampledCompletion::ownTokens)
                        .toArray();
        Map<String, Double> metrics = new LinkedHashMap<>();
        put(metrics, "length", all);
        metrics.put(
                "completions/clipped_ratio", 1 - (double) ended.length / Math.max(1, all.length));
        put(metrics, "terminated_length", ended);
        return metrics;
    }

    private static void put(Map<String, Double> metrics, String what, int[] lengths) {
        metrics.put("completions/mean_" + what, IntStream.of(lengths).average().orElse(0));
        metrics.put("completions/min_" + what, (double) IntStream.of(lengths).min().orElse(0));
        metrics.put("completions/max_" + what, (double) IntStream.of(lengths).max().orElse(0));
    }
}
