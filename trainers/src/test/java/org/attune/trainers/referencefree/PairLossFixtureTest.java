package org.attune.trainers.referencefree;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.numerics.Dual;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Locale;
import java.util.Set;

/// The preference terms of CPO and ORPO in `losses.json`.
@Tag("fixtures-trl")
class PairLossFixtureTest {
    @Test
    void lossesAndGradientsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, Set.of("cpo", "orpo"))) {
                String objective = c.get("objective").asText();
                JsonNode config = c.get("config");
                report.run(
                        objective + ":" + c.get("name").asText(),
                        () ->
                                compare(
                                        c,
                                        objective.equals("cpo")
                                                ? cpo(config)
                                                : new PairLoss.OddsRatio(
                                                        config.get("beta").asDouble())));
            }
        }
    }

    private static PairLoss cpo(JsonNode config) {
        return CpoLossConfig.defaults()
                .withLossType(
                        CpoLossType.valueOf(
                                config.get("loss_type").asText().toUpperCase(Locale.ROOT)))
                .withBeta(config.path("beta").asDouble(0.1))
                .withLabelSmoothing(config.path("label_smoothing").asDouble(0))
                .withSimpoGamma(config.path("simpo_gamma").asDouble(0.5))
                .withAlpha(config.path("alpha").asDouble(0))
                .loss();
    }

    private static void compare(JsonNode c, PairLoss formula) {
        JsonNode chosen = c.get("inputs").get("chosen");
        JsonNode rejected = c.get("inputs").get("rejected");
        JsonNode gradients = c.get("gradients");
        int pairs = chosen.size();
        var near = new Tolerance(c);
        double loss = 0;
        for (int i = 0; i < pairs; i++) {
            Dual value =
                    formula.loss(
                            Dual.chosen(chosen.get(i).asDouble()),
                            Dual.rejected(rejected.get(i).asDouble()));
            loss += value.value() / pairs;
            near.check(
                    "chosen " + i,
                    gradients.get("chosen").get(i).asDouble(),
                    value.byChosen() / pairs);
            near.check(
                    "rejected " + i,
                    gradients.get("rejected").get(i).asDouble(),
                    value.byRejected() / pairs);
        }
        near.check("loss", c.get("loss").asDouble(), loss);
    }
}
