package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;

import org.attune.cli.Main;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// `attune sample` on the embedded model, and methods that train on what it writes.
final class SampleTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PROMPTS = 40; // three blocks of sixteen

    @TempDir Path folder;
    private Path prompts;

    private static Path example(String name) {
        return Path.of(System.getProperty("attune.root", ".."), "examples", name);
    }

    @BeforeEach
    void writePrompts() throws IOException {
        List<String> lines = Files.readAllLines(example("quickstart/prompts.jsonl"));
        prompts = Files.write(folder.resolve("prompts.jsonl"), lines.subList(0, PROMPTS));
    }

    private int sample(String output, String... more) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "sample",
                                example("quickstart/sample.yaml").toString(),
                                "datasets=" + prompts,
                                "output_file=" + folder.resolve(output),
                                "samples_file=" + folder.resolve("samples.jsonl")));
        arguments.addAll(List.of(more));
        return Main.run(arguments.toArray(String[]::new));
    }

    private int train(String method, String recipe, String data) {
        return Main.run(
                method,
                example(recipe).toString(),
                "datasets=" + folder.resolve(data),
                "eval_datasets=null",
                "output_dir=" + folder.resolve(method),
                "max_steps=2");
    }

    private List<JsonNode> rows(String file) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(file))) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }

    @Tag("thorough")
    @Test
    void rightAnswersAreLearntBySftAndPairsByDpo() throws IOException {
        assertEquals(0, sample("kept.jsonl"));
        List<JsonNode> kept = rows("kept.jsonl");
        assertTrue(kept.size() > 10 && kept.size() <= PROMPTS, "kept " + kept.size());
        for (JsonNode row : kept) {
            String digits = row.at("/prompt/0/content").asText().replaceAll("\\D", "");
            String answer = row.at("/completion/0/content").asText().replaceAll("\\D", "");
            assertEquals(digits.chars().sorted().boxed().toList(), answer.chars().boxed().toList());
            assertEquals(1.0, row.path("reward").asDouble());
        }
        assertEquals(0, train("sft", "quickstart/rejection-sft.yaml", "kept.jsonl"));

        // Another choice from the same completions, in Parquet.
        String[] pairs = {"keep=pairs", "reward_threshold=null", "keep_per_prompt=1"};
        byte[] samples = Files.readAllBytes(folder.resolve("samples.jsonl"));
        assertEquals(0, sample("pairs.parquet", pairs));
        assertEquals(-1, Files.mismatch(folder.resolve("samples.jsonl"), write(samples)));
        List<Row> read = RowFiles.readAll(folder.resolve("pairs.parquet"));
        assertEquals(1.0, read.getFirst().columns().get("score_chosen"));
        assertEquals(0.0, read.getFirst().columns().get("score_rejected"));
        assertEquals(0, train("dpo", "quickstart/dpo.yaml", "pairs.parquet"));

        assertEquals(0, sample("labelled.jsonl", "keep=labelled", "keep_per_prompt=null"));
        assertEquals(
                0,
                train(
                        "bco",
                        "recipes/smollm2-bco.yaml",
                        "labelled.jsonl",
                        List.of("model_name_or_path=" + example("model"), "test_split_size=null")));
    }

    private int train(String method, String recipe, String data, List<String> more) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                example(recipe).toString(),
                                "datasets=" + folder.resolve(data),
                                "output_dir=" + folder.resolve(method),
                                "max_steps=2"));
        arguments.addAll(more);
        return Main.run(arguments.toArray(String[]::new));
    }

    private Path write(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("before"), bytes);
    }

    @Tag("thorough")
    @Test
    void anInterruptedRunEndsWithTheSameFile() throws IOException {
        assertEquals(0, sample("whole.jsonl"));
        Path samples = folder.resolve("samples.jsonl");
        List<String> whole = Files.readAllLines(samples);
        String meta = "samples.jsonl.meta.json";
        for (int lines : new int[] {0, 7, 33}) { // as a kill leaves them, in the midst of one
            String cut = String.join("\n", whole.subList(0, lines));
            Files.writeString(samples, cut + (lines == 0 ? "" : "\n") + "{\"completions\": [\"2 8");
            assertEquals(0, sample("again.jsonl"), meta);
            assertEquals(whole, Files.readAllLines(samples), lines + " lines");
            assertEquals(
                    -1,
                    Files.mismatch(folder.resolve("whole.jsonl"), folder.resolve("again.jsonl")));
        }
    }

    @Test
    void otherSettingsThanThoseOfTheSamplesAreRefused() throws IOException {
        assertEquals(0, sample("a.jsonl", "num_generations=2", "max_completion_length=9"));
        assertEquals(2, sample("a.jsonl", "num_generations=3", "max_completion_length=9"));
        assertEquals(2, sample("a.jsonl", "num_generation=2"), "an unknown key");
        Files.delete(folder.resolve("samples.jsonl"));
        assertEquals(2, sample("a.jsonl"), "a file that cannot be made again");
    }

    @Test
    void aTeachersAnswersBecomeConversations() throws IOException {
        String[] teacher = {
            "reward_funcs=[]",
            "keep=all",
            "reward_threshold=null",
            "num_generations=1",
            "temperature=0",
            "row_form=messages",
            "keep_columns=[answer]",
            "drop_truncated=false"
        };
        assertEquals(0, sample("teacher.jsonl", teacher));
        List<JsonNode> rows = rows("teacher.jsonl");
        assertEquals(PROMPTS, rows.size());
        JsonNode first = rows.getFirst();
        assertEquals("assistant", first.at("/messages/1/role").asText());
        assertEquals("2 5 7 8", first.path("answer").asText());
        assertTrue(first.path("reward").isMissingNode(), first.toString());
    }

    @Test
    void aServerCompletes() throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/v1/completions",
                exchange -> {
                    try (exchange) {
                        long seed = JSON.readTree(exchange.getRequestBody()).get("seed").asLong();
                        String body =
                                "{\"choices\": [{\"text\": \"%d\", \"finish_reason\": \"stop\"}]}"
                                        .formatted(Math.floorMod(seed, 10));
                        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
                        exchange.sendResponseHeaders(200, bytes.length);
                        exchange.getResponseBody().write(bytes);
                    }
                });
        server.start();
        try {
            String address = "http://localhost:" + server.getAddress().getPort() + "/v1";
            String[] more = {
                "rollout_server_base_url=" + address,
                "rollout_server_model=teacher",
                "reward_funcs={name: regex, pattern: '[02468]'}",
                "keep=best",
                "keep_per_prompt=1"
            };
            assertEquals(0, sample("served.jsonl", more));
        } finally {
            server.stop(0);
        }
        List<JsonNode> rows = rows("served.jsonl");
        assertEquals(PROMPTS, rows.size());
        assertNotEquals(0, rows.getFirst().at("/completion/0/content").asText().length());
    }
}
