package org.attune.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.ModelException;

import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Token texts and ids of a tokenizer.
public final class Vocabulary {
    /// Every token is the name of a field: looking for each in a table of names is not worth it.
    private static final JsonFactory JSON =
            new JsonFactoryBuilder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build();

    private final Map<String, Integer> ids = new HashMap<>();
    private final List<String> addedTokens = new ArrayList<>();
    private String[] tokens = new String[0];

    private Vocabulary() {}

    /// @param tokens texts by id, no two equal
    /// @param addedTokens those that are cut out of a text before anything else
    public static Vocabulary of(List<String> tokens, List<String> addedTokens) {
        var vocabulary = new Vocabulary();
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.ids.put(tokens.get(id), id);
        }
        vocabulary.addedTokens.addAll(addedTokens);
        vocabulary.index();
        return vocabulary;
    }

    /// That of a `tokenizer.json`, in one pass, since the file is large.
    ///
    /// @throws ModelException if the text isn't the JSON of a tokenizer
    static Vocabulary read(String name, String json) {
        var vocabulary = new Vocabulary();
        try (JsonParser parser = JSON.createParser(json)) {
            vocabulary.readFile(parser);
        } catch (IOException e) {
            throw new ModelException(name + " is not valid JSON: " + e.getMessage(), e);
        }
        if (vocabulary.ids.isEmpty()) {
            throw new ModelException(
                    name + " has no vocabulary (model.vocab); is it really a tokenizer.json?");
        }
        vocabulary.index();
        return vocabulary;
    }

    /// The text of the same tokenizer with an empty list of added tokens.
    static String withoutAddedTokens(String json) {
        var out = new StringWriter(json.length());
        try (JsonParser parser = JSON.createParser(json);
                JsonGenerator generator = JSON.createGenerator(out)) {
            parser.nextToken();
            generator.writeStartObject();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                generator.writeFieldName(field);
                parser.nextToken();
                if (field.equals("added_tokens")) {
                    parser.skipChildren();
                    generator.writeStartArray();
                    generator.writeEndArray();
                } else {
                    generator.copyCurrentStructure(parser);
                }
            }
            generator.writeEndObject();
        } catch (IOException e) {
            throw new ModelException("tokenizer.json is not valid JSON: " + e.getMessage(), e);
        }
        return out.toString();
    }

    private void readFile(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            return;
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("model") && value == JsonToken.START_OBJECT) {
                readModel(parser);
            } else if (field.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                while (parser.nextToken() == JsonToken.START_OBJECT) {
                    readAddedToken(parser);
                }
            } else {
                parser.skipChildren();
            }
        }
    }

    private void readModel(JsonParser parser) throws IOException {
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken value = parser.nextToken();
            if (field.equals("vocab") && value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String token = parser.currentName();
                    parser.nextToken();
                    ids.put(token, parser.getIntValue());
                }
            } else if (field.equals("vocab") && value == JsonToken.START_ARRAY) {
                readScoredTokens(parser);
            } else {
                parser.skipChildren();
            }
        }
    }

    /// Unigram models list `[token, score]` in the order of the ids.
    private void readScoredTokens(JsonParser parser) throws IOException {
        for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
            parser.nextToken();
            ids.put(parser.getText(), id);
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                parser.skipChildren();
            }
        }
    }

    private void readAddedToken(JsonParser parser) throws IOException {
        String content = "";
        int id = -1;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            parser.nextToken();
            switch (field) {
                case "content" -> content = parser.getText();
                case "id" -> id = parser.getIntValue();
                default -> parser.skipChildren();
            }
        }
        if (!content.isEmpty() && id >= 0) {
            ids.put(content, id);
            addedTokens.add(content);
        }
    }

    private void index() {
        int largest = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1);
        tokens = new String[largest + 1];
        ids.forEach((token, id) -> tokens[id] = token);
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// The token's text, or null.
    String token(int id) {
        return id >= 0 && id < tokens.length ? tokens[id] : null;
    }

    /// The largest id plus one.
    int size() {
        return tokens.length;
    }

    /// Texts of tokens that are cut out of a text before anything else: control tokens and the
    /// like.
    List<String> addedTokens() {
        return addedTokens;
    }
}
