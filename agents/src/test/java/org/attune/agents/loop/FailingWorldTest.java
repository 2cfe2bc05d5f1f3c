package org.attune.agents.loop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolFunction;
import org.attune.agents.tool.ToolLimits;
import org.attune.agents.tool.ToolResult;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeStart;
import org.attune.episode.Turn;
import org.attune.error.RolloutException;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/// Worlds that fail in every way, and those that work.
final class FailingWorldTest {
    private final ToyChat toy = new ToyChat();
    private final Map<String, AtomicInteger> started = new ConcurrentHashMap<>();

    private Tool counted(String name, Duration limit, ToolFunction does) {
        return Tool.of(
                ToyChat.spec(name),
                (arguments, context) -> {
                    String key = context.episode() + " " + context.turn() + " " + context.call();
                    started.computeIfAbsent(key, _ -> new AtomicInteger()).incrementAndGet();
                    return does.call(arguments, context);
                },
                new ToolLimits(limit, false));
    }

    /// Tools that throw, hang, spin, answer 10 MB, die and answer out of order.
    private List<Tool> tools() {
        Duration some = Duration.ofSeconds(20);
        Duration little = Duration.ofMillis(150);
        return List.of(
                counted("good", some, (_, _) -> new ToolResult.Ok("fine")),
                counted(
                        "throws",
                        some,
                        (_, _) -> {
                            throw new IOException("gone");
                        }),
                counted(
                        "hangs",
                        little,
                        (_, _) -> {
                            Thread.sleep(600_000);
                            return new ToolResult.Ok("never");
                        }),
                counted(
                        "ignores",
                        little,
                        (_, _) -> {
                            long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
                            while (System.nanoTime() < end) {
                                Thread.onSpinWait();
                            }
                            return new ToolResult.Ok("late");
                        }),
                counted("talks", some, (_, _) -> new ToolResult.Ok("10 MB ".repeat(1_700_000))),
                counted(
                        "dies",
                        some,
                        (_, _) -> {
                            throw new StackOverflowError();
                        }),
                counted(
                        "slowly",
                        some,
                        (_, context) -> {
                            Thread.sleep(60 - 20 * context.call());
                            return new ToolResult.Ok("answer " + context.call());
                        }));
    }

    @Test
    void aRoundWithToolsThatFailEndsAndTellsOfEach() {
        toy.config = toy.config.withEpisodeRetries(1).withMaxFailedEpisodes(1);
        List<String> names = List.of("good", "throws", "hangs", "ignores", "talks", "dies");
        List<List<String>> scripts = new ArrayList<>();
        names.forEach(name -> scripts.add(List.of("<call>" + name + " {}</call>", "done")));
        scripts.add(List.of("<call>slowly {}</call>".repeat(3), "done"));
        var worlds = ToyChat.tools(tools().toArray(Tool[]::new));
        List<Episode> episodes = toy.play(worlds, scripts);
        assertEquals(
                List.of(
                        EndReason.ANSWERED,
                        EndReason.FAILED,
                        EndReason.FAILED,
                        EndReason.FAILED,
                        EndReason.ANSWERED,
                        EndReason.FAILED,
                        EndReason.ANSWERED),
                episodes.stream().map(Episode::end).toList());
        assertEquals(1, episodes.get(2).start().attempt());
        assertTrue(episodes.get(4).length() < 2000, "10 MB are shortened");
        List<String> answers =
                episodes.getLast().turns().getFirst().outcomes().stream()
                        .map(o -> o.text())
                        .toList();
        assertEquals(List.of("answer 0", "answer 1", "answer 2"), answers);
        started.forEach((key, count) -> assertEquals(1, count.get(), key));
    }

    @Test
    void theRunStopsAboveAShare() {
        List<List<String>> scripts = new ArrayList<>(Collections.nCopies(4, List.of("done")));
        scripts.add(List.of("<call>throws {}</call>"));
        var worlds = ToyChat.tools(tools().toArray(Tool[]::new));
        assertEquals(5, toy.play(worlds, scripts).size());
        scripts.set(0, List.of("<call>throws {}</call>"));
        var e = assertThrows(RolloutException.class, () -> toy.play(worlds, scripts));
        assertTrue(e.getMessage().contains("2 of 5 episodes"), e.getMessage());
    }

