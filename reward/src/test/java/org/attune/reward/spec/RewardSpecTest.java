package org.attune.reward.spec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.attune.program.ProgramSearch;
import org.attune.reward.Completion;
import org.attune.reward.PerCompletion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.TurnReward;
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
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Stream;

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
                                Map.of("command", List.of("sh", "tools/judge.py")),
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
    void aClassMayRewardTurns() {
        RewardFunction cheap = parse("class:" + Cheap.class.getName()).getFirst().function();
        var batch =
                new RewardBatch(
                        List.of(new Prompt("", List.of())),
                        List.of(new Completion("", new int[0], List.of())),
                        Map.of());
        assertEquals(List.of(OptionalDouble.of(-0.1)), cheap.score(batch));
    }

    /// Rewards written for TRL get a whole batch, and may compare what is in it.
    @Test
    void programsGetAWholeRoundUnlessToldOtherwise() throws IOException {
        Files.writeString(
                folder.resolve("longest.sh"),
                """
                while read -r line; do
                  case $line in *'["a","bb","ccc"]'*) echo '{"rewards": [0, 0, 1]}' ;;
                  *) echo '{"rewards": [1]}' ;; esac
                done
                """);
        List<String> command = List.of("sh", "longest.sh");
        var limits = RewardLimits.defaults().withTimeout(Duration.ofSeconds(90)).withCallSize(1);
        List<WeightedReward> rewards =
                RewardSpec.parse(
                        List.of(
                                Map.of("command", command),
                                Map.of("command", command, "whole_round", false)),
                        folder,
                        limits);
        try (var scorer = new RewardScorer(rewards, limits)) {
            RewardTable table =
                    scorer.score(
                            new RewardBatch(
                                    Collections.nCopies(3, new Prompt("p", List.of())),
                                    Stream.of("a", "bb", "ccc")
                                            .map(t -> new Completion(t, new int[0], List.of()))
                                            .toList(),
                                    Map.of()));
            assertArrayEquals(new double[] {0, 0, 1}, table.column(0));
            assertArrayEquals(new double[] {1, 1, 1}, table.column(1));
        }
    }

    @Test
    void everyKindTakesWholeRound() throws IOException {
        Files.writeString(
                folder.resolve("Mine.java"),
                """
                public class Mine implements org.attune.reward.RewardFunction {
                    public java.util.List<java.util.OptionalDouble> score(
                            org.attune.reward.RewardBatch batch) {
                        return java.util.List.of();
                    }
                }
                """);
        Map<String, String> judge = Map.of("base_url", "http://localhost:1/v1", "model", "m");
        for (Map<String, Object> kind :
                List.<Map<String, Object>>of(
                        Map.of("name", "gsm8k"),
                        Map.of("file", "Mine.java"),
                        Map.of("file", "Mine.java", "isolation", "process"),
                        Map.of("class", OnClassPath.class.getName()),
                        Map.of("command", "sh other.sh"),
                        Map.of("judge", judge))) {
            for (boolean whole : new boolean[] {true, false}) {
                Map<String, Object> entry = new LinkedHashMap<>(kind);
                entry.put("whole_round", whole);
                assertEquals(
                        whole, parse(entry).getFirst().function().wholeRound(), kind::toString);
            }
        }
        assertTrue(
                problem(Map.of("name", "gsm8k", "whole_round", "yes"))
                        .contains("whole_round must be true or false, got yes"));
    }

    private Map<String, String> identity(Object entry) {
        try (var scorer = new RewardScorer(parse(entry), RewardLimits.defaults())) {
            return scorer.identity();
        }
    }

    @Test
    void filesOfRewardsTellThemApart() throws IOException {
        Path program = Files.writeString(folder.resolve("judge.sh"), "exit 1");
        Path schema = Files.writeString(folder.resolve("schema.json"), "{\"type\": \"object\"}");
        Object run = Map.of("command", "sh judge.sh", "label", "own");
        Object json = Map.of("name", "json_schema", "schema_file", "schema.json");
        Map<String, String> before = identity(List.of(run, json, "gsm8k"));
        assertEquals(Set.of("reward own (hash)", "reward json_schema (hash)"), before.keySet());
        assertEquals(before, identity(List.of(run, json, "gsm8k")));
        Files.writeString(program, "exit 2");
        Files.writeString(schema, "{\"type\": \"array\"}");
        Map<String, String> after = identity(List.of(run, json, "gsm8k"));
        before.forEach((key, hash) -> assertNotEquals(hash, after.get(key), key));
        Object judge = Map.of("judge", Map.of("base_url", "http://localhost:1/v1", "model", "m"));
        assertEquals(Set.of("reward judge (hash)"), identity(judge).keySet());
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
                                7,
                                Map.of("command", "no-such-program judge.py"),
                                Map.of("name", "judge.score", "program", "no-such-python")));
        for (String part :
                List.of(
                        "reward_funcs[1]: reward \"gsm9k\" is unknown",
                        "reward_funcs[2]: reward \"regex\": pattern is missing",
                        "reward_funcs[3]: a reward needs exactly one of name",
                        "reward_funcs[4]: weight must be a finite number, got heavy",
                        "reward_funcs[5]: judge.py is Python; name its function, as"
                                + " judge.py:accuracy",
                        "reward_funcs[6]: a reward is a text or a map, got 7",
                        "reward_funcs[7]: command: there is no program \"no-such-program\"",
                        "reward_funcs[8]: judge.score needs Python 3: no folder of PATH has"
                                + " no-such-python")) {
            assertTrue(message.contains(part), message);
        }
        assertTrue(!message.contains("reward_funcs[0]"), message);
    }

    @Test
    void aDottedNameIsAPathWhereThereIsOne() throws IOException {
        Files.createDirectory(folder.resolve("my_rewards.accuracy"));
        String message = problem("my_rewards.accuracy");
        assertTrue(message.contains("is the path " + folder.resolve("my_rewards.acc")), message);
    }

    @Test
    void functionsOfPythonAreRewards() throws IOException {
        assumeTrue(ProgramSearch.find("python3", folder).isPresent(), "python3 is not installed");
        Path file =
                Files.writeString(
                        folder.resolve("my_rewards.py"),
                        "def length(completions, **kwargs):\n    return map(len, completions)\n");
        List<WeightedReward> rewards =
                parse(
                        List.of(
                                "my_rewards.length",
                                Map.of(
                                        "name", "my_rewards.py:length",
                                        "program", "python3",
                                        "isolation", "process",
                                        "whole_round", false,
                                        "weight", 0.5)));
        assertEquals(List.of("length", "length_2"), names(rewards));
        assertEquals(
                List.of(true, false),
                rewards.stream().map(r -> r.function().wholeRound()).toList());
        assertEquals(
                rewards.getFirst().function().content(), rewards.getLast().function().content());
        assertFalse(rewards.getFirst().function().content().isEmpty(), file::toString);
        try (var scorer = new RewardScorer(rewards, RewardLimits.defaults())) {
            assertArrayEquals(new double[] {3}, scorer.score(answers("abc")).column(1));
        }
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
    /// In another package than the interface, as users' classes are.
    static final class Cheap implements TurnReward {
        @Override
        public Optional<double[]> turns(PerCompletion.Row row) {
            return Optional.of(new double[] {-0.1});
        }
    }

    static final class OnClassPath implements RewardFunction {
        @Override
        public List<OptionalDouble> score(RewardBatch batch) {
            return List.of();
        }
    }
}
