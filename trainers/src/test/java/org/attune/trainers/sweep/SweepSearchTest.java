package org.attune.trainers.sweep;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToDoubleFunction;

class SweepSearchTest {
    private static final int TRIALS = 40;
    private static final int SEEDS = 12;

    @TempDir Path folder;

    private static SweepPlan plan(String strategy, int seed, Map<String, Object> keys) {
        return SweepPlan.of(
                Map.of(
                        "strategy",
                        strategy,
                        "trials",
                        String.valueOf(TRIALS),
                        "seed",
                        String.valueOf(seed),
                        "keys",
                        keys));
    }

    private static SweepTrial done(int number, Map<String, Double> values, double result) {
        return new SweepTrial(
                number,
                values,
                SweepTrial.State.COMPLETE,
                OptionalDouble.of(result),
                Map.of(1, result));
    }

    /// The median over seeds of the best of 40 trials.
    private static double best(
            String strategy,
            Map<String, Object> keys,
            double sign,
            ToDoubleFunction<Map<String, Double>> function) {
        var best = new double[SEEDS];
        for (int seed = 0; seed < SEEDS; seed++) {
            var search = new SweepSearch(plan(strategy, seed, keys), sign > 0);
            List<SweepTrial> trials = new ArrayList<>();
            for (int i = 0; i < TRIALS; i++) {
                Map<String, Double> values = search.next(i, trials);
                trials.add(done(i, values, sign * function.applyAsDouble(values)));
            }
            best[seed] = sign * search.ranked(trials).getFirst().result().orElseThrow();
        }
        Arrays.sort(best);
        return (best[SEEDS / 2 - 1] + best[SEEDS / 2]) / 2;
    }

    private static double branin(Map<String, Double> values) {
        double x = values.get("x");
        double y = values.get("y");
        double b = y - 5.1 / (4 * Math.PI * Math.PI) * x * x + 5 / Math.PI * x - 6;
        return b * b + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
    }

    /// Branin's function has its least value 0.398; Optuna 5.0.0 comes to 0.515 in this setting,
    /// random draws to 1.345.
    @Test
    void parzenEstimatorsFindBetterValuesThanChance() {
        Map<String, Object> keys =
                Map.of(
                        "x", Map.of("min", "-5.0", "max", "10.0"),
                        "y", Map.of("min", "0.0", "max", "15.0"));
        double tpe = best("tpe", keys, 1, SweepSearchTest::branin);
        double random = best("random", keys, 1, SweepSearchTest::branin);
        double rising = best("tpe", keys, -1, SweepSearchTest::branin);
        System.out.printf("branin: tpe %.3f, random %.3f, upwards %.3f%n", tpe, random, rising);
        assertTrue(tpe < 0.75, "tpe " + tpe);
        assertTrue(random > tpe, "random " + random);
        assertTrue(rising < 0.75, "upwards " + rising);
    }

    /// A bowl in the logarithm of the learning rate, in the rank and in warm-up.
    @Test
    void scalesAndChoicesAreSearched() {
        Map<String, Object> keys =
                Map.of(
                        "rate",
                        Map.of("min", "1e-6", "max", "1e-2", "scale", "log"),
                        "rank",
                        List.of("4", "8", "16", "32"),
                        "warmup",
                        Map.of("min", "0", "max", "100", "step", "5"));
        ToDoubleFunction<Map<String, Double>> bowl =
                v ->
                        Math.pow(Math.log10(v.get("rate")) + 3.7, 2)
                                + 0.1 * Math.abs(v.get("rank") - 2)
                                + Math.pow((v.get("warmup") - 20) / 100, 2);
        double tpe = best("tpe", keys, 1, bowl);
        System.out.printf("bowl: %.4f%n", tpe);
        assertTrue(tpe < 0.05, "tpe " + tpe);
    }

