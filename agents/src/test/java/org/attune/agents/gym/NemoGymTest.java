package org.attune.agents.gym;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.agents.environment.Environment;
import org.attune.agents.environment.Opening;
import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.episode.EndReason;
import org.attune.episode.Episode;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.episode.ToolOutcome;
import org.attune.episode.ToolOutcome.Kind;
import org.attune.episode.Turn;
import org.attune.json.Json;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/// A server that counts, as NeMo-Gym's example of a session with state does.
@Timeout(120)
final class NemoGymTest {
    private static final EpisodeStart START =
            new EpisodeStart(
                    new EpisodeId(0, 0),
                    Map.of(
                            "initial_count",
                            3L,
                            "expected_count",
                            5L,
                            "responses_create_params",
                            Map.of(
                                    "tools",
                                    List.of(
                                            Map.of(
                                                    "type",
                                                    "function",
                                                    "name",
                                                    "increment_counter",
                                                    "description",
                                                    "Increments.",
                                                    "parameters",
                                                    Map.of(
                                                            "type",
                                                            "object",
                                                            "properties",
                                                            Map.of(
                                                                    "count",
                                                                    Map.of("type", "integer"))))))),
                    7,
                    0,
                    0);

    private static final Episode EMPTY =
            new Episode(
                    START,
                    List.of(),
                    new int[0],
                    List.of(),
                    EndReason.ANSWERED,
                    Map.of(),
                    Map.of());

    private HttpServer server;
    private final AtomicLong counter = new AtomicLong();
    private volatile String verified = "";

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Map<?, ?> request = (Map<?, ?>) Json.parse(body);
        String path = exchange.getRequestURI().getPath();
        boolean isKnown = "session=s1".equals(exchange.getRequestHeaders().getFirst("Cookie"));
        if (path.equals("/seed_session")) {
            exchange.getResponseHeaders().add("Set-Cookie", "session=s1; path=/; httponly");
            counter.set((Long) request.get("initial_count"));
            send(exchange, 200, "{}");
        } else if (!isKnown) {
            send(exchange, 500, "no session");
        } else if (path.equals("/increment_counter")) {
            long count = (Long) request.get("count");
            if (count < 0) {
                send(exchange, 422, "{\"detail\": \"count is negative\"}");
            } else {
                counter.addAndGet(count);
                send(exchange, 200, "{\"success\": true, \"done\": %s}".formatted(count == 9));
            }
        } else {
            verified = body;
            boolean isRight = request.get("expected_count").equals(counter.get());
            send(exchange, 200, "{\"reward\": %s}".formatted(isRight ? 1.0 : 0.0));
        }
    }

    private static void send(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private RunTools run() {
        Map<String, Object> entry =
                Map.of(
                        "nemo_gym",
                        "http://localhost:%d/".formatted(server.getAddress().getPort()),
                        "use_done_flag",
                        true);
        return RunTools.parse(null, Map.of("counter", entry), Path.of(""));
    }

    @Test
    void anEpisodeIsSeededCalledAndVerified() throws Exception {
        try (RunTools run = run();
                var caller = new ToolCaller();
                Environment counting = run.environments().get("counter").make()) {
            assertEquals(Opening.NOTHING, counting.reset(START));
            var call = new ToolCall(Optional.empty(), "increment_counter", Map.of("count", 2L), "");
            ToolOutcome outcome = caller.call(counting.tools(), List.of(call), START, 0).getFirst();
            assertEquals("{\"success\": true, \"done\": false}", outcome.text());
            assertEquals(OptionalDouble.of(1), counting.reward(ended(outcome)));
            assertTrue(
                    verified.contains(
                            "{\"type\": \"function_call\", \"id\": \"fc_call_0_0\", \"call_id\":"
                                + " \"call_0_0\", \"name\": \"increment_counter\", \"arguments\":"
                                + " \"{\\\"count\\\": 2}\", \"status\": \"completed\"}, {\"type\":"
                                + " \"function_call_output\", \"call_id\": \"call_0_0\","
                                + " \"output\": \"{\\\"success\\\": true, \\\"done\\\": false}\"}"),
                    verified);
            assertTrue(verified.contains("\"text\": \"I count.\""), verified);
            var wrong =
                    new ToolCall(Optional.empty(), "increment_counter", Map.of("count", -1L), "");
            assertEquals(
                    Kind.REFUSED,
                    caller.call(counting.tools(), List.of(wrong), START, 1).getFirst().kind());
            var last = new ToolCall(Optional.empty(), "increment_counter", Map.of("count", 9L), "");
            assertEquals(
                    Kind.FINAL,
                    caller.call(counting.tools(), List.of(last), START, 2).getFirst().kind());
        }
    }

    private static Episode ended(ToolOutcome outcome) {
        var parsed =
                new ParsedTurn(
                        Message.of("assistant", "I count."),
                        List.of(outcome.call()),
                        List.of(),
                        false);
        var turn =
                new Turn(
                        new int[0],
                        new float[0],
                        true,
                        Optional.of(parsed),
                        List.of(outcome),
                        List.of(),
                        new int[0],
                        0);
        return new Episode(
                START,
                List.of(),
                new int[0],
                List.of(turn),
                EndReason.ANSWERED,
                Map.of(),
                Map.of());
    }

    @Test
    void failuresOfTheServerAreTheWorlds() throws Exception {
        try (RunTools run = run();
                Environment counting = run.environments().get("counter").make()) {
            var failure = assertThrows(IOException.class, () -> counting.reward(EMPTY));
            assertTrue(
                    failure.getMessage().contains("/verify answered with status 500: no session"),
                    failure.getMessage());
        }
    }
}
