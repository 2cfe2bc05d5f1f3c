package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterFolder;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.testing.LoraServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/// A run whose completions a server makes; on a model of the embedded model's form.
final class RolloutServerTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir Path folder;

    private final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());

    /// Says some of the digits' tokens, which follow from the seed.
    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            JsonNode request = JSON.readTree(exchange.getRequestBody());
            requests.add(request);
            long token = 48 + request.get("seed").asLong() % 10;
            byte[] body =
                    """
                    {"choices": [{"text": "", "token_ids": [%d, %d], "finish_reason": "length"}]}\
                    """
                            .formatted(token, token)
                            .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private Path writeRun(Path model, Path data, String server, boolean usePeft)
            throws IOException {
        String text =
                """
                model_name_or_path: %s
                datasets: %s
                test_split_size: 4
                output_dir: %s
                %s
                record_rollouts: %s
                reward_funcs: {name: regex, pattern: '[02468]'}
                use_peft: %s
                dtype: float32
                num_generations: 4
                max_completion_length: 6
                per_device_train_batch_size: 8
                max_steps: 2
                logging_steps: 1
                save_strategy: "no"
                """;
        return Files.writeString(
                folder.resolve("run.yaml"),
                text.formatted(
                        model,
                        data,
                        folder.resolve("out"),
                        server,
                        folder.resolve("record.jsonl"),
                        usePeft));
    }

    private Path run(String server) throws IOException {
        return run(server, true);
    }

    private Path run(String server, boolean usePeft) throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            rows.add("{\"prompt\": \"Write %d\", \"answer\": \"%d\"}".formatted(i, i));
        }
        return writeRun(model, Files.write(folder.resolve("rows.jsonl"), rows), server, usePeft);
    }

    private static int hash(Path file) {
        try {
            return Arrays.hashCode(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Two servers share the prompts; the adapter is whole, and another one in each round.
    @Test
    void serversGetTheAdapterBeforeEachRound() throws IOException {
        List<String> checksums = Collections.synchronizedList(new ArrayList<>());
        LoraServer.Writer digits =
                (adapter, request) -> {
                    try (var open = AdapterFolder.open(adapter)) {
                        Path weights = adapter.resolve("adapter_model.safetensors");
                        checksums.add(hash(weights) + " " + open.targets().size());
                    }
                    int token = 48 + (int) (request.get("seed").asLong() % 10);
                    return new int[] {token, token};
                };
        Path shelf = folder.resolve("shelf");
        try (var one = new LoraServer("base", 16, digits);
                var two = new LoraServer("base", 16, digits)) {
            Path yaml =
                    run(
                            """
                            rollout_server_base_url: [%s, %s]
                            rollout_server_adapter_dir: %s\
                            """
                                    .formatted(one.url(), two.url(), shelf));
            assertEquals(0, Main.run("grpo", yaml.toString()));
            assertEquals(16, one.completions().size() + two.completions().size());
            assertEquals(4, one.said().size(), one.said()::toString);
            assertTrue(one.said().getFirst().startsWith("load out-0-"), one.said()::toString);
            assertEquals(List.of(), two.adapters());
        }
        assertEquals(2, checksums.stream().distinct().count(), checksums::toString);
        try (Stream<Path> left = Files.list(shelf)) {
            assertEquals(0, left.count());
        }
        JsonNode card = JSON.readTree(folder.resolve("out/run.json").toFile());
        assertEquals(
                "importance sampling, sequence_mask, up to 3.0",
                card.at("/facts/off_policy_correction").asText());
        String metrics = Files.readString(folder.resolve("out/metrics.jsonl"));
        assertTrue(metrics.contains("sampling/importance_sampling_ratio/mean"), metrics);
    }

    /// A server that takes whole models as SGLang does; each round has other weights.
    @Test
    void serversGetTheWholeModelBeforeEachRound() throws IOException {
        List<String> updates = Collections.synchronizedList(new ArrayList<>());
        List<Integer> hashes = Collections.synchronizedList(new ArrayList<>());
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/completions", this::answer);
        server.createContext(
                "/update_weights_from_disk",
                exchange -> {
                    try (exchange) {
                        JsonNode request = JSON.readTree(exchange.getRequestBody());
                        Path model = Path.of(request.get("model_path").asText());
                        assertTrue(Files.exists(model.resolve("config.json")));
                        assertTrue(Files.exists(model.resolve("tokenizer.json")));
                        hashes.add(hash(model.resolve("model.safetensors")));
                        updates.add(request.get("weight_version").asText());
                        byte[] body = "{\"success\": true}".getBytes(StandardCharsets.UTF_8);
                        exchange.sendResponseHeaders(200, body.length);
                        exchange.getResponseBody().write(body);
                    }
                });
        server.start();
        Path shelf = folder.resolve("shelf");
        try {
            String text =
                    """
                    rollout_server_base_url: http://localhost:%d/v1
                    rollout_server_model: served
                    rollout_server_adapter_dir: %s\
                    """
                            .formatted(server.getAddress().getPort(), shelf);
            assertEquals(0, Main.run("grpo", run(text, false).toString()));
        } finally {
            server.stop(0);
        }
        assertEquals(2 * 8, requests.size());
        assertTrue(updates.getFirst().startsWith("served-0-"), updates::toString);
        assertTrue(updates.get(1).startsWith("served-1-"), updates::toString);
        assertEquals(2, hashes.stream().distinct().count(), () -> updates + " " + hashes);
        try (Stream<Path> left = Files.list(shelf)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void trainingPromptsGoToTheServerAndHeldOutOnesToThePolicy() throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/completions", this::answer);
        server.start();
        try {
            assertEquals(
                    0,
                    Main.run(
                            "grpo",
                            run("""
                            rollout_server_base_url: http://localhost:%d/v1
                            rollout_server_model: served\
                            """
                                            .formatted(server.getAddress().getPort()))
                                    .toString()));
        } finally {
            server.stop(0);
        }
        assertEquals(2 * 8, requests.size());
        assertTrue(requests.stream().allMatch(r -> r.get("model").asText().equals("served")));
        JsonNode summary = JSON.readTree(folder.resolve("out/summary.json").toFile());
        assertEquals(4, summary.at("/heldout/n").asInt());
        List<String> recorded = Files.readAllLines(folder.resolve("record.jsonl"));
        assertEquals(16, recorded.size());
        JsonNode first = JSON.readTree(recorded.getFirst());
        assertEquals(2, first.get("completion_ids").size());
        assertTrue(first.get("sampling_logprobs").get(0).isNull(), "the server told none");
    }
}
