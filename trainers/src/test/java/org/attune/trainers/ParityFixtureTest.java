package org.attune.trainers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.datasets.SampleTokenizer;
import org.attune.policy.CausalPolicy;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.Recorded;
import org.attune.text.TextAssets;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Whole runs of TRL on a tiny model: loss, metrics and gradient norm of every step, and the
/// trained weights.
@Tag("fixtures-trl")
class ParityFixtureTest {
    /// Shares of a few tokens or pairs: a logit's tie may fall the other way.
    private static final Set<String> COUNTS =
            Set.of(MetricKeys.MEAN_TOKEN_ACCURACY, MetricKeys.REWARDS_ACCURACIES);

    @TempDir private Path output;

    @Test
    void runsAreThoseOfTrl() {
        Path root = Fixtures.fixture("trl");
        try (var text = TextAssets.load(root.resolve("model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            var tokenizer = new SampleTokenizer(text.tokenizer(), text.template());
            for (Path folder : Recorded.folders(root.resolve("parity"))) {
                String name = folder.getFileName().toString();
                var parity = ParityCase.of(root, tokenizer, folder, output.resolve(name));
                Optional<String> missing = parity.unsupported();
                if (missing.isPresent()) {
                    report.unsupported(name);
                } else {
                    report.run(name, () -> Engine.run(() -> compare(parity)));
                }
            }
        }
    }

    private static void compare(ParityCase parity) {
        try (var _ = TensorScope.open("parity");
                var decoder = parity.model("model");
                var policy = parity.policy(decoder)) {
            var listener = new RecordingListener();
            RunContext context = RunContext.of(_ -> {}).withListeners(listener);
            if (parity.trainer().equals("sft")) {
                new SftTrainer(parity.sftConfig(), policy, parity.sftRows(), List.of(), context)
                        .train();
            } else {
                dpo(parity, policy, context);
            }
            compareSteps(parity.expectedSteps(), listener.logs);
            compareWeights(parity.expectedWeights(), policy);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static void dpo(ParityCase parity, Policy policy, RunContext context) {
        if (parity.hasSeparateReference()) {
            try (var separate = parity.model("reference_model")) {
                dpo(parity, policy, Policy.reference(separate), context);
            }
        } else {
            dpo(parity, policy, parity.sharedReference(policy), context);
        }
    }

    private static void dpo(
            ParityCase parity, Policy policy, Scorer reference, RunContext context) {
        new DpoTrainer(parity.dpoConfig(), policy, reference, parity.pairs(), List.of(), context)
                .train();
    }

    private static void compareSteps(List<JsonNode> expected, List<Map<String, Object>> logs) {
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

    private static void compareWeights(Map<String, JsonNode> expected, CausalPolicy policy) {
        float[] values = policy.parameters().values().toFloats();
        assertEquals(expected.size(), policy.parameters().parameters().size(), "tensors");
        for (ParameterSpace.Parameter p : policy.parameters().parameters()) {
            JsonNode want = expected.get(p.name());
            assertTrue(want != null, "no expected weight " + p.name());
            double sum = 0;
            double squares = 0;
            for (int i = 0; i < p.count(); i++) {
                double v = values[(int) p.offset() + i];
                sum += v;
                squares += v * v;
            }
            double l2 = want.get("l2").asDouble();
            assertEquals(l2, Math.sqrt(squares), 5e-5 * l2, "l2 of " + p.name());
            assertEquals(
                    want.get("sum").asDouble(),
                    sum,
                    2e-5 * Math.sqrt(p.count()),
                    "sum of " + p.name());
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
