package org.attune.reward.judge;

import static org.attune.reward.judge.JudgeServer.fails;
import static org.attune.reward.judge.JudgeServer.says;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFailure.Kind;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardScorer;
import org.attune.reward.RewardTable;
import org.attune.reward.WeightedReward;
import org.attune.reward.spec.RewardSpec;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Judges at a server that may fail, be slow, limit rates and answer garbage.
@Timeout(120)
class JudgeRewardTest {
    private static final Pattern SHOWN = Pattern.compile("## Answer (\\d+)\n(\\S+)");
    @TempDir private Path folder;

    private JudgeSettings settings(JudgeServer server, boolean group) {
        return new JudgeSettings(
                new JudgeSettings.Server(
                        server.url(),
                        "m",
                        Optional.of("secret"),
                        4,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        Duration.ofMillis(2000),
                        Duration.ofMillis(1)),
                new JudgeSettings.Asked(
                        Optional.empty(),
                        group ? JudgePrompt.GROUP : JudgePrompt.SINGLE,
                        JudgeScale.DEFAULT,
                        group,
                        0),
                new JudgeSettings.Sampling(0, 100, Map.of()),
                Optional.of(folder.resolve("cache")));
    }

    private static RewardBatch batch(String... completions) {
        return new RewardBatch(
                java.util.Collections.nCopies(completions.length, new Prompt("2 + 2 =", List.of())),
                Arrays.stream(completions)
                        .map(text -> new Completion(text, new int[] {1}, List.of()))
                        .toList(),
                Map.of());
    }

