package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// TRL's losses on groups of completions as pure functions: value, gradients, KL and clip ratios.
@Tag("fixtures-trl")
class GrpoLossFixtureTest {
    private static final Set<String> OBJECTIVES = Set.of("grpo", "gmpo", "rloo");

    @Test
    void lossesAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, OBJECTIVES)) {
                String name =
                        "%s/%s/%s"
                                .formatted(
                                        c.get("objective").asText(),
                                        c.get("name").asText(),
                                        c.get("dtype").asText());
                report.run(name, () -> new Case(c).compare());
            }
        }
    }

    private static final class Case {
        private final JsonNode recorded;
        private final JsonNode config;
        private final JsonNode in;
        private final CompletionLoss loss;
        private final List<CompletionLogProbs> rows = new ArrayList<>();
        private final double[][] entropies;
        private double tokens;

        Case(JsonNode recorded) {
            this.recorded = recorded;
            config = recorded.get("config");
            in = recorded.get("inputs");
            loss = loss();
            double[][] policy = rows(in.get("policy"));
            entropies = in.has("entropy") ? rows(in.get("entropy")) : new double[policy.length][];
            for (int i = 0; i < policy.length; i++) {
                double[] mask =
                        in.has("loss_mask") ? rows(in.get("loss_mask"))[i] : ones(policy[i].length);
                tokens += Arrays.stream(mask).sum();
                CompletionLogProbs row =
                        CompletionLogProbs.of(
                                policy[i], mask, in.get("advantages").get(i).asDouble());
                row = in.has("old") ? row.withOld(rows(in.get("old"))[i]) : row;
                row = in.has("reference") ? row.withReference(rows(in.get("reference"))[i]) : row;
                rows.add(weighted(row, i));
            }
            choose();
        }

        private boolean is(String objective) {
            return recorded.get("objective").asText().equals(objective);
        }

        private String type() {
            return config.path("loss_type").asText("grpo");
        }

        private CompletionLoss loss() {
            double epsilon = config.path("epsilon").asDouble(0.2);
            double high = config.path("epsilon_high").asDouble(epsilon);
            double beta = config.path("beta").asDouble(0);
            if (is("rloo")) {
                return new SequenceRatio(epsilon, high);
            }
            if (is("gmpo")) {
                return new GeometricMean(epsilon, high, beta);
            }
            PolicyLoss term =
                    switch (type()) {
                        case "cispo" -> new PolicyLoss.Cispo(0, high);
                        case "sapo" ->
                                new PolicyLoss.Sapo( // TRL's temperatures are float32 tensors
                                        (float) config.path("sapo_temperature_pos").asDouble(1),
                                        (float) config.path("sapo_temperature_neg").asDouble(1.05));
                        case "vespo" ->
                                new PolicyLoss.Vespo(
                                        config.path("vespo_k_pos").asDouble(2),
                                        config.path("vespo_lambda_pos").asDouble(3),
                                        config.path("vespo_k_neg").asDouble(3),
                                        config.path("vespo_lambda_neg").asDouble(2));
                        default ->
                                new PolicyLoss.Clipped(
                                        epsilon,
                                        high,
                                        config.path("delta").asDouble(Double.POSITIVE_INFINITY));
                    };
            boolean sequence =
                    config.path("importance_sampling_level").asText("token").equals("sequence");
            return new GrpoObjective(
                    term,
                    sequence ? ImportanceSamplingLevel.SEQUENCE : ImportanceSamplingLevel.TOKEN,
                    beta,
                    config.path("use_bias_correction_kl").asBoolean(true));
        }

        /// Where a case doesn't say, the fixtures' base is `grpo` with at most 8 tokens.
        private Normaliser normaliser() {
            if (!is("grpo")) {
                return new Normaliser.PerRow();
            }
            return switch (type()) {
                case "grpo", "sapo" -> new Normaliser.PerSequence();
                case "bnpo" -> new Normaliser.PerMicroBatch();
                case "dr_grpo" ->
                        new Normaliser.Constant(config.path("max_completion_length").asInt(8));
                case "luspo" -> new Normaliser.PerRow();
                default -> new Normaliser.PerWindow();
            };
        }

        /// The sampler's correction and the off-policy mask.
        private CompletionLogProbs weighted(CompletionLogProbs row, int i) {
            double[] weights = ones(row.tokens());
            CompletionLogProbs with = row;
            if (in.has("importance_sampling_ratio")) {
                JsonNode given = in.get("importance_sampling_ratio").get(i);
                double[] ratio = given.isArray() ? numbers(given) : new double[] {given.asDouble()};
                if (type().equals("vespo")) {
                    // Rows of ratios were padded by 0 here; TRL's trainer pads by 1.
                    with =
                            row.withSamplerRatio(
                                    given.isArray() ? Arrays.copyOf(ratio, longest()) : ratio);
                } else {
                    Arrays.setAll(weights, t -> ratio[ratio.length == 1 ? 0 : t]);
                }
            }
            JsonNode threshold = config.path("off_policy_mask_threshold");
            if (threshold.isNumber()) {
                double[] sampling =
                        in.has("sampling")
                                ? rows(in.get("sampling"))[i]
                                : row.old().orElse(row.policy());
                new OffPolicyMask(threshold.asDouble()).apply(row, sampling, weights);
            }
            return with.withWeights(weights);
        }

        private int longest() {
            return Arrays.stream(rows(in.get("policy"))).mapToInt(r -> r.length).max().orElse(0);
        }

        private void choose() {
            if (config.has("top_entropy_quantile")) {
                var choice =
                        new TokenChoice.TopEntropy(config.get("top_entropy_quantile").asDouble());
                List<boolean[]> chosen =
                        choice.of(
                                List.copyOf(rows),
                                List.of(entropies),
                                RandomSource.XO_SHI_RO_256_PP.create(1));
                for (int i = 0; i < rows.size(); i++) {
                    rows.set(i, rows.get(i).withChosen(chosen.get(i)));
                }
            }
        }

        void compare() {
            int accumulation = config.path("gradient_accumulation_steps").asInt(1);
            double share =
                    (double) accumulation / config.path("steps_per_generation").asInt(accumulation);
            double all = rows.stream().mapToInt(CompletionLogProbs::tokens).sum();
            double generated = in.path("num_items_in_batch").asDouble(all) * share;
            // RLOO's is divided by the accumulation later on, and has none here.
            var size = new MicroBatchSize(rows.size(), tokens, generated, accumulation);
            double sum = 0;
            double kl = 0;
            double low = 0;
            double high = 0;
            for (int i = 0; i < rows.size(); i++) {
                CompletionLoss.Result result = result(i);
                double factor = normaliser().factor(size, rows.get(i).counted());
                sum += factor * result.loss();
                kl += result.kl();
                low += result.low();
                high += result.high();
                for (int t = 0; t < rows.get(i).tokens(); t++) {
                    check("policy", i, t, factor * result.slopes()[t]);
                }
            }
            sum += entropyBonus(accumulation);
            check("loss", recorded.get("loss"), sum);
            double count = loss.countsCompletions() ? rows.size() : Math.max(1, tokens);
            metric("kl", kl / Math.max(1, tokens));
            metric("clip_ratio/low_mean", low / count);
            metric("clip_ratio/high_mean", high / count);
            metric("cispo_clip_ratio", high / count);
        }

        private CompletionLoss.Result result(int i) {
            CompletionLogProbs row = rows.get(i);
            if (!(loss instanceof SequenceRatio ratio)) {
                return loss.evaluate(row);
            }
            double logRatio =
                    Arrays.stream(row.policy()).sum() - in.get("old_sums").get(i).asDouble();
            return ratio.of(logRatio, row.advantage(), row.mask());
        }

        private double entropyBonus(int accumulation) {
            double coefficient = config.path("entropy_coef").asDouble(0);
            if (coefficient == 0) {
                return 0;
            }
            double sum = 0;
            double count = 0;
            for (int pass = 0; pass < 2; pass++) { // the second knows the count
                for (int i = 0; i < rows.size(); i++) {
                    for (int t = 0; t < rows.get(i).tokens(); t++) {
                        boolean counts = rows.get(i).isChosen(t) && rows.get(i).mask()[t] == 1;
                        if (pass == 0) {
                            sum += counts ? entropies[i][t] : 0;
                            count += counts ? 1 : 0;
                        } else {
                            check(
                                    "entropy",
                                    i,
                                    t,
                                    counts ? -coefficient / (count * accumulation) : 0);
                        }
                    }
                }
            }
            return -coefficient * sum / (Math.max(1, count) * accumulation);
        }

        private void metric(String key, double got) {
            JsonNode expected = recorded.get("metrics").path(key);
            if (expected.isNumber()) {
                // Recorded through float32.
                assertEquals(expected.asDouble(), got, 1e-6 + 1e-6 * Math.abs(got), key);
            }
        }

        private void check(String of, int i, int t, double got) {
            check(of + " " + i + "," + t, recorded.get("gradients").get(of).get(i).get(t), got);
        }

        private void check(String what, JsonNode number, double got) {
            if (!number.isNumber()) { // TRL's overflows
                assertFalse(Double.isNaN(got), what);
                return;
            }
            double expected = number.asDouble();
            boolean exact = recorded.get("dtype").asText().equals("float64");
            double tolerance =
                    exact ? 1e-12 + 1e-9 * Math.abs(expected) : 1e-6 + 1e-5 * Math.abs(expected);
            assertEquals(expected, got, tolerance, what);
        }
    }

    private static double[] ones(int n) {
        double[] ones = new double[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static double[][] rows(JsonNode list) {
        double[][] rows = new double[list.size()][];
        Arrays.setAll(rows, i -> numbers(list.get(i)));
        return rows;
    }

    private static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        Arrays.setAll(numbers, i -> list.get(i).asDouble());
        return numbers;
    }
}
