package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.model.config.ScoreKind;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.models.ScorerPurpose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Embeddings and labels. What sentence-transformers says was recorded
/// (`src/test/recorded/make_sentences.py`).
class HeadsTest {
    private static final String POOLED =
            "{\"embedding_dimension\": 192, \"pooling_mode\": \"%s\", \"include_prompt\": true}";
    private static final String LENGTH = "\"max_seq_length\": 48";

    @TempDir static Path folder;

    private static JsonNode recorded;

    @BeforeAll
    static void write() throws IOException {
        recorded =
                AskedServer.tree(
                        Files.readString(Path.of("src/test/resources/recorded/sentences.json")));
        sentences("mean", "mean", LENGTH);
        sentences("lasttoken", "lasttoken", LENGTH);
        sentences("messages", "lasttoken", LENGTH + ", \"modality_config\": {\"message\": {}}");
        RandomModels.scorer(
                folder.resolve("classes"), new ScorerPurpose(ScoreKind.SEQUENCE, 3, "3 labels"));
        RandomModels.scorer(
                folder.resolve("words"), new ScorerPurpose(ScoreKind.TOKEN, 2, "2 labels"));
        Path config = folder.resolve("words/config.json");
        Files.writeString(
                config,
                Files.readString(config)
                        .replaceFirst("\\{", "{\"problem_type\": \"single_label_classification\",")
                        .replace("LABEL_1", "B-NUM"));
    }

