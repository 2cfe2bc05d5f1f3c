package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// TRL's GRPO losses as pure functions: value, gradients, KL and clip ratios.
@Tag("fixtures-trl")
class GrpoLossFixtureTest {
    private static final List<String> UNSUPPORTED = List.of("top_entropy_quantile", "entropy_coef");

    @Test
    void lossesAreThoseOfTrl() {
        JsonNode file = Recorded.json(Fixtures.fixture("trl").resolve("losses.json"));
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : file.get("cases")) {
                if (!c.get("objective").asText().equals("grpo")) {
                    continue;
                }
                String name = c.get("name").asText() + "/" + c.get("dtype").asText();
                if (UNSUPPORTED.stream().anyMatch(c.get("config")::has)
                        || name.startsWith("vespo-sampler-ratio")) {
                    report.unsupported(name);
                } else {
                    report.run(name, () -> compare(c));
                }
            }
        }
    }

    private static void compare(JsonNode c) {
        JsonNode config = c.get("config");
        JsonNode in = c.get("inputs");
        double[][] policy = rows(in.get("policy"));
        int n = policy.length;
        GrpoObjective objective = objective(config);
        double[][] masks = new double[n][];
        double tokens = 0;
        int all = 0;
        for (int i = 0; i < n; i++) {
            masks[i] = in.has("loss_mask") ? rows(in.get("loss_mask"))[i] : ones(policy[i].length);
            tokens += Arrays.stream(masks[i]).sum();
            all += policy[i].length;
        }
        int accumulation = config.path("gradient_accumulation_steps").asInt(1);
        int perGeneration = config.path("steps_per_generation").asInt(accumulation);
        double generated =
                in.path("num_items_in_batch").asDouble(all) * accumulation / perGeneration;
        var size = new MicroBatchSize(n, tokens, generated, accumulation);
        Normaliser normaliser = normaliser(config);
        double loss = 0;
        double kl = 0;
        double low = 0;
        double high = 0;
        for (int i = 0; i < n; i++) {
            var row =
                    new CompletionScores(
                            policy[i],
                            optional(in, "old", i),
                            optional(in, "reference", i),
                            masks[i],
                            weights(c, policy[i], i),
                            in.get("advantages").get(i).asDouble());
            GrpoObjective.Result result = objective.evaluate(row);
            double factor = normaliser.factor(size, row.counted());
            loss += factor * result.loss();
            kl += result.kl();
            low += result.low();
            high += result.high();
            for (int t = 0; t < policy[i].length; t++) {
                check(
                        c,
                        "gradient " + i + "," + t,
                        c.get("gradients").get("policy").get(i).get(t).asDouble(),
                        factor * result.slopes()[t]);
            }
        }
        check(c, "loss", c.get("loss").asDouble(), loss);
        metric(c, "kl", kl / Math.max(1, tokens));
        if (!objective.sequenceLevel()) {
            metric(c, "clip_ratio/low_mean", low / Math.max(1, tokens));
            metric(c, "clip_ratio/high_mean", high / Math.max(1, tokens));
            metric(c, "cispo_clip_ratio", high / Math.max(1, tokens));
        }
    }

    private static GrpoObjective objective(JsonNode config) {
        double epsilon = config.path("epsilon").asDouble(0.2);
        double epsilonHigh = config.path("epsilon_high").asDouble(epsilon);
        PolicyLoss loss =
                switch (config.path("loss_type").asText("grpo")) {
                    case "cispo" -> new PolicyLoss.Cispo(epsilonHigh);
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
                                    epsilonHigh,
                                    config.path("delta").asDouble(Double.POSITIVE_INFINITY));
                };
        return new GrpoObjective(
                loss,
                config.path("importance_sampling_level").asText("token").equals("sequence"),
                config.path("beta").asDouble(0),
                config.path("use_bias_correction_kl").asBoolean(true));
    }

    /// Where a case doesn't say, the fixtures' base is `grpo` with at most 8 tokens.
    private static Normaliser normaliser(JsonNode config) {
        return switch (config.path("loss_type").asText("grpo")) {
            case "grpo", "sapo" -> new Normaliser.PerSequence();
            case "bnpo" -> new Normaliser.PerMicroBatch();
            case "dr_grpo" ->
                    new Normaliser.Constant(config.path("max_completion_length").asInt(8));
            case "luspo" -> new Normaliser.PerRow();
            default -> new Normaliser.PerWindow();
        };
    }

    /// The sampler's correction and the off-policy mask, both constant factors.
    private static Optional<double[]> weights(JsonNode c, double[] policy, int i) {
        JsonNode in = c.get("inputs");
        double[] weights = ones(policy.length);
        if (in.has("importance_sampling_ratio")
                && !c.get("config").path("loss_type").asText().equals("vespo")) {
            JsonNode ratio = in.get("importance_sampling_ratio").get(i);
            for (int t = 0; t < weights.length; t++) {
                weights[t] *=
                        ratio.isArray()
                                ? ratio.get(ratio.size() == 1 ? 0 : t).asDouble()
                                : ratio.asDouble();
            }
        }
        JsonNode threshold = c.get("config").path("off_policy_mask_threshold");
        if (threshold.isNumber() && in.get("advantages").get(i).asDouble() < 0) {
            double[] sampling =
                    optional(in, "sampling", i).or(() -> optional(in, "old", i)).orElse(policy);
            double[] mask =
                    in.has("loss_mask") ? rows(in.get("loss_mask"))[i] : ones(policy.length);
            double sum = 0;
            for (int t = 0; t < policy.length; t++) {
                sum += mask[t] * (sampling[t] - policy[t]);
            }
            if (sum / Math.max(1, Arrays.stream(mask).sum()) > threshold.asDouble()) {
                Arrays.fill(weights, 0);
            }
        }
        return Optional.of(weights);
    }

    private static void metric(JsonNode c, String key, double got) {
        JsonNode expected = c.get("metrics").path(key);
        if (expected.isNumber()) {
            // Recorded through float32.
            assertEquals(expected.asDouble(), got, 1e-6 + 1e-6 * Math.abs(got), key);
        }
    }

    private static void check(JsonNode c, String what, double expected, double got) {
        boolean exact = c.get("dtype").asText().equals("float64");
        double tolerance =
                exact ? 1e-12 + 1e-9 * Math.abs(expected) : 1e-6 + 1e-5 * Math.abs(expected);
        assertEquals(expected, got, tolerance, what);
    }

    private static Optional<double[]> optional(JsonNode in, String key, int i) {
        return in.has(key) ? Optional.of(rows(in.get(key))[i]) : Optional.empty();
    }

    private static double[] ones(int n) {
        double[] ones = new double[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    private static double[][] rows(JsonNode list) {
        double[][] rows = new double[list.size()][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = new double[list.get(i).size()];
            for (int t = 0; t < rows[i].length; t++) {
                rows[i][t] = list.get(i).get(t).asDouble();
            }
        }
        return rows;
    }
}
