package org.attune.trainers.preference;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.testing.CaseReport;
import org.attune.testing.RecordedLosses;
import org.attune.trainers.preference.PreferenceLoss.Denominators;
import org.attune.trainers.sft.SftLoss;
import org.attune.trainers.testing.Tolerance;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.opentest4j.AssertionFailedError;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// The objectives of `losses.json` that SFT and DPO use; the others belong to other methods.
@Tag("fixtures-trl")
class PreferenceLossFixtureTest {
    @Test
    void lossesAndGradientsAreThoseOfTrl() {
        try (var report = new CaseReport("fixtures-trl", getClass())) {
            for (JsonNode c : RecordedLosses.of(report, Set.of("dpo", "sft"))) {
                String objective = c.get("objective").asText();
                report.run(
                        objective + ":" + c.get("name").asText(),
                        () -> {
                            if (objective.equals("sft")) {
                                compareTokens(c);
                            } else if (c.get("finite").asBoolean()) {
                                comparePairs(c);
                            } else {
                                overflowIsSeen(c);
                            }
                        });
            }
        }
    }

    /// TRL's formula overflows here: ours must refuse the parameters, or overflow openly too, so
    /// that the training loop stops, or be finite.
    private static void overflowIsSeen(JsonNode c) {
        try {
            comparePairs(c);
        } catch (ConfigException refused) {
            assertTrue(refused.getMessage().contains("label_smoothing"));
        } catch (AssertionFailedError differs) {
            assertTrue(differs.getMessage().startsWith("loss"), differs.getMessage());
        }
    }

    private static void comparePairs(JsonNode c) {
        PreferenceObjective objective = PreferenceOptions.objective(c.get("config"));
        JsonNode in = c.get("inputs");
        double[][] chosen = rows(in.get("policy_chosen"));
        double[][] rejected = rows(in.get("policy_rejected"));
        double[][] referenceChosen = rows(in.get("reference_chosen"));
        double[][] referenceRejected = rows(in.get("reference_rejected"));
        boolean weighted = c.get("config").path("use_weighting").asBoolean(false);
        List<PairTokens.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < chosen.length; i++) {
            double weight =
                    weighted
                            ? Wpo.weight(
                                    chosen[i],
                                    rows(in.get("log_sum_sq_probs_chosen"))[i],
                                    rejected[i],
                                    rows(in.get("log_sum_sq_probs_rejected"))[i])
                            : 1;
            pairs.add(
                    new PairTokens.Pair(
                            chosen[i],
                            rejected[i],
                            objective.reference(referenceChosen[i], referenceRejected[i]),
                            weight));
        }
        PairScores scores = objective.scores(new PairTokens(pairs));
        var whole = new Denominators(chosen.length, IntStream.of(scores.chosenTokens()).sum());
        Slopes slopes = objective.evaluate(scores, whole);
        var near = new Tolerance(c);
        near.check("loss", c.get("loss").asDouble(), slopes.loss());
        JsonNode gradients = c.get("gradients");
        for (int i = 0; i < chosen.length; i++) {
            for (int t = 0; t < chosen[i].length; t++) {
                near.check(
                        "chosen " + i + "," + t,
                        gradients.get("policy_chosen").get(i).get(t).asDouble(),
                        objective.chosenToken(slopes, scores, i, t));
            }
            for (int t = 0; t < rejected[i].length; t++) {
                near.check(
                        "rejected " + i + "," + t,
                        gradients.get("policy_rejected").get(i).get(t).asDouble(),
                        objective.rejectedToken(slopes, scores, i, t));
            }
        }
        double beta = c.get("config").path("beta").asDouble(0.1);
        PairMetrics metrics = PairMetrics.of(scores, beta);
        JsonNode expected = c.path("metrics");
        near.check("rewards/chosen", expected, metrics.rewardsChosen());
        near.check("rewards/rejected", expected, metrics.rewardsRejected());
        near.check("rewards/accuracies", expected, metrics.rewardsAccuracies());
        near.check("rewards/margins", expected, metrics.rewardsMargins());
        near.check("logps/chosen", expected, metrics.logpsChosen());
        near.check("logps/rejected", expected, metrics.logpsRejected());
    }

    private static void compareTokens(JsonNode c) {
        SftLoss loss =
                c.get("config").get("loss_type").asText().equals("dft")
                        ? new SftLoss.Dft()
                        : new SftLoss.Nll();
        double[][] rows = rows(c.get("inputs").get("policy"));
        JsonNode items = c.get("inputs").path("num_items_in_batch");
        int tokens = IntStream.range(0, rows.length).map(i -> rows[i].length).sum();
        int denominator = Math.max(1, items.isNumber() ? items.asInt() : tokens);
        var near = new Tolerance(c);
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            for (int t = 0; t < rows[i].length; t++) {
                double weight = loss.weight(rows[i][t], 0);
                sum -= weight * rows[i][t];
                near.check(
                        "token " + i + "," + t,
                        c.get("gradients").get("policy").get(i).get(t).asDouble(),
                        -weight / denominator);
            }
        }
        near.check("loss", c.get("loss").asDouble(), sum / denominator);
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