    /// The embedded model as sentence-transformers writes one: without an output layer and without
    /// the trunk's name.
    private static void sentences(String name, String pooling, String lengths) throws IOException {
        Path to = Files.createDirectories(folder.resolve(name).resolve("1_Pooling")).getParent();
        try (Stream<Path> files = Files.list(AskedServer.MODEL)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        Path weights = to.resolve("model.safetensors");
        Files.write(weights, bare(Files.readAllBytes(weights)));
        Files.writeString(to.resolve("1_Pooling/config.json"), POOLED.formatted(pooling));
        Files.writeString(to.resolve("sentence_bert_config.json"), "{" + lengths + "}");
        Files.writeString(
                to.resolve("config_sentence_transformers.json"),
                "{\"prompts\": {\"query\": \"Find: \"}}");
        Files.writeString(
                to.resolve("modules.json"),
                "[{\"path\": \"\", \"type\": \"s.Transformer\"},"
                        + "{\"path\": \"1_Pooling\", \"type\": \"s.Pooling\"},"
                        + "{\"path\": \"2_Normalize\", \"type\": \"s.Normalize\"}]");
    }

    private static byte[] bare(byte[] file) {
        int length = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt();
        String head = new String(file, 8, length, StandardCharsets.UTF_8);
        String bare = head.replace("\"model.", "\"");
        assertNotEquals(head, bare);
        byte[] padded =
                (bare + " ".repeat(length - bare.length())).getBytes(StandardCharsets.UTF_8);
        System.arraycopy(padded, 0, file, 8, length);
        return file;
    }

    private static AskedServer server(String name) {
        ModelConfig model = ModelConfig.of(folder.resolve(name).toString());
        return new AskedServer(c -> c.withModel(model.withDtype(DtypeChoice.FLOAT32)));
    }

    private static String body(Object input, String keys) {
        return "{\"input\":%s,\"truncate_prompt_tokens\":-1%s}".formatted(Json.write(input), keys);
    }

    @Test
    void vectorsAreThoseOfSentenceTransformers() {
        for (String name : List.of("mean", "lasttoken", "messages")) {
            try (var server = server(name)) {
                List<String> texts = new ArrayList<>();
                recorded.path("texts").forEach(text -> texts.add(text.asText()));
                JsonNode plain = server.ask("/v1/embeddings", body(texts, ""));
                assertVectors(recorded.at("/" + name + "/plain"), plain.path("data"));
                JsonNode query =
                        server.ask("/v1/embeddings", body(texts, ",\"prompt_name\":\"query\""));
                assertVectors(recorded.at("/" + name + "/query"), query.path("data"));
                for (int i = 0; i < texts.size(); i++) {
                    JsonNode one = server.ask("/v1/embeddings", body(texts.get(i), ""));
                    assertClose(plain.at("/data/" + i + "/embedding"), one.at("/data/0/embedding"));
                }
            }
        }
    }

    private static void assertVectors(JsonNode expected, JsonNode data) {
        assertEquals(4, data.size());
        for (int i = 0; i < data.size(); i++) {
            assertEquals(192, data.at("/" + i + "/embedding").size());
            for (int k = 0; k < expected.path(i).size(); k++) {
                assertEquals(
                        expected.path(i).path(k).asDouble(),
                        data.at("/" + i + "/embedding/" + k).asDouble(),
                        2e-6,
                        i + ", " + k);
            }
        }
    }

    private static void assertClose(JsonNode expected, JsonNode got) {
        for (int k = 0; k < expected.size(); k++) {
            assertEquals(expected.path(k).asDouble(), got.path(k).asDouble(), 2e-6, "" + k);
        }
    }

    @Test
    void tokensDimensionsAndBase64AreAsAskedFor() {
        try (var server = server("lasttoken")) {
            JsonNode text = server.ask("/v1/embeddings", body("Sort ascending: 9", ""));
            assertEquals(17, text.at("/usage/total_tokens").asInt());
            assertEquals(2, text.path("usage").size());
            JsonNode tokens = server.ask("/tokenize", "{\"prompt\":\"Sort ascending: 9\"}");
            String ids = tokens.path("tokens").toString();
            JsonNode byIds =
                    server.ask("/v1/embeddings", "{\"input\":[%s,%s]}".formatted(ids, ids));
            assertClose(text.at("/data/0/embedding"), byIds.at("/data/1/embedding"));
            JsonNode few =
                    server.ask(
                            "/v1/embeddings",
                            "{\"input\":%s,\"dimensions\":3,\"encoding_format\":\"base64\"}"
                                    .formatted(ids));
            ByteBuffer bytes =
                    ByteBuffer.wrap(
                                    Base64.getDecoder()
                                            .decode(few.at("/data/0/embedding").asText()))
                            .order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(12, bytes.remaining());
            double length = 0;
            for (int k = 0; k < 3; k++) {
                double x = text.at("/data/0/embedding/" + k).asDouble();
                length += x * x;
            }
            for (int k = 0; k < 3; k++) {
                double x = text.at("/data/0/embedding/" + k).asDouble();
                assertEquals(x / Math.sqrt(length), bytes.getFloat(), 1e-5);
            }
            assertTrue(server.metric("prompt_tokens_total") >= 4 * 17);
        }
    }

    @Test
    void textsHaveLabelsWithProbabilities() {
        try (var server = server("classes")) {
            String input = "{\"input\":[\"Sort ascending: 9\",\"abc\"]";
            JsonNode judged = server.ask("/classify", input + "}").path("data");
            JsonNode raw =
                    server.ask("/v1/classify", input + ",\"use_activation\":false}").path("data");
            assertEquals(2, judged.size());
            for (int i = 0; i < 2; i++) {
                double sum = 0;
                int best = 0;
                for (int c = 0; c < 3; c++) {
                    sum += Math.exp(raw.at("/" + i + "/probs/" + c).asDouble());
                    best =
                            raw.at("/" + i + "/probs/" + c).asDouble()
                                            > raw.at("/" + i + "/probs/" + best).asDouble()
                                    ? c
                                    : best;
                }
                for (int c = 0; c < 3; c++) {
                    assertEquals(
                            Math.exp(raw.at("/" + i + "/probs/" + c).asDouble()) / sum,
                            judged.at("/" + i + "/probs/" + c).asDouble(),
                            1e-6);
                }
                assertEquals("LABEL_" + best, judged.at("/" + i + "/label").asText());
                assertEquals(3, judged.at("/" + i + "/num_classes").asInt());
            }
        }
    }

    @Test
    void wordsHaveLabels() {
        try (var server = server("words")) {
            JsonNode text = server.ask("/classify", "{\"input\":\"1 two  3\"}").at("/data/0/words");
            JsonNode list =
                    server.ask("/classify", "{\"input\":[[\"1\",\"two\",\"3\"]]}")
                            .at("/data/0/words");
            assertEquals(3, text.size());
            assertEquals(text.toString(), list.toString());
            assertTrue(List.of("LABEL_0", "B-NUM").contains(text.at("/0/label").asText()));
            assertEquals("two", text.at("/1/word").asText());
            refused(server, "/classify", "{\"input\":[[1]]}", "a list of its words");
            refused(server, "/v1/score", "{}", "is a classifier");
        }
    }

    /// An adapter that embeds stands on the weights of the model that chats.
    @Test
    void aModelThatChatsCanHaveAnEmbedderOnItsWeights() throws IOException {
        Path adapter = RandomModels.adapter(folder.resolve("adapter"), 3);
        for (String file :
                List.of("modules.json", "sentence_bert_config.json", "1_Pooling/config.json")) {
            Files.createDirectories(adapter.resolve(file).getParent());
            Files.copy(folder.resolve("mean").resolve(file), adapter.resolve(file));
        }
        try (var server =
                new AskedServer(
                        c ->
                                c.withAdapters(Map.of("vectors", adapter.toString()))
                                        .withName("base"))) {
            String chat = ",\"temperature\":0,\"max_tokens\":4";
            assertEquals(4, server.chat(chat).at("/usage/completion_tokens").asInt());
            JsonNode vector =
                    server.ask("/v1/embeddings", "{\"model\":\"vectors\",\"input\":\"abc\"}");
            assertEquals(192, vector.at("/data/0/embedding").size());
            refused(server, "/v1/embeddings", "{\"input\":\"abc\"}", "here: vectors");
            refused(server, "/v1/chat/completions", "{\"model\":\"vectors\"}", "makes embeddings");
        }
    }

    @Test
    void whatCannotBeAnsweredIsRefused() {
        try (var server = server("mean")) {
            String long48 = "a".repeat(49);
            refused(server, "/v1/embeddings", "{}", "\\\"input\\\" is missing");
            refused(server, "/v1/embeddings", "{\"input\":[\"\"]}", "text 1 has no tokens");
            refused(server, "/v1/embeddings", "{\"input\":\"" + long48 + "\"}", "up to 48; trunc");
            refused(server, "/v1/embeddings", "{\"input\":[999]}", "token ids from 0 to 259");
            refused(server, "/v1/embeddings", "{\"input\":\"a\",\"dimensions\":193}", "1 to 192");
            refused(server, "/v1/embeddings", body("a", ",\"encoding_format\":\"x\""), "base64");
            refused(server, "/v1/embeddings", body("a", ",\"prompt_name\":\"x\""), "query");
            refused(server, "/v1/embeddings", "{\"inputs\":\"a\"}", "did you mean");
            refused(server, "/classify", "{\"input\":\"a\"}", "attune classify");
        }
    }

    private static void refused(AskedServer server, String path, String body, String part) {
        HttpResponse<String> response = server.post(path, body);
        assertEquals(400, response.statusCode(), response.body());
        assertTrue(response.body().contains(part), response.body());
    }
}
