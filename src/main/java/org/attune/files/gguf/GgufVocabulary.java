package org.attune.files.gguf;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;
import org.attune.text.vocab.PieceKind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Tokens of a GGUF file as they stand in its metadata.
///
/// @param tokens texts by id; no two are equal
/// @param kinds  kind of each token
/// @param scores SentencePiece's log-probabilities; empty for byte-level vocabularies
record GgufVocabulary(List<String> tokens, List<PieceKind> kinds, List<Float> scores) {
    private static final Logger LOG = LoggerFactory.getLogger(GgufVocabulary.class);
    private static final String PREFIX = "tokenizer.ggml.";

    /// Every way to cut a token in two is tried; the longest of real ones have some hundred.
    private static final int LONGEST_TOKEN = 4096;

    static GgufVocabulary read(GgufMetadata metadata) {
        List<String> tokens = metadata.texts(PREFIX + "tokens");
        List<PieceKind> kinds =
                metadata.integers(PREFIX + "token_type")
                        .map(numbers -> numbers.stream().map(n -> kind(metadata, n)).toList())
                        .orElse(Collections.nCopies(tokens.size(), PieceKind.NORMAL));
        List<Float> scores = metadata.floats(PREFIX + "scores").orElse(List.of());
        requireSize(metadata, "token_type", kinds.size(), tokens.size());
        if (!scores.isEmpty()) {
            requireSize(metadata, "scores", scores.size(), tokens.size());
        }
        return new GgufVocabulary(distinct(metadata.where(), tokens), kinds, scores);
    }

    /// Texts of tokens that are cut out of a text before anything else, by id.
    List<String> addedTokens() {
        return IntStream.range(0, tokens.size())
                .filter(id -> kinds.get(id).isAdded())
                .mapToObj(tokens::get)
                .toList();
    }

    /// The id that a key names, if that token exists.
    OptionalInt id(GgufMetadata metadata, String key) {
        OptionalInt id = metadata.optionalInteger(PREFIX + key);
        if (id.isPresent() && (id.getAsInt() < 0 || id.getAsInt() >= tokens.size())) {
            throw metadata.invalid(PREFIX + key, "token ids below " + tokens.size());
        }
        return id;
    }

    /// The text of the token that a key names.
    Optional<String> token(GgufMetadata metadata, String key) {
        OptionalInt id = id(metadata, key);
        return id.isPresent() ? Optional.of(tokens.get(id.getAsInt())) : Optional.empty();
    }

    private static PieceKind kind(GgufMetadata metadata, long number) {
        return PieceKind.of(number)
                .orElseThrow(
                        () ->
                                metadata.invalid(
                                        PREFIX + "token_type",
                                        "numbers 1 to " + PieceKind.values().length));
    }

    private static void requireSize(GgufMetadata metadata, String key, int got, int expected) {
        if (got != expected) {
            throw new ModelException(
                    "%s: %s%s has %d entries for %d tokens"
                            .formatted(metadata.where(), PREFIX, key, got, expected));
        }
    }

    /// A `tokenizer.json` maps texts to ids, so a repeated text (some files fill up their
    /// vocabulary
    /// with them) gets a name nobody types.
    private static List<String> distinct(String where, List<String> tokens) {
        var seen = new HashSet<String>();
        var result = new ArrayList<String>(tokens.size());
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id);
            if (token.length() > LONGEST_TOKEN) {
                throw new ModelException(
                        "%s: token %d of tokenizer.ggml.tokens has %d characters; at most %d are accepted"
                                .formatted(where, id, token.length(), LONGEST_TOKEN));
            }
            if (!seen.add(token)) {
                LOG.warn(
                        "{}: token {} repeats the text \"{}\"; it is never produced",
                        where,
                        id,
                        Excerpt.of(token));
                token = "<|repeated token " + id + "|>";
                while (!seen.add(token)) {
                    token += "|";
                }
            }
            result.add(token);
        }
        return List.copyOf(result);
    }
}
