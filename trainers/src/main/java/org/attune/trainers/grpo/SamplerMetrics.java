package org.attune.trainers.grpo;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How far another sampler was from the policy, by TRL's names.
final class SamplerMetrics {
    private double sum;
    private double largest;
    private double count;
    private double ratios;
    private double least = Double.POSITIVE_INFINITY;
    private double most = Double.NEGATIVE_INFINITY;
    private double ratioCount;

    private SamplerMetrics() {}

    /// @param rows with ratios and old log-probabilities
    /// @param ofSequences whether a ratio is that of a completion
    static Map<String, Double> of(List<RolloutRow> rows, boolean ofSequences) {
        var all = new SamplerMetrics();
        rows.forEach(row -> all.add(row, ofSequences));
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("sampling/sampling_logp_difference/mean", all.sum / Math.max(1, all.count));
        metrics.put("sampling/sampling_logp_difference/max", all.largest);
        boolean none = all.ratioCount == 0;
        metrics.put("sampling/importance_sampling_ratio/min", none ? 0 : all.least);
        metrics.put(
                "sampling/importance_sampling_ratio/mean",
                all.ratios / Math.max(1, all.ratioCount));
        metrics.put("sampling/importance_sampling_ratio/max", none ? 0 : all.most);
        return metrics;
    }

    private void add(RolloutRow row, boolean ofSequences) {
        float[] ratio = row.samplerRatio().orElseThrow();
        if (ofSequences) {
            ratio(ratio[0]);
        }
        for (int t = 0; t < row.length(); t++) {
            if (row.mask()[t] == 0) {
                continue;
            }
            double difference =
                    Math.abs(row.oldLogProbs().orElseThrow()[t] - row.samplingLogProbs()[t]);
            if (!Double.isNaN(difference)) {
                sum += difference;
                count++;
                largest = Math.max(largest, difference);
            }
            if (!ofSequences) {
                ratio(ratio[t]);
            }
        }
    }

    private void ratio(double value) {
        ratios += value;
        least = Math.min(least, value);
        most = Math.max(most, value);
        ratioCount++;
    }
}
