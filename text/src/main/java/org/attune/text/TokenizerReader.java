package org.attune.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;
import org.attune.json.Json;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Reads the tokens of a `tokenizer.json` in one pass, since the file is large. On the way it
/// checks what native code, which reads the file next, takes on trust.
final class TokenizerReader {
    /// Every token is the name of a field: looking for each in a table of names is not worth it.
    static final JsonFactory JSON =
            new JsonFactoryBuilder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

    private static final ObjectReader TREES =
            Json.MAPPER.reader().with(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

    private static final Set<String> PARTS =
            Set.of(
                    "normalizer",
                    "pre_tokenizer",
                    "post_processor",
                    "decoder",
                    "truncation",
                    "padding");

    /// Ids may have gaps, but a table of all of them must not be much larger than the file.
    private static final int SPARE_IDS = 1 << 16;

    private static final int IDS_A_TOKEN = 4;

    private final String name;
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<String, Integer> added = new LinkedHashMap<>();
    private final Map<String, JsonNode> parts = new LinkedHashMap<>();
    private String subwordPrefix = "";

    TokenizerReader(String name) {
        this.name = name;
    }

    /// @throws ModelException if the text isn't the JSON of a tokenizer, or can't be used
    Vocabulary read(String json) {
        try (JsonParser parser = JSON.createParser(json)) {
            readFile(parser);
        } catch (IOException e) {
            throw new ModelException(name + " is not valid JSON: " + Excerpt.of(e.getMessage()), e);
        }
        if (ids.isEmpty()) {
            throw new ModelException(
                    name + " has no vocabulary (model.vocab); is it really a tokenizer.json?");
        }
        requireAddedIds();
        ids.putAll(added);
        String[] tokens = byId();
        var check = new TokenizerParts(name, id -> id < tokens.length && tokens[id] != null);
        parts.forEach(check::check);
        if (!subwordPrefix.isEmpty()) {
            new MergePrefix(name, subwordPrefix).check(json);
        }
        return new Vocabulary(
                ids, List.copyOf(added.keySet()), tokens, TokenSpelling.of(parts.get("decoder")));
    }

    private void readFile(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return;
        }
        var seen = new HashSet<String>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = distinct(parser.currentName(), seen, "");
            JsonToken value = parser.nextToken();
            if (field.equals("model") && value == JsonToken.START_OBJECT) {
                readModel(parser);
            } else if (field.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    readAddedToken(parser);
                }
            } else if (PARTS.contains(field)) {
                parts.put(field, TREES.readTree(parser));
            } else {
                parser.skipChildren();
            }
        }
    }

    private void readModel(JsonParser parser) throws IOException {
        var seen = new HashSet<String>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = distinct(parser.currentName(), seen, "model.");
            JsonToken value = parser.nextToken();
            if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String token = parser.currentName();
                    parser.nextToken();
                    put(token, id(parser, token));
                }
            } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
                readScoredTokens(parser);
            } else if (field.equals("continuing_subword_prefix")
                    && value == JsonToken.VALUE_STRING) {
                subwordPrefix = parser.getText();
            } else {
                parser.skipChildren();
            }
        }
    }

    private String distinct(String field, Set<String> seen, String prefix) {
        if (!seen.add(field)) {
            throw new ModelException(
                    "%s: \"%s\" stands there twice".formatted(name, prefix + Excerpt.of(field)));
        }
        return field;
    }

    /// Unigram models list `[token, score]` in the order of the ids.
    private void readScoredTokens(JsonParser parser) throws IOException {
        for (int id = 0; parser.nextToken() != JsonToken.END_ARRAY; id++) {
            if (parser.currentToken() != JsonToken.START_ARRAY
                    || parser.nextToken() != JsonToken.VALUE_STRING) {
                throw new ModelException(
                        "%s: entry %d of model.vocab is no [token, score]".formatted(name, id));
            }
            put(parser.getText(), id);
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                parser.skipChildren();
            }
        }
    }

    private void put(String token, int id) {
        Integer other = ids.put(token, id);
        if (other != null) {
            throw new ModelException(
                    "%s: model.vocab has the token \"%s\" twice, with the ids %d and %d"
                            .formatted(name, Excerpt.of(token), other, id));
        }
    }

    private int id(JsonParser parser, String token) throws IOException {
        boolean fits =
                parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                        && parser.getNumberType() == JsonParser.NumberType.INT
                        && parser.getIntValue() >= 0;
        if (!fits) {
            throw new ModelException(
                    "%s: token \"%s\" has the id %s; accepted: integers from 0 to %d"
                            .formatted(
                                    name,
                                    Excerpt.of(token),
                                    Excerpt.of(parser.getText()),
                                    Integer.MAX_VALUE));
        }
        return parser.getIntValue();
    }

    private void readAddedToken(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw new ModelException(
                    name
                            + ": added_tokens has "
                            + Excerpt.of(parser.getText())
                            + "; accepted: objects");
        }
        JsonNode token = TREES.readTree(parser);
        JsonNode id = token.path("id");
        if (!token.path("content").isTextual()
                || !id.isIntegralNumber()
                || !id.canConvertToInt()
                || id.intValue() < 0) {
            throw new ModelException(
                    "%s: added_tokens has %s; accepted: {\"id\": from 0 on, \"content\": text, …}"
                            .formatted(name, Excerpt.of(token)));
        }
        String content = token.path("content").textValue();
        if (content.isEmpty()) {
            return; // native code passes over it, too
        }
        Integer other = added.put(content, id.intValue());
        if (other != null && other != id.intValue()) {
            throw new ModelException(
                    "%s: added_tokens has \"%s\" twice, with the ids %d and %d"
                            .formatted(name, Excerpt.of(content), other, id.intValue()));
        }
    }

    /// Native code doesn't read the ids of added tokens. It takes that of the vocabulary, or the
    /// next one behind all.
    private void requireAddedIds() {
        int largest = -1;
        for (Map.Entry<String, Integer> token : added.entrySet()) {
            int given = ids.getOrDefault(token.getKey(), Math.max(ids.size(), largest + 1));
            if (given != token.getValue()) {
                throw new ModelException(
                        ("%s: added_tokens gives \"%s\" the id %d, but encoding gives it %d; save"
                                        + " the tokenizer again with transformers'"
                                        + " save_pretrained")
                                .formatted(
                                        name, Excerpt.of(token.getKey()), token.getValue(), given));
            }
            largest = Math.max(largest, given);
        }
    }

    private String[] byId() {
        long most = (long) IDS_A_TOKEN * ids.size() + SPARE_IDS;
        int largest = 0;
        for (Map.Entry<String, Integer> token : ids.entrySet()) {
            if (token.getValue() >= most) {
                throw new ModelException(
                        "%s: token \"%s\" has the id %d; for %d tokens, ids below %d are accepted"
                                .formatted(
                                        name,
                                        Excerpt.of(token.getKey()),
                                        token.getValue(),
                                        ids.size(),
                                        most));
            }
            largest = Math.max(largest, token.getValue());
        }
        var tokens = new String[largest + 1];
        ids.forEach(
                (token, id) -> {
                    if (tokens[id] != null) {
                        throw new ModelException(
                                "%s: the tokens \"%s\" and \"%s\" have the same id, %d"
                                        .formatted(
                                                name,
                                                Excerpt.of(tokens[id]),
                                                Excerpt.of(token),
                                                id));
                    }
                    tokens[id] = token;
                });
        return tokens;
    }
}
