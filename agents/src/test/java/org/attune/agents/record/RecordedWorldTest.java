package org.attune.agents.record;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.tool.Tool;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.ToolSpec;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.Turn;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.source.RecordedCompletion;
import org.attune.rollout.source.RecordedLines;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;

/// A new policy in a recorded world.
class RecordedWorldTest {
    private static final ToolSpec DICE =
            new ToolSpec(
                    "dice",
                    "Throws dice.",
                    Map.of(
                            "type",
                            "object",
                            "properties",
                            Map.of("sides", Map.of("type", "integer")),
                            "required",
                            List.of("sides")));

    @TempDir private Path folder;
    private final AtomicInteger live = new AtomicInteger();
    private final Tool dice =
            Tool.of(DICE, (_, _) -> new ToolResult.Ok("live " + live.incrementAndGet()));

    private static EpisodeStart start(String row, int member) {
        return new EpisodeStart(new EpisodeId(0, member), Map.of("q", row), 3, member, 0);
    }

    private static ToolCall dice(Object sides) {
        return new ToolCall(Optional.empty(), "dice", Map.of("sides", sides), "");
    }

    private static RecordedCompletion episode(EpisodeStart start, ToolOutcome... outcomes) {
        List<Turn> turns = new ArrayList<>();
        for (ToolOutcome outcome : outcomes) {
            turns.add(
                    new Turn(
                            new int[] {1},
                            new float[1],
                            true,
                            Optional.of(
                                    new ParsedTurn(
                                            Message.of("assistant", ""),
                                            List.of(outcome.call()),
                                            List.of(),
                                            false)),
                            List.of(outcome),
                            List.of(Message.of("tool", outcome.text())),
                            new int[] {2},
                            0));
        }
        var episode =
                new Episode(
                        start,
                        List.of(Message.of("user", "q")),
                        new int[] {5},
                        turns,
                        EndReason.ANSWERED,
                        Map.of(),
                        Map.of());
        return new RecordedCompletion(
                0,
                new int[] {5},
                SampledCompletion.of(episode, StopReason.STOP_TOKEN),
                Map.of(),
                Map.of(),
                OptionalInt.empty(),
                true);
    }

    private RecordedWorld world(Miss miss) {
        Path file = folder.resolve("episodes.jsonl");
        RecordedLines.write(
                file,
                List.of(
                        episode(
                                start("a", 0),
                                new ToolOutcome(dice(6L), ToolOutcome.Kind.OK, "4", 1),
                                new ToolOutcome(dice("6"), ToolOutcome.Kind.OK, "1", 1),
                                new ToolOutcome(
                                        dice(0L), ToolOutcome.Kind.REFUSED, "error: no sides", 1)),
                        episode(
                                start("a", 1),
                                new ToolOutcome(dice(6L), ToolOutcome.Kind.OK, "2", 1)),
                        episode(
                                start("b", 0),
                                new ToolOutcome(dice(6L), ToolOutcome.Kind.FINAL, "won", 1))));
        RecordedAnswers answers = RecordedAnswers.read(file);
        assertEquals(5, answers.size());
        return new RecordedWorld(answers, miss);
    }

    private static List<String> play(ToolSetFactory tools, EpisodeStart start, ToolCall... calls)
            throws Exception {
        List<String> told = new ArrayList<>();
        try (var caller = new ToolCaller();
                var set = tools.open(start)) {
            for (int i = 0; i < calls.length; i++) {
                ToolOutcome outcome =
                        caller.call(set.tools(), List.of(calls[i]), start, i).getFirst();
                told.add(outcome.kind() + " " + outcome.text());
            }
        }
        return told;
    }

    private ToolSetFactory tools(Miss miss) {
        return world(miss).tools(_ -> () -> List.of(dice));
    }

    @Test
    void aCallGetsTheAnswerThatItGotInItsPlace() throws Exception {
        ToolSetFactory tools = tools(Miss.LIVE);
        assertEquals(
                List.of("OK 4", "OK 1", "REFUSED error: no sides", "OK live 1", "OK live 2"),
                play(tools, start("a", 0), dice(6L), dice(6.0), dice("0"), dice(6L), dice(8L)));
        assertEquals(
                List.of("OK 2", "OK 1"),
                play(tools, start("a", 1), dice(6L), dice(6L)),
                "what the member hasn't got comes from another");
        assertEquals(List.of("OK 4"), play(tools, start("a", 7), dice(6L)));
        assertEquals(List.of("FINAL won"), play(tools, start("b", 0), dice(6L)));
        assertEquals(List.of("OK live 3"), play(tools, start("c", 0), dice(6L)));
    }

    @Test
    void whatWasNotRecordedIsRefusedOrEnds() throws Exception {
        String unknown = "this call was not made when the world was recorded";
        assertEquals(
                List.of("REFUSED error: " + unknown, "OK 4"),
                play(tools(Miss.REFUSE), start("a", 0), dice(8L), dice(6L)));
        assertEquals(List.of("FINAL " + unknown), play(tools(Miss.END), start("a", 0), dice(8L)));
        assertEquals(0, live.get());
    }

    @Test
    void toolsOfEnvironmentsAnswerAsRecordedToo() throws Exception {
        EnvironmentFactory factory =
                world(Miss.LIVE)
                        .environments(
                                () ->
                                        new Environment() {
                                            @Override
                                            public Opening reset(EpisodeStart start) {
                                                return Opening.NOTHING;
                                            }

                                            @Override
                                            public List<Tool> tools() {
                                                return List.of(dice);
                                            }
                                        });
        try (var environment = factory.make();
                var caller = new ToolCaller()) {
            environment.reset(start("a", 0));
            List<Tool> tools = environment.tools();
            ToolCall call = dice(6L);
            assertEquals(
                    "4", caller.call(tools, List.of(call), start("a", 0), 0).getFirst().text());
            assertEquals(
                    "1", caller.call(tools, List.of(call), start("a", 0), 1).getFirst().text());
        }
    }
}
