package org.attune.agents.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.EnvironmentFactory;
import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.ToolSetFactory;
import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.ToolOutcome.Kind;
import org.attune.error.ConfigException;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeoutException;

/// Programs are shell scripts that answer by what stands in the request.
@Timeout(300)
final class ProgramWireTest {
    private static final String LIST =
            "{\"tools\": [{\"name\": \"add\", \"description\": \"Adds.\", \"parameters\":"
                    + " {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}}},"
                    + " {\"type\": \"function\", \"function\": {\"name\": \"other\"}}]%s}";

    @TempDir Path folder;
    private final ToolCaller caller = new ToolCaller();

    @AfterEach
    void close() {
        caller.close();
    }

    private static EpisodeStart start(int place) {
        return new EpisodeStart(new EpisodeId(0, place), Map.of("secret", "x\n€"), 7, 1, 0);
    }

    /// A script whose cases answer a line of input.
    private Map<String, Object> script(String answers, String cases) throws IOException {
        String body =
                """
                echo "started" >> starts
                while read -r line; do
                  case "$line" in
                    *'"list"'*) echo '%s' ;;
                %s
                  esac
                done
                """
                        .formatted(LIST.formatted(answers), cases);
        Path script = Files.writeString(folder.resolve("tools.sh"), body);
        var entry = new LinkedHashMap<String, Object>();
        entry.put("command", List.of("sh", script.toString()));
        return entry;
    }

    private RunTools tools(Map<String, Object> entry) {
        return RunTools.parse(List.of(entry), null, folder);
    }

    private RunTools environment(Map<String, Object> entry) {
        return RunTools.parse(null, Map.of("shop", entry), folder);
    }

    private static ToolCall call(String name) {
        return new ToolCall(Optional.empty(), name, Map.of("a", 1L), "");
    }

    private ToolOutcome call(ToolSet set, String name) throws Exception {
        return caller.call(set.tools(), List.of(call(name)), start(3), 2).getFirst();
    }

    private int starts() throws IOException {
        return Files.readAllLines(folder.resolve("starts")).size();
    }

    @Test
    void aProgramListsItsToolsAndAnswersCalls() throws Exception {
        try (RunTools run =
                tools(
                        script(
                                "",
                                """
                                *'"add"'*) echo 'just talking'; echo "$line" > seen
                                  echo '{"result": {"sum": [2, NaN]}}' ;;
                                *) echo '{"refused": "not today"}' ;;
                                """))) {
            ToolSet set = run.tools().getFirst().open(start(3));
            assertEquals(
                    List.of("add", "other"),
                    set.tools().stream().map(t -> t.spec().name()).toList());
            assertEquals("{\"sum\": [2, NaN]}", call(set, "add").text());
            assertEquals(
                    "{\"episode\": \"0.3.0\", \"turn\": 2, \"call\": {\"name\": \"add\","
                            + " \"arguments\": {\"a\": 1}}}",
                    Files.readString(folder.resolve("seen")).strip());
            assertEquals(
                    "error: not today",
                    caller.call(
                                    set.tools(),
                                    List.of(new ToolCall(Optional.empty(), "other", null, "")),
                                    start(3),
                                    0)
                            .getFirst()
                            .text());
        }
    }

    @Test
    void oneProgramServesARunAndAnotherEachEpisode() throws Exception {
        Map<String, Object> entry = script("", "*) echo '{\"done\": \"over\"}' ;;");
        try (RunTools run = tools(entry)) {
            for (int i = 0; i < 3; i++) {
                try (ToolSet set = run.tools().getFirst().open(start(i))) {
                    assertEquals(Kind.FINAL, call(set, "add").kind());
                }
            }
            assertEquals(1, starts());
        }
        entry.put("per", "episode");
        try (RunTools run = tools(entry)) {
            for (int i = 0; i < 3; i++) {
                try (ToolSet set = run.tools().getFirst().open(start(i))) {
                    assertEquals("over", call(set, "add").text());
                }
            }
        }
        assertEquals(4, starts());
    }

    @Test
    void aProgramThatDiesFailsTheWorldAndIsStartedAgain() throws Exception {
        try (RunTools run =
                tools(
                        script(
                                "",
                                """
                                *'"0.0.0"'*) echo "bad luck" >&2; exit 3 ;;
                                *) echo '{"result": "fine"}' ;;
                                """))) {
            ToolSetFactory tools = run.tools().getFirst();
            ToolSet set = tools.open(start(0));
            var failure =
                    assertThrows(
                            WorldFailedException.class,
                            () -> caller.call(set.tools(), List.of(call("add")), start(0), 0));
            assertTrue(
                    failure.getMessage()
                            .endsWith("ended with exit code 3; its last words: bad luck"),
                    failure.getMessage());
            assertEquals("fine", call(tools.open(start(1)), "add").text());
            assertEquals(2, starts());
        }
    }