    @Test
    void gridsHaveEachCombinationOnce() {
        SweepPlan plan =
                SweepPlan.of(
                        Map.of(
                                "keys",
                                Map.of(
                                        "a",
                                        List.of("x", "y"),
                                        "b",
                                        Map.of("min", "1", "max", "7", "step", "2"))));
        assertEquals(SweepPlan.Strategy.GRID, plan.strategy());
        assertEquals(8, plan.trials());
        var search = new SweepSearch(plan, true);
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < 8; i++) {
            Map<String, Double> values = search.next(i, List.of());
            seen.add(
                    plan.ranges().get("a").text(values.get("a"))
                            + plan.ranges().get("b").text(values.get("b")));
        }
        assertEquals(Set.of("x1", "x3", "x5", "x7", "y1", "y3", "y5", "y7"), seen);
    }

    @Test
    void valuesFollowFromTheTrialsBefore() {
        Map<String, Object> keys = Map.of("x", Map.of("min", "0.5", "max", "1.5"));
        var search = new SweepSearch(plan("tpe", 1, keys), true);
        List<SweepTrial> trials = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            Map<String, Double> values = search.next(i, trials);
            assertEquals(values, new SweepSearch(plan("tpe", 1, keys), true).next(i, trials));
            trials.add(done(i, values, values.get("x")));
        }
    }

    /// A trial that was given up may have had the better number by then.
    @Test
    void whatWasGivenUpComesBehindWhatWasFinished() {
        var search =
                new SweepSearch(
                        plan("tpe", 1, Map.of("x", Map.of("min", "0.0", "max", "2.0"))), true);
        List<SweepTrial> trials = new ArrayList<>();
        for (int i = 0; i < 15; i++) {
            trials.add(done(i, Map.of("x", 1.8), 1));
        }
        for (int i = 15; i < 30; i++) {
            trials.add(
                    new SweepTrial(
                            i,
                            Map.of("x", 0.2),
                            SweepTrial.State.PRUNED,
                            OptionalDouble.empty(),
                            Map.of(1, 0.5)));
        }
        for (int i = 30; i < 40; i++) {
            assertTrue(search.next(i, trials).get("x") > 1, "of trial " + i);
        }
    }

    @Test
    void mediansDecideWhoGoesOn() {
        List<SweepTrial> others = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            others.add(done(i, Map.of(), i));
        }
        var rule = new MedianRule(true);
        assertFalse(rule.gives(Map.of(1, 2.0), others));
        assertTrue(rule.gives(Map.of(1, 2.1), others));
        assertTrue(rule.gives(Map.of(1, Double.NaN), others));
        assertFalse(rule.gives(Map.of(2, 9.0), others), "nobody was measured there");
        assertFalse(rule.gives(Map.of(1, 9.0), others.subList(0, 4)), "too few");
        assertTrue(new MedianRule(false).gives(Map.of(1, 1.9), others));
    }

    @Test
    void blocksSayWhatIsWrong() {
        for (Object block :
                List.of(
                        "x",
                        Map.of(),
                        Map.of("keys", Map.of()),
                        Map.of("keyz", Map.of("a", List.of("1"))),
                        Map.of("keys", Map.of("a", "1")),
                        Map.of("keys", Map.of("a", List.of())),
                        Map.of("keys", Map.of("a", Map.of("min", "1"))),
                        Map.of("keys", Map.of("a", Map.of("min", "2", "max", "1"))),
                        Map.of("keys", Map.of("a", Map.of("min", "0", "max", "1", "scale", "log"))),
                        Map.of("keys", Map.of("a", Map.of("min", "0", "max", "1", "scale", "lg"))),
                        Map.of("strategy", "tp", "keys", Map.of("a", List.of("1"))),
                        Map.of("prune", "yes", "keys", Map.of("a", List.of("1"))),
                        Map.of("trials", "0", "strategy", "tpe", "keys", Map.of("a", List.of("1"))),
                        Map.of(
                                "strategy",
                                "grid",
                                "keys",
                                Map.of("a", Map.of("min", "0.1", "max", "1"))))) {
            var e = assertThrows(ConfigException.class, () -> SweepPlan.of(block), "" + block);
            assertTrue(e.getMessage().startsWith("sweep"), e.getMessage());
        }
    }

    @Test
    void journalsGoOnAfterACrash() throws IOException {
        SweepPlan plan = plan("tpe", 1, Map.of("x", Map.of("min", "0.5", "max", "1.5")));
        SweepJournal journal = SweepJournal.open(folder, "study", true);
        SweepTrial first = journal.begin(Map.of("x", 0.75), plan.ranges());
        journal.end(
                first, SweepTrial.State.COMPLETE, OptionalDouble.of(0.25), Map.of(1, 0.5, 2, 0.25));
        journal.begin(Map.of("x", 1.25), plan.ranges());
        Path file = folder.resolve(SweepJournal.NAME);
        Files.writeString(file, "{\"op_code\":6,\"tri", StandardOpenOption.APPEND);
        SweepJournal again = SweepJournal.open(folder, "study", true);
        assertEquals(journal.trials(), again.trials());
        assertEquals(SweepTrial.State.RUNNING, again.trials().get(1).state());
        again.end(
                again.trials().get(1),
                SweepTrial.State.PRUNED,
                OptionalDouble.empty(),
                Map.of(1, 0.75));
        assertEquals(again.trials(), SweepJournal.open(folder, "study", true).trials());
        assertThrows(ConfigException.class, () -> SweepJournal.open(folder, "other", true));
    }
}
