package org.attune.trainers.unpaired;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Set;

/// The objectives of `losses.json` that KTO uses.
@Tag("fixtures-trl")
class KtoLossFixtureTest {
    @Test
    void lossesAndGradientsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, Set.of("kto"))) {
                report.run(c.get("name").asText(), () -> compare(c));
            }
        }
    }

    private static void compare(JsonNode c) {
        JsonNode config = c.get("config");
        var loss =
                new KtoLoss(
                        config.path("beta").asDouble(0.1),
                        config.path("desirable_weight").asDouble(1),
                        config.path("undesirable_weight").asDouble(1));
        JsonNode in = c.get("inputs");
        double[] policy = sums(in.get("policy"));
        double[] reference = sums(in.get("reference"));
        double point = config.get("loss_type").asText().equals("kto") ? referencePoint(in) : 0;
        var near = new Tolerance(c);
        double sum = 0;
        double[] rewards = new double[2];
        double[] logProbs = new double[2];
        int[] rows = new int[2];
        for (int i = 0; i < policy.length; i++) {
            boolean label = in.get("label").get(i).asBoolean();
            KtoLoss.Value value = loss.of(policy[i] - reference[i], point, label);
            sum += value.loss();
            for (JsonNode slope : c.get("gradients").get("policy").get(i)) {
                near.check("row " + i, slope.asDouble(), value.slope() / policy.length);
            }
            int side = label ? 0 : 1;
            rewards[side] += loss.reward(policy[i], reference[i]);
            logProbs[side] += policy[i];
            rows[side]++;
        }
        near.check("loss", c.get("loss").asDouble(), sum / policy.length);
        JsonNode metrics = c.get("metrics");
        near.check("kl", metrics, point);
        near.check("rewards/chosen", metrics, rewards[0] / rows[0]);
        near.check("rewards/rejected", metrics, rewards[1] / rows[1]);
        near.check("logps/chosen", metrics, logProbs[0] / rows[0]);
        near.check("logps/rejected", metrics, logProbs[1] / rows[1]);
        near.check("rewards/margins", metrics, rewards[0] / rows[0] - rewards[1] / rows[1]);
    }

    private static double referencePoint(JsonNode in) {
        double sum = 0;
        for (int i = 0; i < in.get("kl_policy").size(); i++) {
            sum += in.get("kl_policy").get(i).asDouble() - in.get("kl_reference").get(i).asDouble();
        }
        return KtoLoss.referencePoint(sum, in.get("kl_policy").size());
    }

    private static double[] sums(JsonNode rows) {
        double[] sums = new double[rows.size()];
        for (int i = 0; i < sums.length; i++) {
            for (JsonNode logProb : rows.get(i)) {
                sums[i] += logProb.asDouble();
            }
        }
        return sums;
    }
}
