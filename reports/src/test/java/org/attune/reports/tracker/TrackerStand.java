package org.attune.reports.tracker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// A server on the loopback that takes down what it is asked and answers as it is told.
final class TrackerStand implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// A request.
    record Asked(String method, String path, Map<String, List<String>> headers, JsonNode body) {}

    /// An answer.
    record Reply(int status, String body) {}

    final List<Asked> asked = Collections.synchronizedList(new ArrayList<>());
    final Map<String, Reply> replies = new ConcurrentHashMap<>();
    private final HttpServer server;

    TrackerStand() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().toString();
        String end = path.replaceFirst("\\?.*", "").replaceFirst("^/(.*/)?(?=[^/]+/[^/]+$)", "");
        Reply reply = replies.getOrDefault(end, new Reply(200, "{}"));
        // Chosen before: who sees what was asked may set another reply.
        asked.add(
                new Asked(
                        exchange.getRequestMethod(),
                        path,
                        Map.copyOf(exchange.getRequestHeaders()),
                        body.length == 0 ? JSON.nullNode() : JSON.readTree(body)));
        byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(reply.status(), bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    String address() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    List<Asked> to(String end) {
        synchronized (asked) {
            return asked.stream()
                    .filter(a -> a.path().replaceFirst("\\?.*", "").endsWith(end))
                    .toList();
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
