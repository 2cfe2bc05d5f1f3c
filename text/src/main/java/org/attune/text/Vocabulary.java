package org.attune.text;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.ModelException;

import java.io.IOException;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Token texts and ids of a tokenizer.
public final class Vocabulary {
    private final Map<String, Integer> ids;
    private final List<String> addedTokens;
    private final String[] tokens;
    private final TokenSpelling spelling;

    /// @param ids text → id, no two equal; owned by the vocabulary from now on
    /// @param addedTokens those that are cut out of a text before anything else
    /// @param tokens texts by id, null where there is none
    /// @param spelling of tokens that aren't added
    Vocabulary(
            Map<String, Integer> ids,
            List<String> addedTokens,
            String[] tokens,
            TokenSpelling spelling) {
        this.ids = ids;
        this.addedTokens = addedTokens;
        this.tokens = tokens;
        this.spelling = spelling;
    }

    /// @param tokens texts by id, no two equal
    /// @param addedTokens those that are cut out of a text before anything else
    /// @param isByteLevel whether each character of a token is a byte, as GPT-2 spells them; else
    ///     `▁` is a blank and `<0x0A>` a byte, as SentencePiece does
    public static Vocabulary of(
            List<String> tokens, List<String> addedTokens, boolean isByteLevel) {
        var ids = new HashMap<String, Integer>();
        for (int id = 0; id < tokens.size(); id++) {
            ids.put(tokens.get(id), id);
        }
        return new Vocabulary(
                ids,
                List.copyOf(addedTokens),
                tokens.toArray(String[]::new),
                isByteLevel ? TokenSpelling.BYTE_LEVEL : TokenSpelling.MARKED_BLANKS);
    }

    /// That of a `tokenizer.json`.
    ///
    /// @throws ModelException if the text isn't the JSON of a tokenizer, or can't be used
    static Vocabulary read(String name, String json) {
        return new TokenizerReader(name).read(json);
    }

    /// The text of the same tokenizer with an empty list of added tokens.
    static String withoutAddedTokens(String json) {
        var out = new StringWriter(json.length());
        try (JsonParser parser = TokenizerReader.JSON.createParser(json);
                JsonGenerator generator = TokenizerReader.JSON.createGenerator(out)) {
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

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// The token's text, or null.
    String token(int id) {
        return id >= 0 && id < tokens.length ? tokens[id] : null;
    }

    /// The bytes that a token adds to a text, if it isn't an added one; empty if there is none.
    ///
    /// @throws ModelException if they aren't known
    byte[] bytes(int id) {
        return token(id) == null ? new byte[0] : spelling.bytes(tokens[id]);
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
