package org.attune.agents.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.ToolOutcome.Kind;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
final class ToolCallerTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 7, 0, 0);
    private static final String PARAMETERS =
            """
            {"type": "object", "properties": {
              "n": {"type": "integer", "minimum": 0}, "ratio": {"type": "number"},
              "flag": {"type": "boolean"}, "text": {"type": "string"},
              "list": {"type": "array", "items": {"type": "integer"}},
              "deep": {"type": "object", "properties": {"a": {"type": "integer"}}},
              "colour": {"type": "string", "enum": ["red", "green"]},
              "maybe": {"type": ["integer", "null"]},
              "either": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/word"}]}},
             "required": ["n"], "$defs": {"word": {"type": "string"}}}
            """;

    private final ToolCaller caller = new ToolCaller();

    @AfterEach
    void close() {
        caller.close();
    }

    @SuppressWarnings("unchecked")
    private static ToolSpec spec(String name, String parameters) {
        return new ToolSpec(name, "A tool.", (Map<String, Object>) Json.parse(parameters));
    }

    private static Tool tool(String name, ToolFunction does) {
        return Tool.of(spec(name, "{\"type\": \"object\", \"properties\": {}}"), does);
    }

    private static ToolCall call(String name, Object arguments) {
        return new ToolCall(Optional.empty(), name, arguments, "");
    }

    private ToolOutcome one(Tool tool, Object arguments) throws Exception {
        return caller.call(List.of(tool), List.of(call(tool.spec().name(), arguments)), START, 0)
                .getFirst();
    }

    /// What the tool of all types gets for these arguments, as JSON.
    private String taken(String arguments) throws Exception {
        Tool echo = Tool.of(spec("echo", PARAMETERS), (given, _) -> given);
        return one(echo, Json.parse(arguments)).text();
    }

    @Test
    void textsBecomeWhatTheSchemaAsksFor() throws Exception {
        assertEquals(
                "{\"n\": 7, \"ratio\": 1.5, \"flag\": true, \"list\": [1, 2], \"deep\": {\"a\":"
                        + " 1}}",
                taken(
                        """
                        {"n": "7", "ratio": "1.5", "flag": "True", "list": "[1, \\"2\\"]",
                         "deep": "{\\"a\\": \\"1\\"}"}
                        """));
        assertEquals("{\"n\": 7, \"ratio\": 2}", taken("{\"n\": 7.0, \"ratio\": \"2\"}"));
        assertEquals("{\"n\": 12345678901234567890}", taken("{\"n\": \"12345678901234567890\"}"));
        assertEquals("{\"n\": 1, \"text\": \"5\"}", taken("{\"n\": 1, \"text\": 5}"));
        assertEquals("{\"n\": 1, \"colour\": \"red\"}", taken("{\"n\": 1, \"colour\": \" Red\"}"));
        assertEquals("{\"n\": 1, \"maybe\": null}", taken("{\"n\": 1, \"maybe\": \"null\"}"));
        assertEquals("{\"n\": 1}", taken("{\"n\": 1, \"text\": null}"));
        assertEquals("{\"n\": 1, \"either\": \"12\"}", taken("{\"n\": 1, \"either\": \"12\"}"));
        assertEquals("{\"n\": 1}", taken("\"{\\\"n\\\": 1}\""));
    }

    @Test
    void whatDoesNotFitIsNamedInOneLine() throws Exception {
        String takes =
                "echo takes n: integer, ratio: number (optional), flag: boolean (optional), text:"
                    + " string (optional), list: array (optional), deep: object (optional), colour:"
                    + " string (optional), maybe: integer or null (optional), either: integer or"
                    + " string (optional)";
        assertEquals("error: \"n\" is missing. " + takes, taken("{}"));
        assertEquals(
                "error: \"n\" must be an integer, got the string \"seven\". " + takes,
                taken("{\"n\": \"seven\"}"));
        assertEquals("error: \"n\" must be an integer, got 7.5. " + takes, taken("{\"n\": 7.5}"));
        assertEquals(
                "error: \"list[1]\" must be an integer, got the string \"x\". " + takes,
                taken("{\"n\": 1, \"list\": [1, \"x\"]}"));
        assertEquals(
                "error: \"n\": must have a minimum value of 0, got -1. " + takes,
                taken("{\"n\": -1}"));
        assertEquals(
                "error: \"colour\" must be one of [\"red\",\"green\"], got the string \"blue\". "
                        + takes,
                taken("{\"n\": 1, \"colour\": \"blue\"}"));
        assertEquals(
                "error: \"either\" must be an integer or a string, got [1]. " + takes,
                taken("{\"n\": 1, \"either\": [1]}"));
        assertEquals(
                "error: there is no argument \"nn\", did you mean \"n\"?; \"n\" is missing. "
                        + takes,
                taken("{\"nn\": 1}"));
        assertEquals(
                "error: the arguments must be an object with names and values, got [1]. " + takes,
                taken("[1]"));
    }

    @Test
    void everyKindOfFailureOfTheModelIsAnOutcome() throws Exception {
        Tool refuses = tool("refuses", (_, _) -> new ToolResult.Refused("too low"));
        Tool throwing =
                tool(
                        "throws",
                        (_, _) -> {
                            throw new IllegalArgumentException("no such key");
                        });
        Tool last = tool("last", (_, _) -> new ToolResult.Final("over"));
        var outcomes =
                caller.call(
                        List.of(refuses, throwing, last),
                        List.of(
                                call("refuse", Map.of()),
                                call("refuses", Map.of("x", 1)),
                                call("refuses", Map.of()),
                                call("throws", Map.of()),
                                call("last", Map.of())),
                        START,
                        0);
        assertEquals(
                List.of(
                        Kind.UNKNOWN_TOOL,
                        Kind.BAD_ARGUMENTS,
                        Kind.REFUSED,
                        Kind.REFUSED,
                        Kind.FINAL),
                outcomes.stream().map(ToolOutcome::kind).toList());
        assertEquals(
                List.of(
                        "error: there is no tool \"refuse\"; did you mean \"refuses\"? The tools"
                                + " are: refuses, throws, last",
                        "error: there is no argument \"x\". refuses takes no arguments",
                        "error: too low",
                        "error: no such key",
                        "over"),
                outcomes.stream().map(ToolOutcome::text).toList());
    }

    @Test
    void callsOfATurnRunTogetherAndAnswerInOrder() throws Exception {
        var together = new CyclicBarrier(8);
        Tool meets =
                Tool.of(
                        spec("meets", "{\"type\": \"object\"}"),
                        (arguments, context) -> {
                            together.await();
                            Thread.sleep(10L * (8 - context.call()));
                            return arguments.get("n");
                        });
        List<ToolCall> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            calls.add(call("meets", Map.of("n", i)));
        }
        assertEquals(
                List.of("0", "1", "2", "3", "4", "5", "6", "7"),
                caller.call(List.of(meets), calls, START, 0).stream()
                        .map(ToolOutcome::text)
                        .toList());
    }

    /// @param begun counted down if the call begins before its time is over, as on a busy machine
    ///     it may not
    private static Tool hangs(boolean isModels, CountDownLatch begun, CountDownLatch interrupted) {
        return Tool.of(
                spec("hangs", "{}"),
                (_, _) -> {
                    begun.countDown();
                    try {
                        Thread.sleep(Duration.ofHours(1));
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                    }
                    return "late";
                },
                new ToolLimits(Duration.ofMillis(50), isModels));
    }

    @Test
    void aCallThatHangsIsInterruptedAndTheWorldsFailure() throws Exception {
        var begun = new CountDownLatch(1);
        var interrupted = new CountDownLatch(1);
        Tool hangs = hangs(false, begun, interrupted);
        while (begun.getCount() > 0) {
            var failure = assertThrows(WorldFailedException.class, () -> one(hangs, Map.of()));
            assertEquals("tool \"hangs\": no answer within 0.05 s", failure.getMessage());
        }
        assertTrue(interrupted.await(1, TimeUnit.MINUTES));
    }

    @Test
    void orTheModelsIfTheToolSaysSo() throws Exception {
        ToolOutcome outcome =
                one(hangs(true, new CountDownLatch(1), new CountDownLatch(1)), Map.of());
        assertEquals(Kind.TIMED_OUT, outcome.kind());
        assertEquals("error: no answer within 0.05 s", outcome.text());
    }

    /// Twice as many as there are processors, so that threads that carry others would be used up.
    @Test
    void callsThatComputeForeverTakeNothingFromOthers() throws Exception {
        var over = new java.util.concurrent.atomic.AtomicBoolean();
        Tool spins =
                Tool.of(
                        spec("spins", "{}"),
                        (_, _) -> {
                            while (!over.get()) {
                                Thread.onSpinWait();
                            }
                            return "";
                        },
                        new ToolLimits(Duration.ofMillis(20), true));
        try {
            for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
                assertEquals(Kind.TIMED_OUT, one(spins, Map.of()).kind());
            }
            assertEquals("here", one(tool("works", (_, _) -> "here"), Map.of()).text());
        } finally {
            over.set(true);
        }
    }

    @Test
    void theWorldsFailureEndsTheTurnAndInterruptsTheRest() throws Exception {
        var interrupted = new CountDownLatch(1);
        var begun = new CountDownLatch(1);
        var slow =
                Tool.of(
                        spec("slow", "{}"),
                        (a, c) -> {
                            begun.countDown();
                            return hangs(false, new CountDownLatch(1), interrupted).call(a, c);
                        },
                        new ToolLimits(Duration.ofMinutes(10), false));
        var started = new AtomicInteger();
        Tool dies =
                tool(
                        "dies",
                        (_, _) -> {
                            started.incrementAndGet();
                            begun.await();
                            throw new IOException("pipe closed");
                        });
        var failure =
                assertThrows(
                        WorldFailedException.class,
                        () ->
                                caller.call(
                                        List.of(dies, slow),
                                        List.of(call("dies", Map.of()), call("slow", Map.of())),
                                        START,
                                        0));
        assertEquals("tool \"dies\": java.io.IOException: pipe closed", failure.getMessage());
        assertTrue(interrupted.await(10, TimeUnit.SECONDS));
        assertEquals(1, started.get(), "a call is started once");
    }

    @Test
    void anInterruptedTurnInterruptsItsCalls() throws Exception {
        var interrupted = new CountDownLatch(1);
        var begun = new CountDownLatch(1);
        Tool waits =
                tool(
                        "waits",
                        (a, c) -> {
                            begun.countDown();
                            return hangs(false, new CountDownLatch(1), interrupted).call(a, c);
                        });
        var ended = new CountDownLatch(1);
        Thread turn =
                Thread.startVirtualThread(
                        () -> {
                            try {
                                one(waits, Map.of());
                            } catch (InterruptedException e) {
                                ended.countDown();
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                        });
        assertTrue(begun.await(10, TimeUnit.SECONDS));
        turn.interrupt();
        assertTrue(ended.await(10, TimeUnit.SECONDS));
        assertTrue(interrupted.await(10, TimeUnit.SECONDS));
    }

    @Test
    void aLongAnswerIsShortenedInTheMiddle() throws Exception {
        Tool long10MB = tool("long", (_, _) -> "a" + "🙂".repeat(5_000_000) + "z");
        String text = one(long10MB, Map.of()).text();
        assertTrue(text.length() < 66_000, text.length() + " characters");
        assertTrue(text.contains("characters left out …"), "no notice");
        assertTrue(text.startsWith("a🙂") && text.endsWith("🙂z"), "its ends");
        assertEquals(
                text,
                new String(text.getBytes(StandardCharsets.UTF_16), StandardCharsets.UTF_16),
                "no half characters");
    }

    @Test
    void drawsOfACallFollowFromSeedTurnAndPlace() throws Exception {
        Tool dice = tool("dice", (_, context) -> context.random().nextLong());
        List<ToolCall> two = List.of(call("dice", Map.of()), call("dice", Map.of()));
        var first = caller.call(List.of(dice), two, START, 0);
        var again = caller.call(List.of(dice), two, START, 0);
        var next = caller.call(List.of(dice), two, START, 1);
        assertEquals(first.getFirst().text(), again.getFirst().text());
        assertEquals(
                4,
                List.of(first, next).stream()
                        .flatMap(List::stream)
                        .map(ToolOutcome::text)
                        .distinct()
                        .count());
    }

    @Test
    void toolsThatCannotBeOfferedTogetherAreRefused() {
        Tool a = tool("a", (_, _) -> "");
        assertThrows(ConfigException.class, () -> caller.check(List.of(a, a)));
        Tool remote = Tool.of(spec("r", "{\"$ref\": \"other.json\"}"), (_, _) -> "");
        assertThrows(ConfigException.class, () -> caller.check(List.of(remote)));
        Tool wrong = Tool.of(spec("w", "{\"type\": \"array\"}"), (_, _) -> "");
        assertThrows(ConfigException.class, () -> caller.check(List.of(wrong)));
    }
}
