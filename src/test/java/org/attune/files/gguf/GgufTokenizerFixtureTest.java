package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;
import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// Vocabularies converted from GGUF give the ids of the models' own tokenizers.
@Tag("fixtures-engine")
class GgufTokenizerFixtureTest {
    @Test
    void givesTheIdsOfTheOriginalTokenizers() throws IOException {
        Path models = Fixtures.fixture("engine/gguf/models");
        try (var report = new CaseReport("fixtures-engine", getClass());
                Stream<Path> folders = Files.list(models)) {
            for (Path folder : folders.sorted().toList()) {
                JsonNode expected = JsonFields.read(folder.resolve("expected.json")).toNode();
                try (Stream<Path> files = Files.list(folder)) {
                    for (Path file :
                            files.filter(f -> f.toString().endsWith(".gguf")).sorted().toList()) {
                        report.run(
                                folder.getFileName() + "/" + file.getFileName(),
                                () -> compareTokens(file, expected));
                    }
                }
            }
            originalTokenizers(report);
        }
    }

    private static void compareTokens(Path path, JsonNode expected) throws IOException {
        try (GgufFile file = GgufFile.open(path);
                HuggingFaceTokenizer tokenizer = load(GgufTokenizer.of(file.metadata()))) {
            for (var text : expected.get("tokens").properties()) {
                assertArrayEquals(
                        longs(text.getValue()),
                        tokenizer.encode(text.getKey(), false, false).getIds(),
                        text.getKey());
            }
        }
    }

    /// Published tokenizers, written as a GGUF vocabulary and converted back.
    private static void originalTokenizers(CaseReport report) throws IOException {
        Map<String, String> rules =
                Map.of("smollm2", "smollm", "qwen3", "qwen2", "llama3_1", "llama-bpe");
        Path root = Fixtures.fixture("text/tokenizers");
        try (Stream<Path> folders = Files.list(root)) {
            for (Path folder : folders.filter(Files::isDirectory).sorted().toList()) {
                String name = folder.getFileName().toString();
                if (rules.containsKey(name)) {
                    GgufMetadata metadata = asGguf(folder, rules.get(name));
                    Path cases = root.resolve(name + ".cases.jsonl");
                    report.run(name, () -> compareCases(metadata, cases));
                } else {
                    report.unsupported(name);
                }
            }
        }
    }

    static void compareCases(GgufMetadata metadata, Path cases) throws IOException {
        try (HuggingFaceTokenizer tokenizer = load(GgufTokenizer.of(metadata))) {
            // Not Files.lines: texts hold other line separators.
            for (String line : Files.readString(cases).split("\n")) {
                JsonNode row = Json.STRICT_WITH_NAN.readTree(line);
                String text = row.get("text").textValue();
                boolean ends = row.get("add_special_tokens").booleanValue();
                long[] ids = longs(row.get("ids"));
                assertArrayEquals(ids, tokenizer.encode(text, ends, false).getIds(), text);
                assertEquals(row.get("decoded").textValue(), tokenizer.decode(ids, false), text);
            }
        }
    }

    private static GgufMetadata asGguf(Path folder, String rule) throws IOException {
        JsonNode json =
                Json.STRICT_WITH_NAN.readTree(Files.readString(folder.resolve("tokenizer.json")));
        var tokens = new ArrayList<Object>();
        var types = new ArrayList<Object>();
        ((ObjectNode) json.get("model").get("vocab"))
                .properties()
                .forEach(t -> set(tokens, types, t.getValue().intValue(), t.getKey(), 1L));
        json.get("added_tokens")
                .forEach(
                        t ->
                                set(
                                        tokens,
                                        types,
                                        t.get("id").intValue(),
                                        t.get("content").textValue(),
                                        t.get("special").booleanValue() ? 3L : 4L));
        List<Object> merges =
                StreamSupport.stream(json.get("model").get("merges").spliterator(), false)
                        .map(GgufTokenizerFixtureTest::merge)
                        .toList();
        var values = new LinkedHashMap<String, Object>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", rule);
        values.put("tokenizer.ggml.tokens", tokens);
        values.put("tokenizer.ggml.token_type", types);
        values.put("tokenizer.ggml.merges", merges);
        if (tokens.contains("<|begin_of_text|>")) {
            values.put("tokenizer.ggml.bos_token_id", (long) tokens.indexOf("<|begin_of_text|>"));
        }
        return new GgufMetadata(folder.toString(), values);
    }

    private static Object merge(JsonNode merge) {
        return merge.isTextual()
                ? merge.textValue()
                : merge.get(0).textValue() + " " + merge.get(1).textValue();
    }

    private static void set(
            List<Object> tokens, List<Object> types, int id, String token, long type) {
        while (tokens.size() <= id) {
            types.add(5L);
            tokens.add("<unused " + tokens.size() + ">");
        }
        tokens.set(id, token);
        types.set(id, type);
    }

    static HuggingFaceTokenizer load(GgufTokenizer tokenizer) throws IOException {
        byte[] json = tokenizer.tokenizerJson().getBytes(StandardCharsets.UTF_8);
        return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), Map.of());
    }

    static long[] longs(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToLong(JsonNode::longValue)
                .toArray();
    }
}
