package org.attune.reward.external;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardAnswerException;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFailure.Kind;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.RewardUnavailableException;
import org.attune.reward.WeightedReward;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// Programs are shell scripts that answer by what stands in the request.
@Timeout(300)
class ProcessRewardTest {
    private static final Duration LONG = Duration.ofSeconds(90);

    @TempDir Path folder;

    private ProcessReward program(String body, Duration timeout, int strikes) throws IOException {
        Path script = Files.writeString(folder.resolve("reward.sh"), body);
        return new ProcessReward(
                "script",
                List.of("sh", script.toString()),
                folder,
                Map.of(),
                RewardLimits.defaults().withTimeout(timeout).withStrikes(strikes));
    }

    private static RewardBatch batch(String... texts) {
        var prompts = new ArrayList<Prompt>();
        var completions = new ArrayList<Completion>();
        for (String text : texts) {
            prompts.add(new Prompt("p", List.of()));
            completions.add(new Completion(text, new int[] {7}, List.of()));
        }
        return new RewardBatch(prompts, completions, Map.of());
    }

    @Test
    void answersBecomeRewards() throws IOException {
        try (var reward =
                program(
                        """
                        while read -r line; do
                          echo "just talking"
                          echo '{"rewards": [0.5, null, true, NaN]}'
                        done
                        """,
                        LONG,
                        3)) {
            assertEquals(
                    List.of(
                            OptionalDouble.of(0.5),
                            OptionalDouble.empty(),
                            OptionalDouble.of(1),
                            OptionalDouble.of(Double.NaN)),
                    reward.score(batch("a", "b", "c", "d")));
        }
    }

    @Test
    void requestHoldsTheWholeBatch() throws IOException {
        Path seen = folder.resolve("seen.json");
        try (var reward =
                program(
                        "read -r line; printf '%s' \"$line\" > "
                                + seen
                                + "; echo '{\"rewards\": [1]}'",
                        LONG,
                        3)) {
            reward.score(
                    new RewardBatch(
                            List.of(new Prompt("2 + 2 =", List.of())),
                            List.of(new Completion(" 4\né", new int[] {220, 19}, List.of())),
                            Map.of("answer", List.of("4"))));
        }
        assertEquals(
                "{\"prompts\":[\"2 + 2 =\"],\"completions\":[\" 4\\né\"],"
                        + "\"completion_ids\":[[220,19]],\"columns\":{\"answer\":[\"4\"]}}",
                Files.readString(seen));
    }

