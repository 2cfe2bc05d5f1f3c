package org.attune.trainers.grpo;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Loss and metrics of a step's micro-batches, summed up completion by completion.
public final class StepTotals {
    private final GrpoObjective objective;
    private final List<MicroBatch> microBatches = new ArrayList<>();

    private static final class MicroBatch {
        double loss;
        double tokens;
        double entropy;
        double kl;
        double low;
        double high;
        double lowestLow = Double.POSITIVE_INFINITY;
        double highestHigh = Double.NEGATIVE_INFINITY;
        int rows;
        double samplerDifference;
        double largestDifference;
        double compared;
        double phi;
    }

    /// @param count number of logical micro-batches
    public StepTotals(GrpoObjective objective, int count) {
        this.objective = objective;
        for (int m = 0; m < count; m++) {
            microBatches.add(new MicroBatch());
        }
    }

    /// Adds a completion.
    ///
    /// @param m its logical micro-batch
    /// @param scores what was evaluated
    /// @param result what came out
    /// @param factor with which it enters the loss
    /// @param entropy of each token's distribution, `(T)`
    public void add(
            int m,
            CompletionScores scores,
            GrpoObjective.Result result,
            double factor,
            double[] entropy) {
        MicroBatch batch = microBatches.get(m);
        batch.loss += factor * result.loss();
        for (int t = 0; t < entropy.length; t++) {
            batch.entropy += scores.mask()[t] * entropy[t];
        }
        double counted = scores.counted();
        batch.tokens += counted;
        batch.kl += result.kl();
        batch.low += share(result.low(), counted);
        batch.high += share(result.high(), counted);
        batch.lowestLow = Math.min(batch.lowestLow, result.low() / Math.max(1, counted));
        batch.highestHigh = Math.max(batch.highestHigh, result.high() / Math.max(1, counted));
        batch.rows++;
        if (objective.loss() instanceof PolicyLoss.Vespo vespo) {
            double product = PolicyLoss.Vespo.logProduct(scores.logRatios(), scores.mask());
            batch.phi += vespo.phi(product, scores.advantage());
        }
    }

    /// With one ratio per completion TRL counts completions, else tokens.
    private double share(double clipped, double counted) {
        return objective.sequenceLevel() ? clipped / Math.max(1, counted) : clipped;
    }

    /// Adds the distance between the sampler's log-probabilities and the trainer's, of the tokens
    /// that count.
    ///
    /// @param mask 1 where a token counts, else 0, `(T)`
    public void compareSampler(int m, float[] sampling, double[] trainer, float[] mask) {
        MicroBatch batch = microBatches.get(m);
        for (int t = 0; t < trainer.length; t++) {
            if (mask[t] == 0) {
                continue;
            }
            batch.compared++;
            double difference = Math.abs(sampling[t] - trainer[t]);
            batch.samplerDifference += difference;
            batch.largestDifference = Math.max(batch.largestDifference, difference);
        }
    }

    /// The step's loss.
    public double loss() {
        return microBatches.stream().mapToDouble(m -> m.loss).sum();
    }

    /// Metrics of each micro-batch, by TRL's names.
    public List<Map<String, Double>> metrics() {
        return microBatches.stream().map(this::metrics).toList();
    }

    private Map<String, Double> metrics(MicroBatch m) {
        double tokens = Math.max(1, m.tokens);
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (objective.beta() != 0) {
            metrics.put("kl", m.kl / tokens);
        }
        metrics.put("entropy", m.entropy / tokens);
        switch (objective.loss()) {
            case PolicyLoss.Clipped _ -> {
                double count = objective.sequenceLevel() ? Math.max(1, m.rows) : tokens;
                metrics.put("clip_ratio/low_mean", m.low / count);
                metrics.put("clip_ratio/low_min", m.lowestLow);
                metrics.put("clip_ratio/high_mean", m.high / count);
                metrics.put("clip_ratio/high_max", m.highestHigh);
                metrics.put("clip_ratio/region_mean", (m.low + m.high) / count);
            }
            case PolicyLoss.Cispo _ ->
                    metrics.put(
                            "cispo_clip_ratio",
                            m.high / (objective.sequenceLevel() ? Math.max(1, m.rows) : tokens));
            case PolicyLoss.Vespo _ -> metrics.put("vespo/phi_seq_mean", m.phi / m.rows);
            case PolicyLoss.Sapo _ -> {}
        }
        if (m.compared > 0) {
            metrics.put("sampling/sampling_logp_difference/mean", m.samplerDifference / m.compared);
            metrics.put("sampling/sampling_logp_difference/max", m.largestDifference);
        }
        return metrics;
    }
}
