package org.attune.reward.external;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.attune.program.ProgramSearch;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardAnswerException;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardLog;
import org.attune.text.Message;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/// Functions as users of TRL write them, by the Python that is there.
@Timeout(300)
class PythonRewardTest {
    private static final String REWARDS =
            """
            import asyncio

            def accuracy(prompts, completions, answer, **kwargs):
                print("judging")
                return [None if a is None else a in c for c, a in zip(completions, answer)]

            async def slow(completions, log_extra, log_metric, **kwargs):
                await asyncio.sleep(0)
                log_metric("words", 1)
                log_metric("words", 2)
                log_extra("given", sorted(kwargs)[:3])
                return [float(len(ids)) for ids in kwargs["completion_ids"]]

            def chat(prompts, completions, **kwargs):
                return [len(p) + 10 * len(c) + 100 * c[0]["content"].count("4")
                        for p, c in zip(prompts, completions)]

            def bare(completions):
                return [0.0] * len(completions)

            def staged(trainer_state, **kwargs):
                return []

            def fails(completions, **kwargs):
                return [1 / 0]
            """;

    @TempDir Path folder;

    @BeforeAll
    static void pythonIsThere() {
        assumeTrue(
                ProgramSearch.find("python3", Path.of("")).isPresent(), "python3 is not installed");
    }

    @BeforeEach
    void write() throws IOException {
        Files.writeString(folder.resolve("my_rewards.py"), REWARDS);
    }

    private PythonReward start(String text) {
        return PythonReward.start(text, "", folder, Map.of(), RewardLimits.defaults());
    }

    private String refused(String text) {
        return assertThrows(ConfigException.class, () -> start(text)).getMessage();
    }

    private static RewardBatch batch(Map<String, List<Object>> columns, RewardLog log) {
        var prompts = List.of(new Prompt("2 + 2 =", List.of()), new Prompt("1 + 4 =", List.of()));
        var completions =
                List.of(
                        new Completion(" 4", new int[] {220, 19}, List.of()),
                        new Completion(" 7", new int[] {22}, List.of()));
        return new RewardBatch(prompts, completions, columns, log);
    }

    private static List<OptionalDouble> values(Double... values) {
        var all = new ArrayList<OptionalDouble>();
        for (Double value : values) {
            all.add(value == null ? OptionalDouble.empty() : OptionalDouble.of(value));
        }
        return all;
    }

    @Test
    void aFunctionOfTrlJudgesAWholeRound() {
        try (var reward = start("my_rewards.accuracy")) {
            assertEquals("accuracy", reward.name());
            assertTrue(reward.wholeRound());
            assertEquals(Set.of("answer"), reward.usedColumns());
            assertEquals(Path.of("my_rewards.py"), reward.file().orElseThrow().getFileName());
            Map<String, List<Object>> columns = new LinkedHashMap<>();
            columns.put("answer", List.of("4", "5"));
            columns.put("source", List.of("a", "b"));
            assertEquals(values(1.0, 0.0), reward.score(batch(columns, RewardLog.NONE)));
            // rows of another task
            assertEquals(values(null, null), reward.score(batch(Map.of(), RewardLog.NONE)));
        }
    }

    @Test
    void anAsyncFunctionLogs() {
        Map<String, Object> logged = new LinkedHashMap<>();
        var log =
                new RewardLog() {
                    @Override
                    public void metric(String name, double value) {
                        logged.put(name, value);
                    }

                    @Override
                    public void extra(String column, List<?> values) {
                        logged.put(column, values);
                    }
                };
        String file = folder.resolve("my_rewards.py").toString();
        try (var reward = start(file + "::slow")) {
            Map<String, List<Object>> columns = Map.of("answer", List.of("4", "5"));
            assertEquals(values(2.0, 1.0), reward.score(batch(columns, log)));
        }
        assertEquals(
                Map.of("words", 1.5, "given", List.of("answer", "completion_ids", "prompts")),
                logged);
    }

    @Test
    void conversationsAreListsOfMessages() {
        List<Message> asked = List.of(Message.of("system", "s"), Message.of("user", "2 + 2?"));
        List<Message> said = List.of(Message.of("assistant", "4, 44"));
        var batch =
                new RewardBatch(
                        List.of(new Prompt("<s>2 + 2?", asked)),
                        List.of(new Completion("4, 44", new int[] {19}, said)),
                        Map.of());
        try (var reward = start("my_rewards.py:chat")) {
            assertEquals(values(312.0), reward.score(batch));
        }
    }

    @Test
    void whatAFunctionRaisesIsToldWithItsLine() {
        try (var reward = start("my_rewards.fails")) {
            var error =
                    assertThrows(
                            RewardAnswerException.class,
                            () -> reward.score(batch(Map.of(), RewardLog.NONE)));
            assertTrue(
                    error.getMessage().contains("ZeroDivisionError: division by zero"),
                    error::getMessage);
            assertTrue(error.getMessage().contains("my_rewards.py:25"), error::getMessage);
        }
    }

    @Test
    void whatCannotBeImportedIsToldAtTheStart() throws IOException {
        String absent = refused("no_such_rewards.accuracy");
        assertTrue(absent.startsWith("no_such_rewards.accuracy can't be used"), absent);
        assertTrue(absent.contains("No module named 'no_such_rewards'"), absent);
        assertTrue(absent.contains(folder + ", " + Path.of("").toAbsolutePath()), absent);
        assertTrue(absent.contains("program: PYTHON"), absent);

        String misspelt = refused("my_rewards.accurcy");
        assertTrue(
                misspelt.contains("accurcy is not among its functions, accuracy, slow"), misspelt);
        assertTrue(misspelt.contains("(" + folder.resolve("my_rewards.py") + ")"), misspelt);

        Files.writeString(folder.resolve("broken.py"), "import json\nimport no_such_library\n");
        String broken = refused("broken.accuracy");
        assertTrue(broken.contains("No module named 'no_such_library'"), broken);
        assertTrue(broken.contains(folder.resolve("broken.py") + ":2"), broken);
    }

    @Test
    void aFunctionThatDoesNotTakeWhatTrlGivesIsRefused() {
        String bare = refused("my_rewards.bare");
        assertTrue(bare.contains("unexpected keyword argument 'prompts'"), bare);
        assertTrue(bare.contains("bare(prompts, completions, **kwargs)"), bare);
        assertTrue(refused("my_rewards.staged").contains("trainer_state"));
    }

    @Test
    void aMissingPythonOrFileIsToldBeforeAnythingStarts() {
        String python =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        PythonReward.start(
                                                "my_rewards.accuracy",
                                                "no-such-python",
                                                folder,
                                                Map.of(),
                                                RewardLimits.defaults()))
                        .getMessage();
        assertTrue(python.contains("no-such-python"), python);
        assertTrue(
                python.contains("{name: my_rewards.accuracy, program: /path/to/python3}"), python);
        assertTrue(refused("other.py:accuracy").contains("there is no file other.py"));
    }

    @Test
    void namesOfFunctionsAreTold() {
        for (String text : List.of("a.b", "a.b_c.D1", "x/y.py:f", "y.py::f", "größe.länge")) {
            assertTrue(PythonReward.fits(text), text);
        }
        for (String text :
                List.of("gsm8k", "a.py", "a/b.c", "Qwen2.5-RM", "a.1", "A.java", "a.py:")) {
            assertFalse(PythonReward.fits(text), text);
        }
    }
}