    @Test
    void aProgramThatHangsIsKilledWithItsChildren() throws Exception {
        Map<String, Object> entry =
                script(
                        "",
                        """
                        *) sleep 1000 & echo $! > child; wait ;;
                        """);
        entry.put("timeout", 1);
        try (RunTools run = tools(entry)) {
            ToolSet set = run.tools().getFirst().open(start(0));
            var failure = assertThrows(WorldFailedException.class, () -> call(set, "add"));
            assertTrue(
                    failure.getMessage().contains("gave no answer within 1.0 s and was killed"),
                    failure.getMessage());
            assertGone(Files.readString(folder.resolve("child")).strip());
        }
    }

    private static void assertGone(String pid) throws InterruptedException {
        Optional<ProcessHandle> child = ProcessHandle.of(Long.parseLong(pid));
        for (int i = 0; i < 500 && child.map(ProcessHandle::isAlive).orElse(false); i++) {
            Thread.sleep(20);
        }
        assertFalse(child.map(ProcessHandle::isAlive).orElse(false), "a child lives on");
    }

    @Test
    void slownessMayBeTheModels() throws Exception {
        Map<String, Object> entry = script("", "*) sleep 1000 ;;");
        entry.put("timeout", 0.2);
        entry.put("slowness", "model");
        try (RunTools run = tools(entry)) {
            ToolOutcome outcome = call(run.tools().getFirst().open(start(0)), "add");
            assertEquals(Kind.TIMED_OUT, outcome.kind());
            assertTrue(outcome.text().contains("gave no answer within 0.2 s"), outcome.text());
        }
    }

    @Tag("thorough")
    @Test
    void garbageIsNamedAndTenMegabytesAreShortened() throws Exception {
        Map<String, Object> entry =
                script(
                        "",
                        """
                        *'"add"'*) printf '{"result": "'; head -c 10000000 /dev/zero | tr '\\0' a
                          echo '"}' ;;
                        *) echo '{"tools": "none", "result' ; echo '[1]' ; echo '{"answer": 1}' ;;
                        """);
        entry.put("timeout", 2);
        entry.put("max_characters", 1000);
        try (RunTools run = tools(entry)) {
            ToolSet set = run.tools().getFirst().open(start(0));
            String text = call(set, "add").text();
            assertTrue(text.contains("9999000 characters left out"), text);
            var failure =
                    assertThrows(
                            WorldFailedException.class,
                            () ->
                                    caller.call(
                                            set.tools(),
                                            List.of(
                                                    new ToolCall(
                                                            Optional.empty(), "other", null, "")),
                                            start(0),
                                            0));
            assertTrue(
                    failure.getMessage().endsWith("it printed what is no answer: {\"answer\": 1}"),
                    failure.getMessage());
        }
    }

    @Test
    void aProgramThatNeverAnswersIsToldWhatIsExpected() throws Exception {
        String silent = neverAnswers("echo hello; exit 3");
        assertTrue(
                silent.contains(
                        "exit code 3; it printed what is no answer: hello; it was asked {\"list\":"
                                + " true}"),
                silent);
        assertTrue(silent.contains("docs/agents.md#programs-and-servers"), silent);
        String toldWhy = neverAnswers("echo gone >&2; exit 3");
        assertTrue(toldWhy.endsWith("exit code 3; its last words: gone"), toldWhy);
        String missing =
                assertThrows(
                                ConfigException.class,
                                () -> tools(Map.of("command", List.of("no-such-program"))))
                        .getMessage();
        assertTrue(missing.startsWith("tools[0]: command: there is no program"), missing);
    }

    private String neverAnswers(String script) {
        try (RunTools run = tools(Map.of("command", List.of("sh", "-c", script)))) {
            return assertThrows(IOException.class, () -> run.tools().getFirst().open(start(0)))
                    .getMessage();
        }
    }

    @Test
    void aWrongListIsTold() throws Exception {
        Path script =
                Files.writeString(
                        folder.resolve("bad.sh"),
                        "while read -r line; do echo '{\"tools\": [{\"nom\": \"a\"}]}'; done");
        try (RunTools run = tools(Map.of("command", List.of("sh", script.toString())))) {
            var failure =
                    assertThrows(IOException.class, () -> run.tools().getFirst().open(start(0)));
            assertTrue(failure.getMessage().contains("{nom=a}"), failure.getMessage());
        }
    }

    private static final String ALL = ", \"answers\": [\"step\", \"reward\", \"close\"]";

    private static ParsedTurn said(String content) {
        return new ParsedTurn(Message.of("assistant", content), List.of(), List.of(), false);
    }

    private static Episode ended(int place) {
        return new Episode(
                start(place),
                List.of(),
                new int[0],
                List.of(),
                EndReason.ANSWERED,
                Map.of(),
                Map.of());
    }

