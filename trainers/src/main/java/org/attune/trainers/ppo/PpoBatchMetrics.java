package org.attune.trainers.ppo;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// Metrics of an update's completions from before it: TRL's `objective/…`, and verl's `critic/…`.
/// Sums are over tokens that count, means over completions that were judged.
final class PpoBatchMetrics {
    /// verl's, against division by 0 where all returns are equal.
    private static final double EPSILON = 1e-5;

    private final List<PpoRow> rows;
    private final double[] scores;
    private final TokenRewards shaping;
    private final PpoConfig config;
    private final OptionalInt eosId;

    /// @param scores of the completions; NaN where nothing judged one
    PpoBatchMetrics(
            List<PpoRow> rows,
            double[] scores,
            TokenRewards shaping,
            PpoConfig config,
            OptionalInt eosId) {
        this.rows = rows;
        this.scores = scores;
        this.shaping = shaping;
        this.config = config;
        this.eosId = eosId;
    }

    /// Mean divergence of a completion from the reference; 0 without one.
    double divergence() {
        return mean(
                row ->
                        row.reference()
                                .map(r -> shaping.divergence(row.old(), r, row.mask()))
                                .orElse(0.0));
    }

    /// @param klCoef weight of the divergence
    Map<String, Double> metrics(double klCoef) {
        Map<String, Double> metrics = new LinkedHashMap<>();
        double score = Arrays.stream(scores).filter(Double::isFinite).average().orElse(0);
        if (config.kl().klCoef() > 0) {
            double kl = divergence();
            metrics.put("objective/kl", kl);
            metrics.put("objective/non_score_reward", -shaping.coefficient() * kl);
            metrics.put("actor/reward_kl_penalty_coeff", klCoef);
        }
        metrics.put("objective/entropy", mean(this::surprise));
        metrics.put("objective/rlhf_reward", score - shaping.coefficient() * divergence());
        metrics.put("objective/scores", score);
        metrics.put("val/num_eos_tokens", (double) rows.stream().mapToLong(this::ends).sum());
        double[] returns = states(PpoRow::returns);
        double[] values = states(PpoRow::values);
        double[] errors = returns.clone();
        Arrays.setAll(errors, i -> returns[i] - values[i]);
        metrics.put(
                "critic/vf_explained_var", 1 - variance(errors) / (variance(returns) + EPSILON));
        put(metrics, "critic/values", values);
        put(metrics, "critic/returns", returns);
        put(metrics, "critic/advantages", tokens(PpoRow::advantages));
        metrics.values().removeIf(v -> !Double.isFinite(v));
        return metrics;
    }

    private static void put(Map<String, Double> metrics, String name, double[] numbers) {
        DoubleStream.of(numbers).average().ifPresent(v -> metrics.put(name + "/mean", v));
        DoubleStream.of(numbers).max().ifPresent(v -> metrics.put(name + "/max", v));
        DoubleStream.of(numbers).min().ifPresent(v -> metrics.put(name + "/min", v));
    }

    /// Minus the log-probability of a completion; TRL's padding has log-probability 1.
    private double surprise(PpoRow row) {
        double sum = 0;
        for (int t = 0; t < row.old().length; t++) {
            sum -= row.mask()[t] * row.old()[t];
        }
        int padding = config.maxCompletionLength() - row.old().length;
        return sum - (config.loss().trlCompat() ? padding : 0);
    }

    private long ends(PpoRow row) {
        return eosId.isEmpty()
                ? 0
                : IntStream.of(row.tokens().completion())
                        .filter(id -> id == eosId.getAsInt())
                        .count();
    }

    private double mean(Function<PpoRow, Double> of) {
        return IntStream.range(0, rows.size())
                .filter(i -> Double.isFinite(scores[i]))
                .mapToDouble(i -> of.apply(rows.get(i)))
                .average()
                .orElse(0);
    }

    private double[] states(Function<PpoRow, double[]> of) {
        return counted(of, PpoRow::valueMask);
    }

    private double[] tokens(Function<PpoRow, double[]> of) {
        return counted(of, PpoRow::mask);
    }

    private double[] counted(Function<PpoRow, double[]> of, Function<PpoRow, double[]> mask) {
        return rows.stream()
                .flatMapToDouble(
                        row ->
                                IntStream.range(0, of.apply(row).length)
                                        .filter(t -> mask.apply(row)[t] > 0)
                                        .mapToDouble(t -> of.apply(row)[t]))
                .toArray();
    }

    private static double variance(double[] numbers) {
        double mean = DoubleStream.of(numbers).average().orElse(0);
        double squares = DoubleStream.of(numbers).map(x -> (x - mean) * (x - mean)).sum();
        return squares / Math.max(1, numbers.length - 1);
    }
}
