package org.attune.agents.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.error.ConfigException;
import org.attune.json.Json;
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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

@Timeout(120)
final class McpHttpTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 7, 0, 0);

    private HttpServer server;
    private final List<String> log = new CopyOnWriteArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile String session = "s1";

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/mcp", this::handle);
        server.start();
    }

    @AfterEach
    void stop() {
        over.countDown();
        server.stop(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        var headers = exchange.getRequestHeaders();
        Map<?, ?> message = body.isEmpty() ? Map.of() : (Map<?, ?>) Json.parse(body);
        log.add(
                "%s %s session=%s version=%s key=%s"
                        .formatted(
                                exchange.getRequestMethod(),
                                message.get("method"),
                                headers.getFirst("Mcp-Session-Id"),
                                headers.getFirst("MCP-Protocol-Version"),
                                headers.getFirst("Authorization")));
        String method = String.valueOf(message.get("method"));
        boolean isFirst = method.equals("initialize");
        if (!isFirst && !session.equals(headers.getFirst("Mcp-Session-Id"))) {
            send(exchange, 404, "", "");
        } else if (message.get("id") == null) {
            send(exchange, message.isEmpty() ? 200 : 202, "", "");
        } else if (isFirst) {
            exchange.getResponseHeaders().add("Mcp-Session-Id", session);
            send(
                    exchange,
                    200,
                    "application/json",
                    result(message, Map.of("protocolVersion", "2025-03-26")));
        } else if (method.equals("tools/list")) {
            List<?> tools = List.of(Map.of("name", "echo"));
            send(exchange, 200, "application/json", result(message, Map.of("tools", tools)));
        } else {
            stream(exchange, message);
        }
    }

    private static String result(Map<?, ?> message, Object result) {
        return Json.write(Map.of("jsonrpc", "2.0", "id", message.get("id"), "result", result));
    }

    private static void send(HttpExchange exchange, int status, String type, String body)
            throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", type);
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        if (bytes.length > 0) {
            exchange.getResponseBody().write(bytes);
        }
        exchange.close();
    }

    /// A stream of events that doesn't end after the answer.
    private void stream(HttpExchange exchange, Map<?, ?> message) throws IOException {
        exchange.getResponseHeaders().add("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        Map<?, ?> params = (Map<?, ?>) message.get("params");
        Object text = ((Map<?, ?>) params.get("arguments")).get("text");
        String answer =
                result(
                        message,
                        Map.of("content", List.of(Map.of("type", "text", "text", "é " + text))));
        String events =
                ": hello\n\nevent: message\ndata: {\"jsonrpc\": \"2.0\", \"method\": \"notifications/progress\"}\n\nid: 3\nevent: message\ndata: %s\n\n"
                        .formatted(text.equals("never") ? "{}" : answer);
        exchange.getResponseBody().write(events.getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        exchange.close();
    }

    private RunTools run(String path) {
        Map<String, Object> entry =
                Map.of(
                        "url",
                        "http://localhost:%d%s".formatted(server.getAddress().getPort(), path),
                        "timeout",
                        2,
                        "headers",
                        Map.of("Authorization", "Bearer k"));
        return RunTools.parse(Map.of("mcp", entry), null, Path.of(""));
    }

    private static String call(ToolSet set, String text) throws Exception {
        return set.tools().getFirst().call(Map.of("text", text), null).text();
    }

    @Test
    void aServerIsReachedOverHttp() throws Exception {
        try (RunTools run = run("/mcp")) {
            ToolSet set = run.tools().getFirst().open(START);
            assertEquals("é hi", call(set, "hi"));
        }
        assertEquals(
                List.of(
                        "POST initialize session=null version=null key=Bearer k",
                        "POST notifications/initialized session=s1 version=2025-03-26 key=Bearer k",
                        "POST tools/list session=s1 version=2025-03-26 key=Bearer k",
                        "POST tools/call session=s1 version=2025-03-26 key=Bearer k",
                        "DELETE null session=s1 version=2025-03-26 key=Bearer k"),
                log);
    }

    @Test
    void aForgottenSessionFailsOneEpisodeAndIsBegunAnew() throws Exception {
        try (RunTools run = run("/mcp")) {
            ToolSet set = run.tools().getFirst().open(START);
            session = "s2";
            var failure = assertThrows(IOException.class, () -> call(set, "hi"));
            assertTrue(
                    failure.getMessage().contains("has forgotten the session"),
                    failure.getMessage());
            assertEquals("é hi", call(run.tools().getFirst().open(START), "hi"));
        }
        assertEquals(2, log.stream().filter(line -> line.contains("tools/call")).count());
    }

    @Test
    void anAnswerThatDoesNotComeIsATimeout() throws Exception {
        try (RunTools run = run("/mcp")) {
            ToolSet set = run.tools().getFirst().open(START);
            var failure =
                    assertThrows(
                            java.util.concurrent.TimeoutException.class, () -> call(set, "never"));
            assertTrue(failure.getMessage().contains("no answer within 2.0 s"));
        }
    }

    @Test
    void whatIsNoServerIsNamed() {
        try (RunTools run = run("/nowhere")) {
            var failure = assertThrows(IOException.class, () -> run.tools().getFirst().open(START));
            assertTrue(
                    failure.getMessage().contains("answered with status 404"),
                    failure.getMessage());
        }
        Map<String, Object> wrong = Map.of("mcp", Map.of("url", "x", "env", 3, "per", "turn"));
        String message =
                assertThrows(ConfigException.class, () -> RunTools.parse(wrong, null, Path.of("")))
                        .getMessage();
        assertTrue(message.contains("tools[0]: per must be one of run, episode"), message);
    }
}