    @Test
    void aProgramIsAnEnvironment() throws Exception {
        try (RunTools run =
                environment(
                        script(
                                ALL,
                                """
                                *'"reset"'*) printf '%s' "$line" > seen; echo '{"result": " Go!"}' ;;
                                *'"step"'*won*) echo '{"done": true, "reward": 1}' ;;
                                *'"step"'*) echo '{"result": "higher", "reward": -0.5}' ;;
                                *'"reward"'*) echo '{"reward": 0.25, "state": {"n": 3}}' ;;
                                *'"close"'*) echo closed > closed; echo '{"result": null}' ;;
                                *) echo '{"result": 5}' ;;
                                """))) {
            EnvironmentFactory factory = run.environments().get("shop");
            Environment shop = factory.make();
            Opening opening = shop.reset(start(4));
            assertEquals(Optional.of(" Go!"), opening.toLast());
            assertEquals(
                    "{\"episode\": \"0.4.0\", \"reset\": {\"secret\": \"x\\n"
                            + "€\"}, \"seed\": 7, \"member\": 1}",
                    Files.readString(folder.resolve("seen")).strip());
            assertEquals(2, shop.tools().size());
            var step = (Step.Observe) shop.step(said("2"), 0);
            assertEquals("higher", step.messages().getFirst().content());
            assertEquals(-0.5, step.reward());
            assertEquals(new Step.Done(1, true), shop.step(said("won"), 1));
            assertEquals(OptionalDouble.of(0.25), shop.reward(ended(4)));
            assertEquals(Map.of("n", 3), shop.state());
            shop.close();
            assertTrue(Files.exists(folder.resolve("closed")));
        }
    }

    @Test
    void whatAProgramDoesNotAnswerIsNotAsked() throws Exception {
        try (RunTools run =
                environment(script("", "*'\"reset\"'*) echo '{\"result\": null}' ;;"))) {
            Environment shop = run.environments().get("shop").make();
            assertEquals(Opening.NOTHING, shop.reset(start(0)));
            assertEquals(Step.END, shop.step(said("2"), 0));
            assertEquals(OptionalDouble.empty(), shop.reward(ended(0)));
            shop.close();
        }
    }

    @Test
    void resetAndCloseMayFail() throws Exception {
        try (RunTools run =
                environment(
                        script(
                                ALL,
                                """
                                *'"reset"'*0.1.0*|*0.1.0*'"reset"'*) echo '{"error": "no table"}' ;;
                                *'"reset"'*) echo '{"messages": [{"role": "user", "content": "a"}]}' ;;
                                *'"close"'*) exit 1 ;;
                                """))) {
            EnvironmentFactory factory = run.environments().get("shop");
            Environment broken = factory.make();
            var failure = assertThrows(IOException.class, () -> broken.reset(start(1)));
            assertTrue(failure.getMessage().contains("no table"), failure.getMessage());
            broken.close();
            Environment shop = factory.make();
            assertEquals("a", shop.reset(start(0)).messages().getFirst().content());
            assertThrows(IOException.class, shop::close);
        }
    }

    @Test
    void whatASharedProgramForgotFailsTheEpisodesThatItKnew() throws Exception {
        Map<String, Object> entry =
                script(
                        "",
                        """
                        *'"reset"'*) echo '{"result": null}' ;;
                        *'"0.0.0"'*) exit 1 ;;
                        *) echo '{"result": "fine"}' ;;
                        """);
        entry.put("per", "run");
        try (RunTools run = environment(entry)) {
            EnvironmentFactory factory = run.environments().get("shop");
            Environment one = factory.make();
            Environment other = factory.make();
            one.reset(start(0));
            other.reset(start(1));
            var arguments = Map.<String, Object>of("a", 1);
            var context =
                    new org.attune.agents.tool.ToolContext(
                            start(0), 0, 0, null, java.time.Instant.MAX);
            assertThrows(IOException.class, () -> one.tools().getFirst().call(arguments, context));
            var lost =
                    assertThrows(
                            IOException.class,
                            () -> other.tools().getFirst().call(arguments, context));
            assertTrue(lost.getMessage().contains("what it knew is lost"), lost.getMessage());
            Environment later = factory.make();
            later.reset(start(2));
            assertEquals("fine", later.tools().getFirst().call(arguments, context).text());
        }
    }

    @Test
    void interruptedCallsKillTheProgram() throws Exception {
        Wire wire =
                new ProgramWire(
                        List.of("sh", "-c", "echo $$ > pid; read -r line; sleep 1000"),
                        folder,
                        Map.of(),
                        java.time.Duration.ofMinutes(5));
        Thread asking =
                Thread.startVirtualThread(
                        () -> {
                            try {
                                wire.ask(Map.of("list", true), Wire.ANY);
                            } catch (IOException | TimeoutException | InterruptedException e) {
                                // expected
                            }
                        });
        Path pid = folder.resolve("pid");
        while (!Files.exists(pid) || Files.readString(pid).isBlank()) {
            Thread.sleep(10);
        }
        asking.interrupt();
        asking.join();
        assertGone(Files.readString(pid).strip());
        wire.close();
    }
}
