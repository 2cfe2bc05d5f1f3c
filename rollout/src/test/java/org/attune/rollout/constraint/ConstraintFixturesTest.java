package org.attune.rollout.constraint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.error.ConfigException;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.HfTokenizer;
import org.attune.text.SpecialTokens;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/// Masks against llguidance's for three tokenizers, and texts against independent judges.
@Tag("fixtures-engine")
final class ConstraintFixturesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /// Tokenizers by name, with their end token.
    static final Map<String, Integer> TOKENIZERS = Map.of("smollm2", 2, "qwen3", 151645, "spm", 2);

    private static final Map<String, TokenTrie> TRIES = new ConcurrentHashMap<>();

    /// Where llguidance's masks aren't what the constraint says, and ours are.
    private static final Map<String, String> OTHERWISE =
            Map.of(
                    "number/bignum_bounds/0", "its bounds end at 2^63",
                    "format/string_format/0", "it takes the year 0000 and 29 February of any year",
                    "format/format_in_object/0", "as above",
                    "format/format_in_object/1", "as above",
                    "format/string_format/1", "it takes leap seconds, which the judge refuses",
                    "format/string_format/2", "as above",
                    "gbnf/ambiguous", "it takes the longest terminal alone");

    @Test
    void regexes() throws IOException {
        Map<String, Constraint> made = new LinkedHashMap<>();
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode row : rows("regexes.jsonl")) {
                String id = row.get("id").asText();
                report.run(id, () -> regex(row, made));
            }
            masks("regex", made, report);
        }
    }

    private static void regex(JsonNode row, Map<String, Constraint> made) {
        if (!row.get("llguidance").get("ok").asBoolean()) {
            assertThrows(ConfigException.class, () -> Constraint.regex(row.get("regex").asText()));
            return;
        }
        Constraint constraint = Constraint.regex(row.get("regex").asText());
        made.put(row.get("id").asText(), constraint);
        for (JsonNode instance : row.get("instances")) {
            String text = instance.get("text").asText();
            assertEquals(instance.path("llguidance").asBoolean(), takes(constraint, text), text);
            if (instance.has("match")) {
                assertEquals(instance.get("match").asBoolean(), takes(constraint, text), text);
            }
        }
    }

    @Test
    void choices() throws IOException {
        Map<String, Constraint> made = new LinkedHashMap<>();
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode row : rows("choices.jsonl")) {
                List<String> choices = new ArrayList<>();
                row.get("choices").forEach(choice -> choices.add(choice.asText()));
                String id = row.get("id").asText();
                if (row.get("llguidance").get("ok").asBoolean()) {
                    made.put(id, Constraint.choice(choices));
                } else {
                    report.run(
                            id,
                            () ->
                                    assertThrows(
                                            ConfigException.class,
                                            () -> Constraint.choice(choices)));
                }
            }
            masks("choice", made, report);
        }
    }

    @Test
    void grammars() throws IOException {
        Map<String, Constraint> made = new LinkedHashMap<>();
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode row : rows("grammars.jsonl")) {
                String id = row.get("id").asText();
                report.run(
                        id,
                        () -> {
                            Constraint constraint =
                                    row.has("gbnf")
                                            ? Constraint.gbnf(row.get("gbnf").asText())
                                            : Constraint.lark(row.get("lark").asText());
                            made.put(id, constraint);
                            if (row.get("llguidance").get("ok").asBoolean() && row.has("gbnf")) {
                                made.put(
                                        id + " in Lark", Constraint.lark(row.get("lark").asText()));
                            }
                        });
            }
            masks("grammar", made, report);
        }
    }

    @Test
    void schemas() throws IOException {
        Map<String, Constraint> made = new LinkedHashMap<>();
        List<String> refused = new ArrayList<>();
        try (var report = new CaseReport("fixtures-engine", getClass())) {
            for (JsonNode row : rows("schemas.jsonl")) {
                String id = row.get("id").asText();
                report.run(id, () -> schema(row, made, refused));
            }
            System.out.println(
                    refused.size() + " schemas are refused: " + String.join("; ", refused));
            assertEquals(61, refused.size());
            masks("schema", made, report);
        }
    }

    private static void schema(JsonNode row, Map<String, Constraint> made, List<String> refused) {
        String id = row.get("id").asText();
        boolean known = row.get("llguidance").get("ok").asBoolean();
        try {
            made.put(id, Constraint.jsonSchema(row.get("schema")));
        } catch (ConfigException e) {
            refused.add(id);
            // Its own reference: a schema that never says anything.
            assertTrue(!known || id.equals("ref/ref_refused/1"), e.getMessage());
            return;
        }
        List<String> wrong = new ArrayList<>();
        for (JsonNode instance : row.get("instances")) {
            String text = instance.get("text").asText();
            JsonNode valid =
                    instance.path("valid_with_format").isMissingNode()
                            ? instance.path("valid")
                            : instance.get("valid_with_format");
            boolean taken =
                    takes(made.get(id), text)
                            && new KeyScanner().push(text.getBytes(StandardCharsets.UTF_8));
            boolean must =
                    instance.path("llguidance").asBoolean()
                            && valid.asBoolean()
                            && !instance.path("duplicate_keys").asBoolean();
            boolean mayNot =
                    !instance.get("json").asBoolean()
                            || instance.path("duplicate_keys").asBoolean()
                            || valid.isBoolean() && !valid.asBoolean();
            if (must && !taken || mayNot && taken) {
                wrong.add((taken ? "takes " : "refuses ") + text);
            }
        }
        assertEquals(List.of(), wrong, () -> row.get("schema").toString());
    }

    static boolean takes(Constraint constraint, String text) {
        Automaton automaton = constraint.automaton();
        return automaton.takes(automaton.start(), text);
    }

    private static void masks(String kind, Map<String, Constraint> made, CaseReport report)
            throws IOException {
        for (String tokenizer : TOKENIZERS.keySet()) {
            if (Files.exists(folder().resolve(kind + "-" + tokenizer + ".jsonl"))) {
                masks(kind, tokenizer, made, report);
            }
        }
    }

    private static void masks(
            String kind, String name, Map<String, Constraint> made, CaseReport report)
            throws IOException {
        long start = System.nanoTime();
        TokenTrie trie = trie(name);
        long built = System.nanoTime();
        Map<String, TokenMasks> masks = new HashMap<>();
        int steps = 0;
        for (JsonNode row : rows(kind + "-" + name + ".jsonl")) {
            String id = row.get("id").asText();
            Constraint constraint = made.get(id);
            String label = name + " " + id + " " + row.get("path").asText();
            if (constraint == null) {
                report.unsupported(label);
                continue;
            }
            TokenMasks ours =
                    masks.computeIfAbsent(id, _ -> new TokenMasks(constraint.automaton(), trie));
            if (OTHERWISE.containsKey(id)) {
                report.unsupported(label + " (" + OTHERWISE.get(id) + ")");
                continue;
            }
            report.run(label, () -> follow(row, ours, constraint, trie));
            steps += row.get("steps").size();
        }
        System.out.printf(
                "%s %s: trie %d ms, %d masks in %d ms%n",
                kind,
                name,
                (built - start) / 1_000_000,
                steps,
                (System.nanoTime() - built) / 1_000_000);
    }

    private static void follow(
            JsonNode row, TokenMasks masks, Constraint constraint, TokenTrie trie) {
        Expr state = constraint.automaton().start();
        JsonNode steps = row.get("steps");
        for (int k = 0; k < steps.size(); k++) {
            BitSet mask = masks.allowed(state);
            JsonNode step = steps.get(k);
            String where = "step " + k + " of " + row.get("tokens");
            if (step.has("ids")) {
                int[] ids =
                        IntStream.range(0, step.get("ids").size())
                                .map(i -> step.get("ids").get(i).asInt())
                                .toArray();
                assertEquals(
                        Arrays.toString(ids),
                        Arrays.toString(mask.stream().limit(40).toArray()),
                        where);
            } else {
                assertEquals(step.get("n").asInt(), mask.cardinality(), where);
                assertEquals(step.get("h").asText(), hash(mask, trie.size()), where);
            }
            if (k < row.get("tokens").size()) {
                state = masks.after(state, trie.bytes(row.get("tokens").get(k).asInt()));
            }
        }
    }

    private static String hash(BitSet mask, int vocabulary) {
        byte[] bits = Arrays.copyOf(mask.toByteArray(), (vocabulary + 7) / 8);
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bits);
            return HexFormat.of().formatHex(hash).substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    static TokenTrie trie(String name) throws IOException {
        TokenTrie known = TRIES.get(name);
        if (known == null) {
            known = newTrie(name);
            TRIES.put(name, known);
        }
        return known;
    }

    private static TokenTrie newTrie(String name) throws IOException {
        Path file =
                name.equals("spm")
                        ? folder().resolve("tokenizers/spm/tokenizer.json")
                        : Fixtures.fixture("text/tokenizers/" + name + "/tokenizer.json");
        try (var tokenizer = HfTokenizer.of(name, Files.readString(file), SpecialTokens.none())) {
            return TokenTrie.of(tokenizer, Set.of(TOKENIZERS.get(name)));
        }
    }

    private static Path folder() {
        return Fixtures.fixture("constrained");
    }

    private static List<JsonNode> rows(String file) throws IOException {
        List<JsonNode> rows = new ArrayList<>();
        for (String line : Files.readAllLines(folder().resolve(file))) {
            rows.add(JSON.readTree(line));
        }
        return rows;
    }
}