    @Test
    void metricsAndExtrasReachTheTable() throws IOException {
        var reward =
                program(
                        """
                        while read -r line; do
                          echo '{"rewards": [1], "metrics": {"m": 2.5}, "extras": {"why": ["x"]}}'
                        done
                        """,
                        LONG,
                        3);
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(reward)), RewardLimits.defaults())) {
            RewardTable table = scorer.score(batch("a"));
            assertEquals(Map.of("m", 2.5), table.metrics());
            assertEquals(Map.of("why", List.of("x")), table.extras());
        }
    }

    @Test
    void deadProgramIsStartedAgainAndItsLastWordsAreTold() throws IOException {
        try (var reward =
                program(
                        """
                        read -r line
                        case "$line" in *die*) echo "out of luck" >&2; exit 3;; esac
                        echo '{"rewards": [1]}'
                        read -r line
                        """,
                        LONG,
                        3)) {
            var error =
                    assertThrows(
                            RewardUnavailableException.class, () -> reward.score(batch("die")));
            assertTrue(error.getMessage().contains("exit code 3"), error.getMessage());
            assertTrue(
                    error.getMessage().endsWith("its last words: out of luck"), error.getMessage());
            assertEquals(List.of(OptionalDouble.of(1)), reward.score(batch("live")));
        }
    }

    /// A Python program that fails at an import ends so: the last line alone would do there, but
    /// not everywhere.
    @Test
    void givenUpProgramStillTellsWhatItSaid() throws IOException {
        try (var reward =
                program("for i in 1 2 3 4 5 6; do echo \"line $i\" >&2; done; exit 1", LONG, 2)) {
            for (int i = 0; i < 4; i++) {
                var error =
                        assertThrows(
                                RewardUnavailableException.class, () -> reward.score(batch("a")));
                assertTrue(
                        error.getMessage().contains("line 3 / line 4 / line 5 / line 6"),
                        error.getMessage());
            }
        }
    }

    @Test
    void aProgramThatNeverAnswersIsToldWhatIsExpected() throws IOException {
        try (var reward =
                program(
                        "[ -e seen ] || exit 0; read -r line; echo '{\"rewards\": [1]}'",
                        LONG,
                        9)) {
            String message =
                    assertThrows(RewardUnavailableException.class, () -> reward.score(batch("a")))
                            .getMessage();
            assertTrue(message.contains("exit code 0; it must read a line of JSON"), message);
            assertTrue(message.endsWith("(docs/rewards.md#your-own)"), message);
            Files.createFile(folder.resolve("seen"));
            assertEquals(List.of(OptionalDouble.of(1)), reward.score(batch("a")));
            Files.delete(folder.resolve("seen")); // it knows by now, and ends for another reason
            for (int i = 0; i < 2; i++) {
                message =
                        assertThrows(
                                        RewardUnavailableException.class,
                                        () -> reward.score(batch("a")))
                                .getMessage();
                assertTrue(message.endsWith("ended with exit code 0"), message);
            }
        }
    }

    @Test
    void programThatDiesAgainAndAgainIsGivenUp() throws IOException {
        try (var reward = program("echo x >> starts; exit 1", LONG, 2)) {
            for (int i = 0; i < 4; i++) {
                assertThrows(RewardUnavailableException.class, () -> reward.score(batch("a")));
            }
        }
        assertEquals(2, Files.readAllLines(folder.resolve("starts")).size());
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void hangingProgramIsKilledAndTheNextCallStartsAnother() throws IOException {
        String body =
                """
                echo $$ >> pids
                while read -r line; do
                  case "$line" in *hang*) sleep 600;; esac
                  echo '{"rewards": [1]}'
                done
                """;
        try (var reward = program(body, Duration.ofSeconds(8), 3)) {
            var error =
                    assertThrows(
                            RewardUnavailableException.class, () -> reward.score(batch("hang")));
            assertTrue(error.getMessage().contains("no answer in time"), error.getMessage());
            assertEquals(List.of(OptionalDouble.of(1)), reward.score(batch("a")));
        }
        for (String pid : Files.readAllLines(folder.resolve("pids"))) {
            assertTrue(ended(Long.parseLong(pid)), "process " + pid + " still runs");
        }
    }

    private static boolean ended(long pid) {
        return ProcessHandle.of(pid)
                .map(handle -> handle.onExit().orTimeout(2, java.util.concurrent.TimeUnit.MINUTES))
                .map(exit -> exit.handle((_, error) -> error == null).join())
                .orElse(true);
    }

    @Tag("thorough")
    @Execution(ExecutionMode.CONCURRENT)
    @Test
    void runGoesOnWhenAProgramHangsAndDies() throws IOException {
        var reward =
                program(
                        """
                        while read -r line; do
                          case "$line" in *hang*) sleep 600;; *die*) kill -9 $$;; esac
                          echo '{"rewards": [1]}'
                        done
                        """,
                        LONG,
                        3);
        var limits = RewardLimits.defaults().withCallSize(1).withTimeout(Duration.ofSeconds(12));
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(reward.wholeRounds(false))), limits)) {
            RewardTable table = scorer.score(batch("a", "hang", "b", "die", "c"));
            assertArrayEquals(new double[] {1, Double.NaN, 1, Double.NaN, 1}, table.column(0));
            assertEquals(
                    Map.of(Kind.TIMED_OUT, 1, Kind.THREW, 1), scorer.failureTotals().get("script"));
        }
    }

    @Test
    void programThatReadsNothingBlocksNobody() throws IOException {
        try (var reward = program("sleep 600", Duration.ofMillis(300), 3)) {
            assertThrows(
                    RewardUnavailableException.class,
                    () -> reward.score(batch("x".repeat(1_000_000))));
        }
    }

    @Test
    void aLineThatNeverEndsIsRefused() throws IOException {
        try (var reward = program("tr '\\0' x < /dev/zero", LONG, 3)) {
            var error =
                    assertThrows(RewardUnavailableException.class, () -> reward.score(batch("a")));
            assertTrue(
                    error.getMessage().contains("a line of more than 16 MiB"), error::getMessage);
        }
    }

    @Test
    void linesWithoutEndAreNoAnswer() throws IOException {
        try (var reward = program("yes talking", Duration.ofSeconds(1), 3)) {
            var error =
                    assertThrows(RewardUnavailableException.class, () -> reward.score(batch("a")));
            assertTrue(error.getMessage().contains("no answer in time"), error::getMessage);
        }
    }

    @Test
    void anAnswerThatDripsIsNoAnswer() throws IOException {
        String body = "while true; do printf x; sleep 0.1; done";
        try (var reward = program(body, Duration.ofSeconds(1), 3)) {
            var error =
                    assertThrows(RewardUnavailableException.class, () -> reward.score(batch("a")));
            assertTrue(error.getMessage().contains("no answer in time"), error::getMessage);
        }
    }

    @Test
    void errorOutputMayBeLongAndEndless() throws IOException {
        try (var reward =
                program(
                        """
                        read -r line
                        head -c 50000000 /dev/zero | tr '\\0' x >&2
                        yes trouble 2>/dev/null | head -100000 >&2
                        echo '{"rewards": [1]}'
                        """,
                        LONG,
                        3)) {
            assertEquals(List.of(OptionalDouble.of(1)), reward.score(batch("a")));
        }
    }

    @Test
    void missingProgramAndWrongAnswersAreTold() throws IOException {
        try (var absent =
                new ProcessReward(
                        "absent",
                        List.of("./no-such-program"),
                        folder,
                        Map.of(),
                        RewardLimits.defaults())) {
            var error =
                    assertThrows(RewardUnavailableException.class, () -> absent.score(batch("a")));
            assertTrue(error.getMessage().contains("no-such-program"), error.getMessage());
        }
        try (var wrong =
                program("while read -r line; do echo '{\"error\": \"no idea\"}'; done", LONG, 3)) {
            var error = assertThrows(RewardAnswerException.class, () -> wrong.score(batch("a")));
            assertTrue(error.getMessage().contains("no idea"), error.getMessage());
        }
    }
}
