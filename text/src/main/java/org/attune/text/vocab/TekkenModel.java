package org.attune.text.vocab;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ModelException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Mistral's `tekken.json`: byte sequences by rank, behind special tokens. Of two neighbours whose
/// union is a token the one with the lowest rank is joined first.
final class TekkenModel {
    /// Special tokens of files that name none, in the order of their ids.
    private static final List<String> UNNAMED =
            List.of(
                    "<unk>",
                    "<s>",
                    "</s>",
                    "[INST]",
                    "[/INST]",
                    "[AVAILABLE_TOOLS]",
                    "[/AVAILABLE_TOOLS]",
                    "[TOOL_RESULTS]",
                    "[/TOOL_RESULTS]",
                    "[TOOL_CALLS]",
                    "[IMG]",
                    "<pad>",
                    "[IMG_BREAK]",
                    "[IMG_END]",
                    "[PREFIX]",
                    "[MIDDLE]",
                    "[SUFFIX]",
                    "[SYSTEM_PROMPT]",
                    "[/SYSTEM_PROMPT]",
                    "[TOOL_CONTENT]");

    private final String where;
    private final JsonNode file;

    /// Byte-level texts, the special tokens first.
    private final List<String> tokens = new ArrayList<>();

    private final int specials;

    /// @param where the file; stands in messages
    TekkenModel(String where, JsonNode file) {
        this.where = where;
        this.file = file;
        addSpecials();
        specials = tokens.size();
        JsonNode vocabulary = file.path("vocab");
        int size = file.path("config").path("default_vocab_size").asInt(Integer.MAX_VALUE);
        if (!vocabulary.isArray() || vocabulary.isEmpty() || !pattern().isTextual()) {
            throw damaged("has no vocab or no config.pattern; is it really a tekken.json?");
        }
        for (int i = 0; i < vocabulary.size() && tokens.size() < size; i++) {
            tokens.add(ByteLevel.text(bytes(vocabulary.get(i), i)));
        }
    }

    private JsonNode pattern() {
        return file.path("config").path("pattern");
    }

    private void addSpecials() {
        JsonNode named = file.get("special_tokens");
        if (named == null) {
            tokens.addAll(UNNAMED);
        } else {
            var byRank = new ArrayList<JsonNode>();
            named.forEach(byRank::add);
            byRank.sort(Comparator.comparingInt(token -> token.path("rank").asInt(-1)));
            for (JsonNode token : byRank) {
                if (token.path("rank").asInt(-1) != tokens.size()
                        || !token.path("token_str").isTextual()) {
                    throw damaged("has special_tokens whose ranks aren't 0, 1, 2, …");
                }
                tokens.add(token.get("token_str").asText());
            }
        }
        int count = file.path("config").path("default_num_special_tokens").asInt(tokens.size());
        if (count < tokens.size() || count > 1 << 20) {
            throw damaged("has %d special tokens, not %d".formatted(tokens.size(), count));
        }
        while (tokens.size() < count) {
            tokens.add("<SPECIAL_" + tokens.size() + ">");
        }
    }

    private byte[] bytes(JsonNode entry, int index) {
        try {
            byte[] bytes = Base64.getDecoder().decode(entry.path("token_bytes").asText());
            if (bytes.length > 0 && entry.path("rank").asInt(index) == index) {
                return bytes;
            }
        } catch (IllegalArgumentException e) {
            throw new ModelException(
                    "%s: token_bytes of entry %d of vocab are no base64".formatted(where, index),
                    e);
        }
        throw damaged("has no token_bytes or another rank in entry " + index + " of vocab");
    }

    private ModelException damaged(String what) {
        return new ModelException(where + " " + what);
    }

    TokenizerJson json() {
        var kinds = new ArrayList<>(Collections.nCopies(tokens.size(), PieceKind.NORMAL));
        Collections.fill(kinds.subList(0, specials), PieceKind.CONTROL);
        var json = new TokenizerJson(tokens, kinds, List.of()).addOwn();
        json.wholeTokensFirst(true).byteLevel(List.of(pattern().asText()), merges(), where);
        return json;
    }

    /// All ways to make a token of two others, by the rank of what they make, then of the parts.
    private List<String> merges() {
        Map<String, Integer> ranks = new HashMap<>();
        for (int id = specials; id < tokens.size(); id++) {
            if (ranks.put(tokens.get(id), id) != null) {
                throw damaged("has entry " + (id - specials) + " of vocab twice");
            }
        }
        var merges = new ArrayList<String>();
        record Parts(String text, int left, int right) {}
        for (int id = specials; id < tokens.size(); id++) {
            String token = tokens.get(id);
            var parts = new ArrayList<Parts>();
            for (int at = 1; at < token.length(); at++) {
                String left = token.substring(0, at);
                String right = token.substring(at);
                if (ranks.containsKey(left) && ranks.containsKey(right)) {
                    parts.add(new Parts(left + " " + right, ranks.get(left), ranks.get(right)));
                }
            }
            parts.sort(Comparator.comparingInt(Parts::left).thenComparingInt(Parts::right));
            parts.forEach(part -> merges.add(part.text()));
        }
        return merges;
    }

    /// The characters that a byte-level vocabulary writes for bytes: printable ones of Latin-1 are
    /// themselves, the others follow from U+0100 on.
    private static final class ByteLevel {
        private static final char[] CHARS = new char[256];

        static {
            char next = 0x100;
            for (int b = 0; b < 256; b++) {
                boolean printable = b > 0x20 && b < 0x7f || b > 0xa0 && b != 0xad;
                CHARS[b] = printable ? (char) b : next++;
            }
        }

        static String text(byte[] bytes) {
            String latin = new String(bytes, StandardCharsets.ISO_8859_1);
            var text = new StringBuilder(bytes.length);
            latin.chars().forEach(b -> text.append(CHARS[b]));
            return text.toString();
        }
    }
}