    private static RewardTable score(JudgeSettings settings, RewardBatch batch) {
        var limits = RewardLimits.defaults().withTimeout(Duration.ofMillis(50));
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(new JudgeReward("judge", settings))), limits)) {
            return scorer.score(batch);
        }
    }

    private static JudgeServer.Reply length(String question) {
        String answer = question.split("# What the assistant answers\n")[1].split("\n")[0];
        return says("Fine.\nScore: " + answer.length());
    }

    @Test
    void eachCompletionGetsItsScoreAndASecondRunAsksNothing() throws IOException {
        try (var server = new JudgeServer((question, _) -> length(question))) {
            String[] texts = {"a", "bb", "ccc", "dddd", "bb", "a", "a", "eeeee", "a", "bb"};
            double[] expected = {1, 2, 3, 4, 2, 1, 1, 5, 1, 2};
            RewardTable first = score(settings(server, false), batch(texts));
            assertArrayEquals(expected, first.column(0));
            assertEquals(5, server.questions.size(), "equal questions go out once");
            assertTrue(server.most.get() <= 4, "at once: " + server.most);
            assertEquals("Bearer secret", server.keys.getFirst());
            RewardTable second = score(settings(server, false), batch(texts));
            assertArrayEquals(expected, second.column(0));
            assertEquals(5, server.questions.size(), "the second run asks nothing");
            assertEquals(1.0, second.metrics().get("rewards/judge/cached"));
            JudgeSettings other = settings(server, false);
            var warmer =
                    new JudgeSettings(
                            other.server(),
                            other.asked(),
                            new JudgeSettings.Sampling(1, 100, Map.of("top_p", 0.5)),
                            other.cache());
            score(warmer, batch("a"));
            assertEquals(6, server.questions.size(), "another request isn't in the cache");
            assertEquals(0.5, server.requests.getLast().get("top_p"));
        }
    }

    @Test
    void whatPassesIsAskedAgain() throws IOException {
        try (var server =
                new JudgeServer(
                        (question, number) ->
                                switch (number) {
                                    case 1 -> fails(503);
                                    case 2 -> new JudgeServer.Reply(429, 0, "slower");
                                    default -> length(question);
                                })) {
            assertArrayEquals(
                    new double[] {3}, score(settings(server, false), batch("abc")).column(0));
            assertEquals(3, server.questions.size());
        }
    }

    @Test
    void aFailureIsNoRewardAndIsCounted() throws IOException {
        try (var server =
                new JudgeServer(
                        (question, _) -> {
                            if (question.contains("refused")) {
                                return fails(400);
                            }
                            if (question.contains("garbage")) {
                                return new JudgeServer.Reply(200, -1, "<html>hello</html>");
                            }
                            if (question.contains("silent")) {
                                return says("I would rather not say.");
                            }
                            if (question.contains("high")) {
                                return says("Score: 11");
                            }
                            return length(question);
                        })) {
            RewardBatch batch = batch("refused", "ok", "garbage", "silent", "high", "fine");
            RewardTable table = score(settings(server, false), batch);
            assertArrayEquals(
                    new double[] {Double.NaN, 2, Double.NaN, Double.NaN, Double.NaN, 4},
                    table.column(0));
            assertEquals(1, table.failures().size());
            assertEquals(Kind.UNANSWERED, table.failures().getFirst().kind());
            assertEquals(4, table.failures().getFirst().count());
            String example = table.failures().getFirst().example();
            assertTrue(example.contains("400") && example.contains("extra_body"), example);
            assertEquals(4.0, table.metrics().get("rewards/judge/failed"));
            int asked = server.questions.size();
            RewardTable again = score(settings(server, false), batch);
            assertArrayEquals(table.column(0), again.column(0));
            assertEquals(
                    asked + 2,
                    server.questions.size(),
                    "an answer without a score stays what it is; failures of the server are asked"
                            + " again");
        }
    }

    @Test
    void aSlowServerCostsNeitherTheRunNorItsTimeLimitForFunctions() throws IOException {
        try (var server =
                new JudgeServer(
                        (question, number) -> {
                            Thread.sleep(number == 1 ? 4000 : 100);
                            return length(question);
                        })) {
            assertArrayEquals(
                    new double[] {1, 2},
                    score(settings(server, false), batch("a", "bb")).column(0),
                    "the first request is given up after 2 s and sent again");
        }
    }

    @Test
    void requestsPerMinuteAreKept() throws InterruptedException {
        var limit = new RateLimit(OptionalInt.of(2), OptionalInt.empty(), Duration.ofMillis(400));
        long begin = System.nanoTime();
        for (int i = 0; i < 5; i++) {
            limit.acquire(1);
        }
        assertTrue(System.nanoTime() - begin >= 800_000_000L, "5 requests need 3 windows of 2");
    }

    @Test
    void tokensPerMinuteAreKept() throws InterruptedException {
        var limit = new RateLimit(OptionalInt.empty(), OptionalInt.of(100), Duration.ofMillis(400));
        long begin = System.nanoTime();
        RateLimit.Use first = limit.acquire(1000); // alone it may
        limit.correct(first, 40);
        limit.acquire(60);
        assertTrue(System.nanoTime() - begin < 300_000_000L, "100 tokens fit");
        limit.acquire(60);
        assertTrue(System.nanoTime() - begin >= 400_000_000L, "60 more don't");
    }

    @Test
    void aGroupIsComparedInADrawnOrder() throws IOException {
        try (var server =
                new JudgeServer(
                        (question, _) -> {
                            var scores = new LinkedHashMap<String, Object>();
                            SHOWN.matcher(question)
                                    .results()
                                    .forEach(
                                            m ->
                                                    scores.put(
                                                            m.group(1),
                                                            (long) m.group(2).length()));
                            return says("So:\n" + org.attune.json.Json.write(scores));
                        })) {
            var prompts = new ArrayList<Prompt>();
            var completions = new ArrayList<Completion>();
            for (int p = 0; p < 8; p++) {
                for (String text : List.of("a", "bb", "ccc", "a")) {
                    prompts.add(new Prompt("question " + p, List.of()));
                    completions.add(new Completion(text, new int[] {1}, List.of()));
                }
            }
            var batch = new RewardBatch(prompts, completions, Map.of());
            RewardTable table = score(settings(server, true), batch);
            for (int i = 0; i < 32; i += 4) {
                assertArrayEquals(
                        new double[] {1, 2, 3, 1}, Arrays.copyOfRange(table.column(0), i, i + 4));
            }
            assertEquals(8, server.questions.size());
            var orders = new HashSet<String>();
            server.questions.forEach(
                    q -> {
                        assertEquals(3, SHOWN.matcher(q).results().count(), "equal ones once");
                        orders.add(
                                String.join(
                                        " ",
                                        SHOWN.matcher(q).results().map(m -> m.group(2)).toList()));
                    });
            assertTrue(orders.size() > 1, "one order only: " + orders);
            score(settings(server, true), batch);
            assertEquals(8, server.questions.size(), "the same order the second time");
        }
    }

    @Test
    void aGroupWithoutAScoreForEachHasNone() throws IOException {
        try (var server = new JudgeServer((_, _) -> says("{\"1\": 5, \"2\": 4}"))) {
            RewardTable table = score(settings(server, true), batch("a", "b", "c"));
            assertArrayEquals(new double[] {Double.NaN, Double.NaN, Double.NaN}, table.column(0));
            assertEquals(3, table.failures().getFirst().count());
        }
    }

    @Test
    void aCutCacheFileIsAskedAgain() throws IOException {
        try (var server = new JudgeServer((question, _) -> length(question))) {
            score(settings(server, false), batch("abc"));
            try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    Files.writeString(file, Files.readString(file).substring(0, 9));
                }
            }
            assertArrayEquals(
                    new double[] {3}, score(settings(server, false), batch("abc")).column(0));
            assertEquals(2, server.questions.size());
        }
    }

    @Test
    void aRunsFileNamesAJudge() throws IOException {
        try (var server = new JudgeServer((_, _) -> says("**Score: 4/5**"))) {
            Files.writeString(folder.resolve("judge.txt"), "Is {{completion}} {{answer}}?");
            Map<String, Object> judge = new LinkedHashMap<>();
            judge.put("base_url", server.url());
            judge.put("model", "m");
            judge.put("prompt", "judge.txt");
            judge.put("scale", "0..10");
            judge.put("cache", folder.resolve("answers").toString());
            List<WeightedReward> rewards =
                    RewardSpec.parse(
                            List.of(Map.of("judge", judge, "weight", 0.5, "label", "taste")),
                            folder,
                            RewardLimits.defaults());
            assertEquals("taste", rewards.getFirst().name());
            assertEquals(0.5, rewards.getFirst().weight());
            assertEquals(
                    java.util.Set.of("answer"), rewards.getFirst().function().requiredColumns());
            var said = new Completion("4", new int[] {1}, List.of(Message.of("assistant", "4")));
            var batch =
                    new RewardBatch(
                            List.of(new Prompt("2+2", List.of()), new Prompt("2+2", List.of())),
                            List.of(said, said),
                            Map.of("answer", Arrays.asList("four", null)));
            try (var scorer = new RewardScorer(rewards, RewardLimits.defaults())) {
                RewardTable table = scorer.score(batch);
                assertArrayEquals(new double[] {4, Double.NaN}, table.column(0));
                assertEquals(List.of(), table.failures(), "a row without a column isn't judged");
            }
            String question = server.questions.getFirst();
            assertTrue(question.startsWith("Is 4 four?"), question);
            assertTrue(question.contains("from 0 (worst) to 10 (best)"), question);
        }
    }

    @Test
    void faultyEntriesAreNamed() {
        var judge = new LinkedHashMap<String, Object>();
        judge.put("base_url", "localhost:8000");
        judge.put("scale", "5..1");
        judge.put("prompt", "Rate {{prompt}}");
        judge.put("mode", "pairs");
        judge.put("api_key_env", "ATTUNE_NO_SUCH_VARIABLE");
        judge.put("concurency", 3);
        String message =
                assertThrows(ConfigException.class, () -> JudgeSpec.of(judge, folder, Map.of()))
                        .getMessage();
        for (String part :
                List.of(
                        "base_url must be like",
                        "model is missing",
                        "5..1",
                        "{{completion}}",
                        "mode must be one of single, group",
                        "ATTUNE_NO_SUCH_VARIABLE",
                        "did you mean \"concurrency\"")) {
            assertTrue(message.contains(part), part + " in " + message);
        }
        assertFalse(JudgeSpec.isLocal(judge));
    }
}
