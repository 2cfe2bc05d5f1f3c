package org.attune.text.vocab;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/// How SentencePiece changes a text before it cuts it, and pieces back into a text.
///
/// @param charsMap SentencePiece's table of replacements in base64; empty if there is none
/// @param squeezes whether spaces at the ends go, and several become one
/// @param escapes  whether spaces become `▁`
/// @param prefix   where an invisible space stands
/// @param bytes    whether characters that no piece has become their bytes
/// @param isolates whether pieces that the vocabulary's maker defined are cut out after these
///     changes, and never merged with others; else they are added tokens
record PieceRules(
        String charsMap,
        boolean squeezes,
        boolean escapes,
        SpacePrefix prefix,
        boolean bytes,
        boolean isolates) {
    private static final String SPACE = "▁";

    /// Rules that change nothing but spaces.
    static PieceRules ofBytes(SpacePrefix prefix) {
        return new PieceRules("", false, true, prefix, true, false);
    }

    /// Writes normalizer, pre-tokenizer and decoder of a `tokenizer.json`.
    ///
    /// @param defined pieces that the vocabulary's maker defined
    void write(ObjectNode root, List<String> defined) {
        ArrayNode normalizers = sequence(root.putObject("normalizer"), "normalizers");
        if (!charsMap.isEmpty()) {
            normalizers
                    .addObject()
                    .put("type", "Precompiled")
                    .put("precompiled_charsmap", charsMap);
        }
        if (squeezes) {
            replaceAll(normalizers.addObject(), "\\A +| +\\z", "");
            replaceAll(normalizers.addObject(), " {2,}", " ");
        }
        if (prefix == SpacePrefix.ALWAYS) {
            normalizers.addObject().put("type", "Prepend").put("prepend", SPACE);
        }
        if (escapes) {
            replace(normalizers.addObject(), " ", SPACE);
        }
        ArrayNode cuts = sequence(root.putObject("pre_tokenizer"), "pretokenizers");
        if (prefix == SpacePrefix.UNLESS_SPACE || prefix == SpacePrefix.FIRST_UNLESS_SPACE) {
            cuts.addObject()
                    .put("type", "Metaspace")
                    .put("replacement", SPACE)
                    .put("prepend_scheme", prefix == SpacePrefix.UNLESS_SPACE ? "always" : "first")
                    .put("split", false);
        }
        if (isolates && !defined.isEmpty()) {
            ObjectNode split = cuts.addObject().put("type", "Split");
            split.putObject("pattern").put("Regex", anyOf(defined));
            split.put("behavior", "Isolated").put("invert", false);
        }
        if (cuts.isEmpty()) {
            root.putNull("pre_tokenizer");
        }
        decoder(sequence(root.putObject("decoder"), "decoders"));
    }

    private void decoder(ArrayNode decoders) {
        replace(decoders.addObject(), SPACE, " ");
        if (bytes) {
            decoders.addObject().put("type", "ByteFallback");
        }
        boolean prefixed = prefix != SpacePrefix.NONE;
        if (bytes || prefixed) {
            decoders.addObject().put("type", "Fuse");
        }
        if (prefixed) {
            decoders.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
    }

    /// An expression that finds the longest of some texts (Oniguruma's syntax).
    private static String anyOf(List<String> texts) {
        return texts.stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(text -> text.replaceAll("[^\\p{L}\\p{N}]", "\\\\$0"))
                .collect(Collectors.joining("|"));
    }

    private static ArrayNode sequence(ObjectNode node, String key) {
        return node.put("type", "Sequence").putArray(key);
    }

    private static void replace(ObjectNode node, String from, String to) {
        node.put("type", "Replace").putObject("pattern").put("String", from);
        node.put("content", to);
    }

    private static void replaceAll(ObjectNode node, String pattern, String to) {
        node.put("type", "Replace").putObject("pattern").put("Regex", pattern);
        node.put("content", to);
    }
}
