package org.attune.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.function.IntFunction;
import java.util.function.IntSupplier;

/// Writes the rows of a benchmark: the first 64 of LLaMA-Factory's demonstration sets as
/// conversations, sums as prompts, or random words of exact lengths.
final class BenchData {
    /// Rows that steps choose from.
    static final int ROWS = 64;

    /// A token each in usual vocabularies.
    private static final String[] ENGLISH = {
        "the", "of", "and", "to", "in", "is", "was", "for", "on", "are", "with", "as", "by", "at",
        "from", "have", "this", "not", "but", "had", "we", "can", "out", "other", "were", "all",
        "there", "when", "up", "use", "how", "said", "an", "each", "she", "which", "time", "if"
    };

    private BenchData() {}

    /// The task's rows.
    ///
    /// @param vocabulary of a random model; 0: English words
    /// @return a file in `folder`
    static Path write(BenchSpec spec, int vocabulary, Path folder) {
        List<ObjectNode> rows =
                switch (spec.task()) {
                    case SFT -> spec.data().isPresent() ? alpaca(spec) : random(spec, vocabulary);
                    case DPO -> spec.data().isPresent() ? pairs(spec) : random(spec, vocabulary);
                    case GRPO -> vocabulary > 0 ? random(spec, vocabulary) : sums();
                    case GENERATE, PREFILL -> List.of();
                };
        Path file = folder.resolve("rows.jsonl");
        var text = new StringBuilder();
        rows.forEach(row -> text.append(row).append('\n'));
        try {
            AtomicFile.writeText(file, text.toString());
        } catch (IOException e) {
            throw new DatasetException(file + " can't be written: " + e, e);
        }
        return file;
    }

    private static List<ObjectNode> alpaca(BenchSpec spec) {
        List<ObjectNode> rows = new ArrayList<>();
        for (JsonNode given : read(spec, "alpaca_en_demo.json")) {
            String input = given.path("input").asText();
            String asked = given.path("instruction").asText();
            ObjectNode row = Json.object();
            say(row, "prompt", "user", input.isEmpty() ? asked : asked + "\n" + input);
            say(row, "completion", "assistant", given.path("output").asText());
            rows.add(row);
        }
        return rows;
    }

    private static List<ObjectNode> pairs(BenchSpec spec) {
        List<ObjectNode> rows = new ArrayList<>();
        for (JsonNode given : read(spec, "dpo_en_demo.json")) {
            ObjectNode row = Json.object();
            ArrayNode prompt = row.putArray("prompt");
            for (JsonNode turn : given.path("conversations")) {
                String from = turn.path("from").asText();
                prompt.addObject()
                        .put(
                                "role",
                                switch (from) {
                                    case "human" -> "user";
                                    case "gpt" -> "assistant";
                                    default -> from;
                                })
                        .put("content", turn.path("value").asText());
            }
            say(row, "chosen", "assistant", given.path("chosen").path("value").asText());
            say(row, "rejected", "assistant", given.path("rejected").path("value").asText());
            rows.add(row);
        }
        return rows;
    }

    private static void say(ObjectNode row, String column, String role, String content) {
        row.putArray(column).addObject().put("role", role).put("content", content);
    }

    private static List<JsonNode> read(BenchSpec spec, String name) {
        Path file = spec.data().orElseThrow().resolve(name);
        if (!Files.isReadable(file)) {
            throw new DatasetException(
                    ("--data: %s is no readable file; give the folder of LLaMA-Factory's"
                                    + " demonstration data, or leave --data out for random words")
                            .formatted(file));
        }
        try {
            JsonNode all = Json.MAPPER.readTree(file.toFile());
            List<JsonNode> rows = new ArrayList<>();
            for (int i = 0; i < Math.min(ROWS, all.size()); i++) {
                rows.add(all.get(i));
            }
            return rows;
        } catch (IOException e) {
            throw new DatasetException(file + " can't be read: " + e, e);
        }
    }

    /// Additions with `answer`, as conversations of about 50 tokens.
    private static List<ObjectNode> sums() {
        List<ObjectNode> rows = new ArrayList<>();
        for (int i = 0; i < ROWS; i++) {
            String asked =
                    "Anna owns %d pens and is given %d more. How many pens does she own in the end?"
                            .formatted(i + 4, 2 * i + 3);
            ObjectNode row = Json.object();
            say(row, "prompt", "user", asked);
            rows.add(row.put("answer", "" + (3 * i + 7)));
        }
        return rows;
    }

    /// Rows of equal lengths; an end-of-text token closes each.
    private static List<ObjectNode> random(BenchSpec spec, int vocabulary) {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(2L);
        IntFunction<String> words = vocabulary > 0 ? id -> "w" + id : id -> ENGLISH[id];
        int first = vocabulary > 0 ? SyntheticModel.FIRST_WORD : 0;
        int end = vocabulary > 0 ? vocabulary : ENGLISH.length;
        IntSupplier next = () -> random.nextInt(first, end);
        int rest = spec.length() - spec.prompt() - 1;
        int count = Math.max(ROWS, spec.rows());
        List<ObjectNode> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ObjectNode row = Json.object();
            row.put("prompt", text(words, next, spec.prompt()));
            switch (spec.task()) {
                case SFT -> row.put("completion", " " + text(words, next, rest));
                case DPO ->
                        row.put("chosen", " " + text(words, next, rest))
                                .put("rejected", " " + text(words, next, rest));
                case GRPO -> row.put("answer", words.apply(next.getAsInt()));
                case GENERATE, PREFILL -> {}
            }
            rows.add(row);
        }
        return rows;
    }

    private static String text(IntFunction<String> words, IntSupplier next, int count) {
        var text = new StringJoiner(" ");
        for (int i = 0; i < count; i++) {
            text.add(words.apply(next.getAsInt()));
        }
        return text.toString();
    }
}
