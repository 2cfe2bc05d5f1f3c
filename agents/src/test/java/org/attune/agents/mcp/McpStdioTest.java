package org.attune.agents.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.agents.tool.WorldFailedException;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.ToolOutcome.Kind;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
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
import java.util.Optional;

@Timeout(300)
final class McpStdioTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 7, 0, 0);

    @TempDir Path folder;
    private final ToolCaller caller = new ToolCaller();

    @AfterEach
    void close() {
        caller.close();
    }

    private RunTools run(Map<String, Object> more, String... arguments) {
        var command =
                new ArrayList<String>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xshare:auto",
                                "-XX:TieredStopAtLevel=1",
                                TinyMcpServer.class.getName(),
                                folder.resolve("seen").toString()));
        command.addAll(List.of(arguments));
        var server = new LinkedHashMap<String, Object>(more);
        server.put("command", command);
        server.put("env", Map.of("CLASSPATH", System.getProperty("java.class.path")));
        server.putIfAbsent("timeout", 60);
        return RunTools.parse(Map.of("mcp", server), null, folder);
    }

    private ToolOutcome call(ToolSet set, String tool, long a) throws Exception {
        return caller.call(set.tools(), List.of(wanted(tool, a)), START, 0).getFirst();
    }

    private static ToolCall wanted(String tool, long a) {
        return new ToolCall(Optional.empty(), tool, Map.of("a", a), "");
    }

    private long seen(String part) throws IOException {
        return Files.readAllLines(folder.resolve("seen")).stream()
                .filter(line -> line.contains(part))
                .count();
    }

    @Test
    void aServersToolsAreListedAndCalled() throws Exception {
        try (RunTools run = run(Map.of())) {
            ToolSet set = run.tools().getFirst().open(START);
            assertEquals(
                    List.of("add", "fail", "hang", "die", "slow", "big", "structured", "picture"),
                    set.tools().stream().map(t -> t.spec().name()).toList());
            assertEquals("Does add", set.tools().getFirst().spec().description());
            assertEquals("3", call(set, "add", 2).text());
            ToolOutcome failed = call(set, "fail", 0);
            assertEquals(Kind.REFUSED, failed.kind());
            assertEquals("error: no luck", failed.text());
            assertEquals("{\"n\": 1}", call(set, "structured", 0).text());
            assertEquals("[image image/png]\na cat", call(set, "picture", 0).text());
            assertTrue(call(set, "big", 0).text().contains("characters left out"));
            assertEquals(1, seen("\"id\": \"s1\", \"result\": {}"), "ping is answered");
            assertEquals(1, seen("only ping is answered"));
            assertEquals(1, seen("\"notifications/initialized\""));
            assertEquals("3", call(run.tools().getFirst().open(START), "add", 2).text());
            assertEquals(1, seen("\"initialize\""), "one server serves the run");
        }
    }

    @Test
    void answersMayComeOutOfOrder() throws Exception {
        try (RunTools run = run(Map.of())) {
            ToolSet set = run.tools().getFirst().open(START);
            List<ToolCall> calls = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                calls.add(wanted("slow", i));
            }
            assertEquals(
                    List.of("slow 0", "slow 1", "slow 2", "slow 3", "slow 4"),
                    caller.call(set.tools(), calls, START, 0).stream()
                            .map(ToolOutcome::text)
                            .toList());
        }
    }

    @Test
    void aServerThatDiesIsBegunAnewAndNoCallIsRepeated() throws Exception {
        try (RunTools run = run(Map.of())) {
            ToolSet set = run.tools().getFirst().open(START);
            var failure = assertThrows(WorldFailedException.class, () -> call(set, "die", 0));
            assertTrue(failure.getMessage().contains("exit code 4"), failure.getMessage());
            assertEquals(1, seen("\"die\""));
            assertEquals("3", call(run.tools().getFirst().open(START), "add", 2).text());
            assertEquals(2, seen("\"initialize\""));
        }
    }

    @Tag("thorough")
    @Test
    void aCallThatHangsIsCancelledAndTheServerGoesOn() throws Exception {
        try (RunTools run = run(Map.of("timeout", 5, "slowness", "model"))) {
            ToolSet set = run.tools().getFirst().open(START);
            assertEquals(Kind.TIMED_OUT, call(set, "hang", 0).kind());
            assertEquals("3", call(set, "add", 2).text());
            assertEquals(1, seen("notifications/cancelled"));
            assertEquals(1, seen("\"initialize\""));
        }
    }

    @Tag("thorough")
    @Test
    void eachEpisodeMayHaveAServerWhichIsKilledWithIt() throws Exception {
        try (RunTools run = run(Map.of("per", "episode"), "forever")) {
            ToolSet one = run.tools().getFirst().open(START);
            assertEquals("3", call(one, "add", 2).text());
            long before = children();
            one.close();
            for (int i = 0; i < 500 && children() >= before; i++) {
                Thread.sleep(20);
            }
            assertEquals(before - 1, children(), "a server lives on");
            assertThrows(WorldFailedException.class, () -> call(one, "add", 2));
            ToolSet next = run.tools().getFirst().open(START);
            assertFalse(next.tools().isEmpty());
            next.close(); // its server waits for ever
            assertEquals(2, seen("\"initialize\""));
        }
    }

    private static long children() {
        return ProcessHandle.current().children().filter(ProcessHandle::isAlive).count();
    }

    @Test
    void aProgramThatIsNoServerIsNamed() {
        Map<String, Object> entry =
                Map.of("mcp", Map.of("command", List.of("sh", "-c", "echo hi; exit 2")));
        try (RunTools run = RunTools.parse(entry, null, folder)) {
            var failure = assertThrows(IOException.class, () -> run.tools().getFirst().open(START));
            assertTrue(failure.getMessage().contains("exit code 2"), failure.getMessage());
            assertTrue(
                    failure.getMessage().contains("docs/agents.md#mcp-servers"),
                    failure.getMessage());
        }
    }
}
