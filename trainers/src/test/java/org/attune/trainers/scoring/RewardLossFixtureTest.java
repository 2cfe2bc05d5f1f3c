package org.attune.trainers.scoring;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Set;

/// The objectives of `losses.json` that reward models use.
@Tag("fixtures-trl")
class RewardLossFixtureTest {
    @Test
    void lossesAndGradientsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, Set.of("reward"))) {
                report.run(c.get("name").asText(), () -> compare(c));
            }
        }
    }

    private static void compare(JsonNode c) {
        double center = c.get("config").path("center_rewards_coefficient").asDouble(0);
        var objective = new RewardLoss(center);
        JsonNode in = c.get("inputs");
        int pairs = in.get("chosen").size();
        var near = new Tolerance(c);
        double loss = 0;
        for (int i = 0; i < pairs; i++) {
            RewardLoss.Value value =
                    objective.of(
                            in.get("chosen").get(i).asDouble(),
                            in.get("rejected").get(i).asDouble(),
                            in.path("margin").path(i).asDouble(0));
            loss += value.loss() / pairs;
            JsonNode gradients = c.get("gradients");
            near.check(
                    "chosen " + i,
                    gradients.get("chosen").get(i).asDouble(),
                    value.chosen() / pairs);
            near.check(
                    "rejected " + i,
                    gradients.get("rejected").get(i).asDouble(),
                    value.rejected() / pairs);
        }
        near.check("loss", c.get("loss").asDouble(), loss);
    }
}
