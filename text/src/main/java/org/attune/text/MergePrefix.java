package org.attune.text;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;

import java.io.IOException;

/// Checks the merges of a BPE whose pieces inside a word begin with a prefix
/// (`continuing_subword_prefix`). Native code cuts the prefix off the right piece without looking
/// whether it is there, which ends the process. Few tokenizers have one, so their text is read a
/// second time.
///
/// @param name   of the file, for messages
/// @param prefix not empty
record MergePrefix(String name, String prefix) {
    /// @throws ModelException naming the first merge whose right piece lacks the prefix
    void check(String json) {
        try (JsonParser parser = TokenizerReader.JSON.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean model = parser.currentName().equals("model");
                parser.nextToken();
                if (!model || parser.currentToken() != JsonToken.START_OBJECT) {
                    parser.skipChildren();
                    continue;
                }
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    boolean merges = parser.currentName().equals("merges");
                    if (parser.nextToken() == JsonToken.START_ARRAY && merges) {
                        checkMerges(parser);
                    } else {
                        parser.skipChildren();
                    }
                }
            }
        } catch (IOException e) {
            throw new ModelException(name + " is not valid JSON: " + Excerpt.of(e.getMessage()), e);
        }
    }

    private void checkMerges(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            String right = null;
            if (parser.currentToken() == JsonToken.VALUE_STRING) {
                right = parser.getText().substring(parser.getText().indexOf(' ') + 1);
            } else if (parser.currentToken() == JsonToken.START_ARRAY) {
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    right = parser.getText();
                    parser.skipChildren();
                }
            }
            if (right == null || !right.startsWith(prefix)) {
                throw new ModelException(
                        ("%s: model.merges joins \"%s\", which doesn't begin with"
                                        + " continuing_subword_prefix \"%s\"")
                                .formatted(name, Excerpt.of(right), Excerpt.of(prefix)));
            }
        }
    }
}
