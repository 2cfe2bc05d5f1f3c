package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.policy.CausalPolicy;
import org.attune.policy.ParameterSpace;
import org.attune.trainers.loop.MetricKeys;

import java.util.List;
import java.util.Map;
import java.util.Set;

/// Compares a run with what TRL recorded of the same one, as the fixtures' README has it.
public final class Parity {
    /// Shares of a few tokens or pairs: a logit's tie may fall the other way.
    private static final Set<String> COUNTS =
            Set.of(
                    MetricKeys.MEAN_TOKEN_ACCURACY,
                    MetricKeys.REWARDS_ACCURACIES,
                    MetricKeys.ACCURACY);

    private Parity() {}

    public static void compareSteps(List<JsonNode> expected, List<Map<String, Object>> logs) {
        assertEquals(expected.size(), logs.size(), "logged steps");
        for (int i = 0; i < logs.size(); i++) {
            for (Map.Entry<String, JsonNode> metric : expected.get(i).properties()) {
                String key = metric.getKey();
                Object got = logs.get(i).get(key);
                assertTrue(got != null, "step " + (i + 1) + " has no " + key);
                double want = metric.getValue().asDouble();
                assertEquals(
                        want,
                        ((Number) got).doubleValue(),
                        tolerance(key, i == 0, want),
                        "step " + (i + 1) + " " + key);
            }
        }
    }

    /// As the fixtures' README has it.
    private static double tolerance(String key, boolean first, double expected) {
        if (COUNTS.contains(key)) {
            return 1e-6;
        }
        if (key.equals(MetricKeys.GRAD_NORM)) {
            return (first ? 1e-4 : 1e-3) * Math.abs(expected);
        }
        return first ? 1e-5 + 2e-5 * Math.abs(expected) : 5e-5 + 2e-4 * Math.abs(expected);
    }

    public static void compareWeights(Map<String, JsonNode> expected, CausalPolicy policy) {
        float[] values = policy.parameters().values().toFloats();
        assertEquals(expected.size(), policy.parameters().parameters().size(), "tensors");
        for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
            JsonNode want = expected.get(p.name());
            assertTrue(want != null, "no expected weight " + p.name());
            if (p.name().matches(".*vision_model.*self_attn.k_proj.bias")) {
                continue; // changes no score, so it learns from rounding alone
            }
            if (want.isEmpty()) {
                continue; // a name alone
            }
            double sum = 0;
            double squares = 0;
            for (int i = 0; i < p.count(); i++) {
                double v = values[(int) p.offset() + i];
                sum += v;
                squares += v * v;
            }
            double l2 = want.get("l2").asDouble();
            assertEquals(l2, Math.sqrt(squares), 5e-5 * l2, "l2 of " + p.name());
            if (want.has("sum")) {
                assertEquals(
                        want.get("sum").asDouble(),
                        sum,
                        2e-5 * Math.sqrt(p.count()),
                        "sum of " + p.name());
            }
            JsonNode first = want.get("first");
            for (int i = 0; i < first.size(); i++) {
                assertEquals(
                        first.get(i).asDouble(),
                        values[(int) p.offset() + i],
                        2e-5,
                        p.name() + " [" + i + "]");
            }
        }
    }
}
