package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.ByteTokens;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Servers that take the whole model before each round, as SGLang does.
final class ServedModelTest {
    /// Answers as SGLang: its tokens tell which weights it has.
    private static final class Sglang implements AutoCloseable {
        final List<JsonNode> updates = Collections.synchronizedList(new ArrayList<>());
        final List<String> models = Collections.synchronizedList(new ArrayList<>());
        private final HttpServer server;
        private volatile String version = "default";
        private volatile String refusal = "";
        private volatile boolean isStubborn; // says that it has loaded, and has not

        Sglang() throws IOException {
            server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", this::answer);
            server.start();
        }

        String url() {
            return "http://localhost:%d/v1".formatted(server.getAddress().getPort());
        }

        private void answer(HttpExchange exchange) throws IOException {
            try (exchange) {
                String sent =
                        new String(
                                exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                String path = exchange.getRequestURI().getPath();
                String reply =
                        switch (path) {
                            case "/update_weights_from_disk" -> update(Json.tree(sent));
                            case "/v1/completions" -> complete(Json.tree(sent));
                            default -> "";
                        };
                byte[] body = reply.getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(reply.isEmpty() ? 404 : 200, Math.max(1, body.length));
                exchange.getResponseBody().write(body.length == 0 ? new byte[1] : body);
            }
        }

        private String update(JsonNode request) {
            updates.add(request);
            if (!refusal.isEmpty()) {
                return "{\"success\": false, \"message\": \"%s\"}".formatted(refusal);
            }
            version = isStubborn ? version : request.get("weight_version").asText();
            return "{\"success\": true, \"message\": \"Succeeded\", \"num_paused_requests\": 0}";
        }

        private String complete(JsonNode request) {
            models.add(request.get("model").asText());
            int last = version.charAt(version.length() - 1);
            return """
            {"choices": [{"text": "", "finish_reason": "length", "token_ids": [%d, %d],
              "logprobs": {"token_logprobs": [-0.5, -0.5]}}],
             "metadata": {"weight_version": "%s"}}
            """
                    .formatted(last, request.get("prompt").get(0).asInt(), version);
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    private final List<String> discarded = new ArrayList<>();

    private ServerRollouts rollouts(Sglang server) {
        WeightVersions versions =
                new WeightVersions() {
                    @Override
                    public ServedWeights write(long round) {
                        return new ServedWeights("run-" + round, Path.of("/m/run-" + round), true);
                    }

                    @Override
                    public void discard(ServedWeights adapter) {
                        discarded.add(adapter.name());
                    }
                };
        return new ServerRollouts(
                new ServerRollouts.Connection(
                        server.url(),
                        "base",
                        Duration.ofSeconds(30),
                        1,
                        Optional.empty(),
                        Duration.ofMillis(1)),
                SamplingConfig.of(Distribution.plain(), 5, Set.of(ByteTokens.EOS), 3),
                new ByteTokens(),
                Optional.of(versions));
    }

    private static void requireOf(char round, ServerRollouts rollouts, long number) {
        List<RolloutPrompt> prompts =
                List.of(RolloutPrompt.of(0, new int[] {65}), RolloutPrompt.of(1, new int[] {66}));
        List<SampledCompletion> completions = rollouts.complete(prompts, number);
        for (int i = 0; i < 2; i++) {
            assertEquals(round, completions.get(i).ids()[0]);
            assertEquals(65 + i, completions.get(i).ids()[1]);
        }
    }

    @Test
    void eachRoundIsWrittenByItsOwnWeights() throws IOException {
        try (Sglang server = new Sglang()) {
            try (ServerRollouts rollouts = rollouts(server)) {
                rollouts.beginRound(0);
                requireOf('0', rollouts, 0);
                rollouts.beginRound(1);
                requireOf('1', rollouts, 1);
                assertEquals(List.of("run-0"), discarded);
            }
            assertEquals(List.of("run-0", "run-1"), discarded);
            assertEquals(2, server.updates.size());
            JsonNode first = server.updates.getFirst();
            assertEquals("/m/run-0", first.get("model_path").asText());
            assertEquals("run-0", first.get("weight_version").asText());
            assertTrue(first.get("flush_cache").asBoolean());
            assertEquals(Set.of("base"), Set.copyOf(server.models));
        }
    }

    @Test
    void aServerThatWasStartedAnewGetsTheModelAgain() throws IOException {
        try (Sglang server = new Sglang();
                ServerRollouts rollouts = rollouts(server)) {
            rollouts.beginRound(0);
            server.version = "default";
            requireOf('0', rollouts, 0);
            assertEquals(2, server.updates.size());
            server.version = "default";
            server.isStubborn = true;
            String message =
                    assertThrows(RolloutException.class, () -> requireOf('0', rollouts, 0))
                            .getMessage();
            assertTrue(
                    message.contains(
                            "answers with the weights \"default\" after it has loaded \"run-0\""),
                    message);
        }
    }

    @Test
    void weightsThatAServerDoesNotTakeEndTheRun() throws IOException {
        try (Sglang server = new Sglang();
                ServerRollouts rollouts = rollouts(server)) {
            server.refusal = "Failed to get weights iterator";
            String message =
                    assertThrows(RolloutException.class, () -> rollouts.beginRound(0)).getMessage();
            assertTrue(message.contains("/update_weights_from_disk didn't load"), message);
            assertTrue(message.contains("Failed to get weights iterator"), message);
            assertTrue(message.contains("same path as here"), message);
        }
    }
}
