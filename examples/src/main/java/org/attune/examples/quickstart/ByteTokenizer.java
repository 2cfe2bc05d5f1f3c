package org.attune.examples.quickstart;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;

import java.util.List;

/// A tokenizer whose tokens are the 256 bytes, and control tokens behind them.
///
/// @param control texts of the control tokens; the first one has id 256
record ByteTokenizer(List<String> control) {
    private static final int BYTES = 256;

    /// The id of a control token.
    int id(String token) {
        int at = control.indexOf(token);
        if (at < 0) {
            throw new IllegalArgumentException(token + " is none of " + control);
        }
        return BYTES + at;
    }

    /// Number of tokens.
    int vocabulary() {
        return BYTES + control.size();
    }

    /// What `tokenizer.json` holds.
    ObjectNode json() {
        ObjectNode tokenizer = Json.object();
        tokenizer.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = tokenizer.putArray("added_tokens");
        for (String token : control) {
            added.addObject()
                    .put("id", id(token))
                    .put("content", token)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        tokenizer.putNull("normalizer");
        byteLevel(tokenizer.putObject("pre_tokenizer"));
        tokenizer.putNull("post_processor");
        byteLevel(tokenizer.putObject("decoder"));
        ObjectNode model = tokenizer.putObject("model").put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        for (int b = 0; b < BYTES; b++) {
            vocabulary.put(Character.toString(visible(b)), b);
        }
        model.putArray("merges");
        return tokenizer;
    }

    private static void byteLevel(ObjectNode part) {
        part.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", false)
                .put("use_regex", false);
    }

    /// The character by which byte-level tokenizers write a byte: itself if it is visible in
    /// Latin-1, else the next free one from U+0100.
    static int visible(int value) {
        int next = 0x100;
        for (int b = 0; b < BYTES; b++) {
            boolean itself = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xFF && b != 0xAD;
            int character = itself ? b : next++;
            if (b == value) {
                return character;
            }
        }
        throw new IllegalArgumentException("not a byte: " + value);
    }
}
