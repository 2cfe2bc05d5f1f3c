package org.attune.trainers.online;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.datasets.rows.RowOrigin;
import org.attune.trainers.layout.CompletionForest;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// The formulas of the online methods, in double.
class OnlineObjectiveTest {
    private static final double BETA = 0.3;

    private static JudgedPair pair(double first, double second, int firstTokens, int secondTokens) {
        return new JudgedPair(
                tokens(firstTokens),
                tokens(secondTokens),
                first,
                second,
                true,
                false,
                new RowOrigin("rows.jsonl", 1, 0));
    }

    private static LearnedCompletion tokens(int count) {
        return new LearnedCompletion(
                new CompletionForest.Row(new int[1], new int[count]), new BitSet());
    }

    private static List<double[]> rows(JsonNode node) {
        List<double[]> rows = new ArrayList<>();
        for (JsonNode row : node) {
            double[] values = new double[row.size()];
            Arrays.setAll(values, i -> row.get(i).asDouble());
            rows.add(values);
        }
        return rows;
    }

    /// Numbers of each completion in the order in which the objective learns.
    private static List<double[]> ordered(OnlineObjective objective, JudgedPair pair, JsonNode of) {
        List<double[]> rows = rows(of);
        boolean turned = objective.learned(pair).size() == 2 && !pair.isInOrder();
        return turned ? rows.reversed() : rows;
    }

    private static OnlineObjective objective(JsonNode recorded) {
        double beta = recorded.get("beta").asDouble();
        if (recorded.get("method").asText().equals("nash_md")) {
            return new NashObjective(beta, 0.5);
        }
        OnlineLossType type =
                recorded.get("loss_type").asText().equals("ipo")
                        ? OnlineLossType.IPO
                        : OnlineLossType.SIGMOID;
        return new ExploringObjective(
                new PairObjective(OnlinePairLoss.of(type, beta), beta),
                recorded.get("alpha").asDouble());
    }

    /// `make_online_losses.py` recorded them from TRL's trainers in float64.
    @Test
    void lossesAndSlopesAreThoseOfTrl() throws IOException {
        try (InputStream in =
                OnlineObjectiveTest.class.getResourceAsStream("/recorded/online-losses.json")) {
            JsonNode cases = new ObjectMapper().readTree(in);
            assertEquals(40, cases.size());
            for (JsonNode recorded : cases) {
                OnlineObjective objective = objective(recorded);
                List<double[]> own = rows(recorded.get("policy"));
                JudgedPair pair =
                        pair(
                                recorded.get("rewards").get(0).asDouble(),
                                recorded.get("rewards").get(1).asDouble(),
                                own.getFirst().length,
                                own.getLast().length);
                OnlineObjective.Result result =
                        objective.of(
                                pair,
                                ordered(objective, pair, recorded.get("policy")),
                                ordered(objective, pair, recorded.get("reference")));
                double loss = recorded.get("loss").asDouble();
                assertEquals(loss, result.loss(), 1e-12 + 1e-12 * Math.abs(loss));
                List<double[]> slopes = ordered(objective, pair, recorded.get("slopes"));
                for (int i = 0; i < slopes.size(); i++) {
                    assertArrayEquals(slopes.get(i), result.slopes().get(i), 1e-12);
                }
            }
        }
    }

    private static List<OnlineObjective> all() {
        var pair = new PairObjective(OnlinePairLoss.of(OnlineLossType.SIGMOID, BETA), BETA);
        return List.of(pair, new ExploringObjective(pair, 0.2));
    }

    @Test
    void slopesAreCentralDifferences() {
        for (double second : new double[] {0, 2}) {
            JudgedPair pair = pair(1, second, 2, 3);
            for (OnlineObjective objective : all()) {
                List<double[]> policy = List.of(new double[] {-1, -2}, new double[] {-3, -1, -0.5});
                List<double[]> reference =
                        List.of(new double[] {-1.5, -1}, new double[] {-2, -1, -1});
                List<double[]> slopes = objective.of(pair, policy, reference).slopes();
                for (int i = 0; i < 2; i++) {
                    for (int t = 0; t < policy.get(i).length; t++) {
                        assertEquals(
                                difference(objective, pair, policy, reference, i, t),
                                slopes.get(i)[t],
                                1e-8);
                    }
                }
            }
        }
    }

    private static double difference(
            OnlineObjective objective,
            JudgedPair pair,
            List<double[]> policy,
            List<double[]> reference,
            int i,
            int t) {
        double h = 1e-5;
        double[] moved = policy.get(i);
        double before = moved[t];
        moved[t] = before + h;
        double more = objective.of(pair, policy, reference).loss();
        moved[t] = before - h;
        double less = objective.of(pair, policy, reference).loss();
        moved[t] = before;
        return (more - less) / (2 * h);
    }

    /// The slope of a token: `β` times its log-ratio, which is held, less what the preference says.
    @Test
    void nashIsPulledTokenByToken() {
        var nash = new NashObjective(BETA, 0.5);
        JudgedPair pair = pair(Math.log(3), 0, 2, 4); // preferred with probability 3/4
        OnlineObjective.Result result =
                nash.of(pair, List.of(new double[] {-1, -2}), List.of(new double[] {-1.5, -1}));
        assertArrayEquals(
                new double[] {BETA * 0.5 - 0.25, -BETA - 0.25}, result.slopes().getFirst(), 1e-12);
        assertEquals(BETA * (-0.5 + 2) + 0.25 * 3, result.loss(), 1e-12);
        assertEquals(0.75, result.metrics().get("rewards/probabilities"), 1e-12);
        assertEquals(-0.5, result.metrics().get("loss/kl"), 1e-12);
        assertEquals(List.of(pair.first()), nash.learned(pair));
    }

    /// What the reference wrote becomes less likely, whichever of the two is the better.
    @Test
    void xpoMovesAwayFromWhatTheReferenceWrote() {
        OnlineObjective plain = all().getFirst();
        OnlineObjective exploring = all().getLast();
        for (double second : new double[] {0, 2}) {
            JudgedPair pair = pair(1, second, 1, 1);
            List<double[]> policy = List.of(new double[] {-1}, new double[] {-2});
            int opponent = second > 1 ? 0 : 1;
            var without = plain.of(pair, policy, policy);
            var with = exploring.of(pair, policy, policy);
            assertEquals(0.2 * policy.get(opponent)[0], with.loss() - without.loss(), 1e-12);
            for (int i = 0; i < 2; i++) {
                assertEquals(
                        i == opponent ? 0.2 : 0,
                        with.slopes().get(i)[0] - without.slopes().get(i)[0],
                        1e-12);
            }
            assertEquals(1 - second, with.metrics().get("objective/scores_margin"));
        }
    }

    @Test
    void nothingOverflowsFarOut() {
        List<double[]> far = List.of(new double[] {-500}, new double[] {-1});
        List<double[]> near = List.of(new double[] {-1}, new double[] {-500});
        for (OnlineObjective objective : all()) {
            assertTrue(Double.isFinite(objective.of(pair(1, 0, 1, 1), far, near).loss()));
            assertTrue(Double.isFinite(objective.of(pair(1, 0, 1, 1), near, far).loss()));
        }
        var nash = new NashObjective(BETA, 0.5);
        assertTrue(Double.isFinite(nash.of(pair(900, -900, 1, 1), far, near).loss()));
    }
}