    /// Counts down in text; fails as it is told.
    private final class Countdown implements Environment {
        private final int failing;
        private int left = 2;
        private EpisodeStart start;
        boolean isClosed;

        Countdown(int failing) {
            this.failing = failing;
        }

        @Override
        public Opening reset(EpisodeStart begun) throws IOException {
            start = begun;
            starts.add(begun);
            if (failing == 0 && begun.attempt() == 0) {
                throw new IOException("reset");
            }
            return new Opening(Optional.of(" from 2."), List.of());
        }

        @Override
        public Step step(ParsedTurn turn, int index) throws IOException {
            if (failing == 1 && start.attempt() == 0) {
                throw new IOException("step");
            }
            return --left == 0
                    ? new Step.Done(1, true)
                    : new Step.Observe(List.of(Message.of("user", left + " left")), 0.5);
        }

        @Override
        public OptionalDouble reward(Episode episode) throws IOException {
            if (failing == 2 && start.attempt() == 0) {
                throw new IOException("reward");
            }
            return OptionalDouble.of(episode.turns().size());
        }

        @Override
        public Map<String, Object> state() {
            return Map.of("left", (long) left);
        }

        @Override
        public void close() throws IOException {
            isClosed = true;
            if (failing == 3) {
                throw new IOException("close");
            }
        }
    }

    private final List<EpisodeStart> starts = Collections.synchronizedList(new ArrayList<>());

    @Test
    void anEpisodeWhoseWorldFailedBeginsAgainInAnother() {
        for (int failing = 0; failing < 4; failing++) {
            int how = failing;
            starts.clear();
            List<Countdown> made = Collections.synchronizedList(new ArrayList<>());
            Worlds worlds =
                    ToyChat.environment(
                            () -> {
                                made.add(new Countdown(how));
                                return made.getLast();
                            });
            Episode episode = toy.play(worlds, List.of(List.of("one", "two"))).getFirst();
            assertEquals(EndReason.ENVIRONMENT_DONE, episode.end());
            assertEquals(failing < 3 ? 2 : 1, made.size());
            assertTrue(made.stream().allMatch(e -> e.isClosed));
            assertTrue(starts.stream().allMatch(s -> s.seed() == 7));
            assertEquals(failing < 3 ? 1 : 0, episode.start().attempt());
            assertEquals(Map.of("toy", OptionalDouble.of(2)), episode.rewards());
            assertEquals(Map.of("left", 0L), episode.state());
            assertEquals(List.of(0.5, 1.0), episode.turns().stream().map(Turn::reward).toList());
            assertEquals("Say 0 from 2.", episode.prompt().getFirst().content());
            assertEquals(
                    "one<|end|>\n<|start|>user\n1 left<|end|>\n<|start|>assistant\ntwo<|end|>",
                    toy.text(episode.completionIds()));
        }
    }

    @Test
    void historyThatIsRenderedAnewBeginsRows() {
        toy.config = toy.config.withHistory(History.TEMPLATE);
        Episode plain =
                toy.play(ToyChat.environment(() -> new Countdown(-1)), List.of(List.of("a", "b")))
                        .getFirst();
        assertEquals(1, plain.rows().size());
        assertArrayEquals(plain.completionIds(), plain.rows().getFirst().ids());
        Episode thinks =
                toy.play(
                                ToyChat.environment(() -> new Countdown(-1)),
                                List.of(List.of("[hm]a", "[so]b")))
                        .getFirst();
        assertEquals(2, thinks.rows().size());
        assertEquals("[hm]a<|end|>", toy.text(thinks.rows().get(0).ids()));
        assertEquals("[so]b<|end|>", toy.text(thinks.rows().get(1).ids()));
        assertEquals(
                """
                <|start|>user
                Say 0 from 2.<|end|>
                <|start|>assistant
                a<|end|>
                <|start|>user
                1 left<|end|>
                <|start|>assistant
                """,
                toy.text(thinks.rows().get(1).promptIds()));
    }
}
