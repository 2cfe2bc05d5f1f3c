package org.attune.trainers.distillation;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.policy.Divergence;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Set;

/// The generalised Jensen-Shannon divergences of `losses.json`, with their gradients.
@Tag("fixtures-trl")
class DivergenceFixtureTest {
    @Test
    void divergencesAndGradientsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, Set.of("jsd"))) {
                report.run("jsd:" + c.get("name").asText(), () -> compare(c));
            }
        }
    }

    private static void compare(JsonNode c) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("jsd")) {
                        compareInScope(c);
                    }
                });
    }

    private static void compareInScope(JsonNode c) {
        JsonNode in = c.get("inputs");
        double temperature = c.get("config").get("temperature").asDouble();
        Divergence divergence = Divergence.of(c.get("config").get("beta").asDouble());
        int labelled = 0;
        for (JsonNode row : in.get("labels")) {
            for (JsonNode label : row) {
                labelled += label.asInt() == -100 ? 0 : 1;
            }
        }
        double items = in.path("num_items_in_batch").asDouble(Math.max(1, labelled));
        var near = new Tolerance(c);
        double sum = 0;
        JsonNode slopes = c.get("gradients").get("student_logits");
        for (int r = 0; r < in.get("labels").size(); r++) {
            for (int t = 0; t < in.get("labels").get(r).size(); t++) {
                if (in.get("labels").get(r).get(t).asInt() == -100) {
                    continue;
                }
                Tensor q = logProbs(in.get("student_logits").get(r).get(t), temperature); // (1, V)
                Tensor p = logProbs(in.get("teacher_logits").get(r).get(t), temperature); // (1, V)
                sum += divergence.values(q, p).toDoubles()[0];
                double[] own = divergence.slopes(q, p).toDoubles();
                for (int v = 0; v < own.length; v++) {
                    near.check(
                            "slope " + r + "," + t + "," + v,
                            slopes.get(r).get(t).get(v).asDouble(),
                            own[v] / temperature / items);
                }
            }
        }
        near.check("loss", c.get("loss").asDouble(), sum / items);
    }

    private static Tensor logProbs(JsonNode logits, double temperature) {
        double[] z = new double[logits.size()];
        for (int v = 0; v < z.length; v++) {
            z[v] = logits.get(v).asDouble() / temperature;
        }
        return Tensor.of(Device.cpu(), z, 1, z.length).logSoftmax(Tensor.LAST);
    }
}
