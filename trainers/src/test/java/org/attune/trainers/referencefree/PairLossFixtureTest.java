package org.attune.trainers.referencefree;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.trainers.numerics.Dual;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Locale;

/// The preference terms of CPO and ORPO in `losses.json`.
@Tag("fixtures-trl")
class PairLossFixtureTest {
    @Test
    void lossesAndGradientsAreThoseOfTrl() throws IOException {
        JsonNode file = new ObjectMapper().readTree(Fixtures.fixture("trl/losses.json").toFile());
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : file.get("cases")) {
                String objective = c.get("objective").asText();
                String name = objective + ":" + c.get("name").asText();
                switch (objective) {
                    case "cpo" -> report.run(name, () -> compare(c, cpo(c.get("config"))));
                    case "orpo" ->
                            report.run(
                                    name,
                                    () ->
                                            compare(
                                                    c,
                                                    new PairLoss.OddsRatio(
                                                            c.get("config")
                                                                    .get("beta")
                                                                    .asDouble())));
                    default -> {}
                }
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
