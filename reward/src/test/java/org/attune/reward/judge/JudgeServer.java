package org.attune.reward.judge;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.json.Json;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// A server with `/v1/chat/completions` that answers as a test says.
final class JudgeServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger now = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();
    final List<String> questions = Collections.synchronizedList(new ArrayList<>());
    final List<Map<?, ?>> requests = Collections.synchronizedList(new ArrayList<>());
    final List<String> keys = Collections.synchronizedList(new ArrayList<>());
    final List<Long> times = Collections.synchronizedList(new ArrayList<>());

    /// What it answers.
    @FunctionalInterface
    interface Answer {
        /// @param question the last message
        /// @param number of the request, from 1
        Reply to(String question, int number) throws InterruptedException;
    }

    /// @param status of HTTP
    /// @param retryAfter seconds; negative: not said
    record Reply(int status, int retryAfter, String body) {}

    JudgeServer(Answer answer) throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 50);
        server.setExecutor(threads);
        server.createContext("/v1/chat/completions", exchange -> handle(exchange, answer));
        server.start();
    }

    static Reply says(String text) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("choices", List.of(Map.of("message", Map.of("content", text))));
        body.put("usage", Map.of("total_tokens", 100L));
        return new Reply(200, -1, Json.write(body));
    }

    static Reply fails(int status) {
        return new Reply(status, -1, "{\"error\": \"no\"}");
    }

    private void handle(HttpExchange exchange, Answer answer) throws IOException {
        try (exchange) {
            int running = now.incrementAndGet();
            most.accumulateAndGet(running, Math::max);
            String text =
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Map<?, ?> request = (Map<?, ?>) Json.parse(text);
            List<?> messages = (List<?>) request.get("messages");
            String question = (String) ((Map<?, ?>) messages.getLast()).get("content");
            times.add(System.nanoTime());
            requests.add(request);
            keys.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            int number;
            synchronized (questions) {
                questions.add(question);
                number = questions.size();
            }
            Reply reply = answer.to(question, number);
            if (reply.retryAfter() >= 0) {
                exchange.getResponseHeaders().set("Retry-After", "" + reply.retryAfter());
            }
            byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
            now.decrementAndGet(); // before the client can know of the answer
            exchange.sendResponseHeaders(reply.status(), bytes.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(bytes);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    String url() {
        return "http://localhost:%d/v1".formatted(server.getAddress().getPort());
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
