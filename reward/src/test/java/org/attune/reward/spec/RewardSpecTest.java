package org.attune.reward.spec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.WeightedReward;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

class RewardSpecTest {
    @TempDir Path folder;

    private List<WeightedReward> parse(Object value) {
        return RewardSpec.parse(value, folder, RewardLimits.defaults());
    }

    private String problem(Object value) {
        return assertThrows(ConfigException.class, () -> parse(value)).getMessage();
    }

    private static List<String> names(List<WeightedReward> rewards) {
        return rewards.stream().map(WeightedReward::name).toList();
    }

    @Test
    void everyFormIsUnderstood() throws IOException {
        Files.writeString(
                folder.resolve("Mine.java"),
                """
                import org.attune.reward.*;
                class Mine implements RewardFunction {
                    public java.util.List<java.util.OptionalDouble> score(RewardBatch batch) {
                        return java.util.List.of();
                    }
                }
                """);
        List<WeightedReward> rewards =
                parse(
                        List.of(
                                "gsm8k",
                                Map.of("name", "regex", "pattern", "a", "weight", 0.5),
                                Map.of("name", "regex", "pattern", "b"),
                                Map.of("name", "regex", "pattern", "c", "label", "has_c"),
                                "Mine.java",
                                Map.of("file", "Mine.java", "weight", 2),
                                "class:" + OnClassPath.class.getName(),
                                Map.of("command", List.of("python", "tools/judge.py")),
                                Map.of("command", "sh other.sh")));
        assertEquals(
                List.of(
                        "gsm8k",
                        "regex",
                        "regex_2",
                        "has_c",
                        "Mine",
                        "Mine_2",
                        "OnClassPath",
                        "judge",
                        "other"),
                names(rewards));
        assertEquals(0.5, rewards.get(1).weight());
        assertEquals(2, rewards.get(5).weight());
        assertEquals(1, rewards.get(0).weight());
    }

    @Test
    void singleEntryNeedsNoList() {
        assertEquals(List.of("gsm8k"), names(parse("gsm8k")));
    }

    @Test
    void problemsOfAllEntriesAreNamedWithTheirPlace() {
        String message =
                problem(
                        List.of(
                                "gsm8k",
                                "gsm9k",
                                Map.of("name", "regex"),
                                Map.of("pattern", "x"),
                                Map.of("name", "gsm8k", "weight", "heavy"),
                                "judge.py",
                                7));
        for (String part :
                List.of(
                        "reward_funcs[1]: reward \"gsm9k\" is unknown",
                        "reward_funcs[2]: reward \"regex\": pattern is missing",
                        "reward_funcs[3]: a reward needs exactly one of name",
                        "reward_funcs[4]: weight must be a finite number, got heavy",
                        "reward_funcs[5]: judge.py is Python; run it as a program",
                        "reward_funcs[6]: a reward is a text or a map, got 7")) {
            assertTrue(message.contains(part), message);
        }
        assertTrue(!message.contains("reward_funcs[0]"), message);
    }

    @Test
    void weightsOfTheirOwnKeyMustFit() {
        List<WeightedReward> rewards = parse(List.of("gsm8k", "think_format_reward"));
        assertEquals(0.25, RewardSpec.withWeights(rewards, List.of(1.0, 0.25)).get(1).weight());
        assertThrows(ConfigException.class, () -> RewardSpec.withWeights(rewards, List.of(1.0)));
        List<WeightedReward> weighted = parse(Map.of("name", "gsm8k", "weight", 0.5));
        assertThrows(ConfigException.class, () -> RewardSpec.withWeights(weighted, List.of(1.0)));
    }

    @Tag("thorough")
    @Test
    @Timeout(600)
    void isolatedFunctionScoresInAProcessOfItsOwnAndIsKilledWhenItSpins() throws IOException {
        Files.writeString(
                folder.resolve("Spins.java"),
                """
                import org.attune.reward.*;
                import java.util.*;
                class Spins implements RewardFunction {
                    public List<OptionalDouble> score(RewardBatch batch) {
                        String text = batch.completions().getFirst().text();
                        System.out.println("printed by the function");
                        if (text.equals("throw")) throw new IllegalStateException("thrown");
                        while (text.equals("spin")) {}
                        batch.logMetric("pid", ProcessHandle.current().pid());
                        batch.logExtra("seen", List.of(batch.columns().get("answer").getFirst()));
                        return List.of(OptionalDouble.of(text.length()));
                    }
                }
                """);
        // A call includes the start of a JVM: what is too long depends on how busy the machine is.
        long start = System.nanoTime();
        try (var scorer = new RewardScorer(spins(Duration.ofMinutes(3)), limits(180))) {
            assertArrayEquals(new double[] {3}, scorer.score(answers("abc")).column(0));
        }
        long seconds = 5 + 5 * Duration.ofNanos(System.nanoTime() - start).toSeconds();
        RewardLimits limits = limits(seconds);
        List<WeightedReward> rewards = spins(limits.timeout());
        assertEquals(List.of("Spins"), names(rewards));
        try (var scorer = new RewardScorer(rewards, limits)) {
            RewardTable table = scorer.score(answers("abc", "spin", "throw", "de"));
            assertArrayEquals(new double[] {3, Double.NaN, Double.NaN, 2}, table.column(0));
            assertTrue(table.metrics().get("pid") != ProcessHandle.current().pid());
            assertEquals(Arrays.asList("w", null, null, "z"), table.extras().get("seen"));
            assertEquals(
                    Map.of(RewardFailure.Kind.TIMED_OUT, 1, RewardFailure.Kind.THREW, 1),
                    scorer.failureTotals().get("Spins"));
        }
    }

    private static RewardLimits limits(long seconds) {
        return RewardLimits.defaults().withCallSize(1).withTimeout(Duration.ofSeconds(seconds));
    }

    private List<WeightedReward> spins(Duration timeout) {
        Map<String, Object> spec = Map.of("file", "Spins.java", "isolation", "process");
        return RewardSpec.parse(spec, folder, limits(timeout.toSeconds()));
    }

    private static RewardBatch answers(String... texts) {
        return new RewardBatch(
                Arrays.stream(texts).map(_ -> new Prompt("p", List.of())).toList(),
                Arrays.stream(texts).map(t -> new Completion(t, new int[] {1}, List.of())).toList(),
                Map.of("answer", List.<Object>of("w", "x", "y", "z").subList(0, texts.length)));
    }

    /// For the tests above.
    static final class OnClassPath implements RewardFunction {
        @Override
        public List<OptionalDouble> score(RewardBatch batch) {
            return List.of();
        }
    }
}
