package org.attune.cli.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.ServerParameters;
import io.modelcontextprotocol.client.transport.StdioClientTransport;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.InitializeResult;
import io.modelcontextprotocol.spec.McpSchema.ProgressNotification;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.modelcontextprotocol.spec.McpSchema.Tool;

import org.attune.cli.Main;
import org.attune.cli.ShortProgram;
import org.attune.json.Json;
import org.attune.reports.runs.FoundRun;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/// `attune mcp` as a process, asked by the client of the protocol's official library.
class OfficialClientTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", ".."), "examples")
                    .toAbsolutePath()
                    .normalize();

    /// Machines that test are busy.
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    @TempDir private Path folder;
    private final Queue<ProgressNotification> progress = new ConcurrentLinkedQueue<>();
    private final Queue<String> log = new ConcurrentLinkedQueue<>();
    private final Set<ProcessHandle> before =
            ProcessHandle.current().descendants().collect(Collectors.toSet());
    private McpSyncClient client;

    private InitializeResult connect() {
        List<String> words = new ArrayList<>(ShortProgram.java());
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
        words.addAll(List.of("mcp", "--root=" + folder, "--root=" + EXAMPLES));
        var transport =
                new StdioClientTransport(
                        ServerParameters.builder(words.removeFirst()).args(words).build(),
                        new Jackson2Mapper());
        transport.setStdErrorHandler(log::add);
        client =
                McpClient.sync(transport)
                        .requestTimeout(PATIENCE)
                        .initializationTimeout(PATIENCE)
                        .jsonSchemaValidator(new Jackson2Mapper.NoSchemas())
                        .progressConsumer(progress::add)
                        .build();
        return client.initialize();
    }

    /// Takes the client away. Its server and all runs end by that; until then they write into the
    /// folder.
    @AfterEach
    void leave() throws Exception {
        if (client == null) {
            return;
        }
        List<ProcessHandle> begun =
                ProcessHandle.current().descendants().filter(p -> !before.contains(p)).toList();
        client.closeGracefully();
        client = null;
        for (ProcessHandle process : begun) {
            process.onExit().get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }
    }

    private CallToolResult ask(String tool, ObjectNode arguments) {
        return client.callTool(
                CallToolRequest.builder(tool)
                        .arguments(Json.MAPPER.convertValue(arguments, new Jackson2Mapper.Fields()))
                        .progressToken(tool)
                        .build());
    }

    private static String text(CallToolResult result) {
        return ((TextContent) result.content().getFirst()).text();
    }

    private JsonNode done(String tool, ObjectNode arguments) {
        CallToolResult result = ask(tool, arguments);
        assertFalse(result.isError(), () -> tool + ": " + text(result) + log);
        return Json.MAPPER.valueToTree(result.structuredContent());
    }

    private ObjectNode run(String name, int steps) {
        ObjectNode arguments = Json.object();
        arguments
                .putObject("keys")
                .put("model_name_or_path", EXAMPLES.resolve("model").toString())
                .put("datasets", EXAMPLES.resolve("quickstart/pairs.jsonl").toString())
                .put("eval_datasets", folder.resolve("heldout.jsonl").toString())
                .put("output_dir", folder.resolve(name).toString())
                .put("use_peft", true)
                .put("max_steps", steps)
                .put("logging_steps", 1)
                .put("dtype", "float32");
        return arguments;
    }

    private ObjectNode model() {
        return Json.object().put("model", EXAMPLES.resolve("model").toString());
    }

    private void writeHeldOut() throws IOException {
        List<String> rows = Files.readAllLines(EXAMPLES.resolve("quickstart/pairs-heldout.jsonl"));
        Files.write(folder.resolve("heldout.jsonl"), rows.subList(0, 8));
    }

    @Test
    void theClientFindsToolsAndChecksAConfiguration() throws IOException {
        writeHeldOut();
        InitializeResult begun = connect();
        assertEquals("2025-11-25", begun.protocolVersion());
        assertTrue(begun.instructions().contains(folder.toString()), begun.instructions());
        for (Tool tool : client.listTools().tools()) {
            assertNotNull(tool.annotations().readOnlyHint(), tool.name());
            assertEquals("object", tool.inputSchema().get("type"), tool.name());
        }
        JsonNode checked = done("check", run("out", 2));
        assertEquals("dpo", checked.path("method").textValue());
        ObjectNode wrong = run("out", 2);
        ((ObjectNode) wrong.path("keys")).put("learning_rte", 1);
        CallToolResult refused = ask("check", wrong);
        assertTrue(refused.isError());
        assertTrue(text(refused).contains("did you mean learning_rate?"), text(refused));
        ObjectNode elsewhere = run("out", 2);
        ((ObjectNode) elsewhere.path("keys")).put("output_dir", "/elsewhere");
        assertTrue(text(ask("train", elsewhere)).contains("lies outside of the folders"));
        assertFalse(Files.exists(folder.resolve("out")));
    }

    @Test
    @Tag("thorough")
    void theClientTrainsMeasuresAndServes() throws Exception {
        writeHeldOut();
        connect();
        String preview = text(ask("preview", run("out", 3).put("rows", 1)));
        assertTrue(preview.contains("⟦0 0 1 2<|end|>⟧"), preview);
        done("train", run("out", 3).put("wait_seconds", 1));
        JsonNode trained = ended("out");
        assertEquals("finished", trained.path("standing").textValue(), trained.toString());
        assertEquals(8, trained.path("held_out").path("n").intValue());
        assertTrue(
                progress.stream().anyMatch(p -> p.progressToken().equals("status")), log::toString);
        String out = folder.resolve("out").toString();
        JsonNode report = done("report", Json.object().put("run", out));
        assertEquals(3, report.path("summary").path("steps").intValue());
        String page = report.path("files").path("report.html").textValue();
        assertTrue(Files.exists(Path.of(page)));
        assertEquals(
                1,
                done("runs", Json.object().put("folder", folder.toString())).path("runs").size());
        ObjectNode questions =
                model().put("adapter", out)
                        .put("data", EXAMPLES.resolve("quickstart/heldout.jsonl").toString())
                        .put("verifier", "exact")
                        .put("problems", 4)
                        .put("max_new_tokens", 12);
        JsonNode measured = done("eval", questions);
        assertEquals(4, measured.path("difference").path("n").intValue(), measured.toString());
        ask(model().put("adapter", out));
    }

    /// The status of a run that is over.
    private JsonNode ended(String name) {
        ObjectNode asked =
                Json.object().put("run", folder.resolve(name).toString()).put("wait_seconds", 20);
        for (int i = 0; i < 30; i++) {
            JsonNode status = done("status", asked);
            if (!status.path("standing").asText().matches("starting|running")) {
                return status;
            }
        }
        throw new AssertionError("the run takes too long: " + log);
    }

    /// Serves, asks over HTTP, and ends the server.
    private void ask(ObjectNode model) throws Exception {
        JsonNode served = done("serve", model);
        assertEquals("[\"base\",\"tuned\"]", served.path("models").toString());
        String url = served.path("url").textValue();
        String question =
                "{\"model\":\"tuned\",\"max_tokens\":8,\"messages\":[{\"role\":\"user\",\"content\":\"Sort"
                    + " ascending: 3 1\"}]}";
        try (var http = HttpClient.newHttpClient()) {
            var request =
                    HttpRequest.newBuilder(URI.create(url + "/chat/completions"))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString(question));
            var answer = http.send(request.build(), BodyHandlers.ofString());
            assertEquals(200, answer.statusCode(), answer.body());
        }
        done("stop_serving", Json.object().put("url", url));
        assertTrue(ask("stop_serving", Json.object().put("url", url)).isError());
    }

    @Test
    @Tag("thorough")
    void aRunEndsWithTheClientAndLeavesACheckpoint() throws Exception {
        writeHeldOut();
        connect();
        ObjectNode run = run("long", 100_000);
        JsonNode started = done("train", run);
        assertEquals("starting", started.path("standing").textValue());
        assertTrue(text(ask("train", run)).contains("a run is under way"));
        ObjectNode status =
                Json.object().put("run", folder.resolve("long").toString()).put("wait_seconds", 1);
        for (int i = 0; done("status", status).path("step").intValue() < 1; i++) {
            assertTrue(i < 300, log::toString);
        }
        leave();
        assertEquals(FoundRun.Standing.STOPPED, standing("long"), log::toString);
        try (var files = Files.list(folder.resolve("long"))) {
            assertTrue(files.anyMatch(f -> f.getFileName().toString().startsWith("checkpoint-")));
        }
    }

    private FoundRun.Standing standing(String name) throws Exception {
        for (int i = 0; i < 300; i++) {
            FoundRun run = FoundRun.in(folder.resolve(name), Instant.now()).orElseThrow();
            if (run.standing() != FoundRun.Standing.RUNNING) {
                return run.standing();
            }
            Thread.sleep(100);
        }
        return FoundRun.Standing.RUNNING;
    }
}
