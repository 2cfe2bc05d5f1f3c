package org.attune.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.Excerpt;
import org.attune.error.ModelException;

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;

/// Checks the parts of a `tokenizer.json` around its vocabulary before native code reads them. That
/// code knows the types of parts and their fields, and says what is wrong with them. But some
/// values it takes on trust, and the process ends, or never does, where they are wrong: those are
/// looked for here, in any part, since it reads some parts without asking for their type.
final class TokenizerParts {
    private static final int DEEPEST = 16;
    private static final int MOST_PARTS = 100;
    private static final int LONGEST_INSERT = 1000;

    /// A text may become so many times as long.
    private static final int MOST_GROWTH = 256;

    private final String name;
    private final IntPredicate isToken;
    private int parts;
    private long growth;

    /// @param name    of the file, for messages
    /// @param isToken whether an id is in the vocabulary
    TokenizerParts(String name, IntPredicate isToken) {
        this.name = name;
        this.isToken = isToken;
    }

    /// @throws ModelException if a part holds what can't be used
    void check(String section, JsonNode part) {
        parts = 0;
        growth = 1;
        walk(section, part, 0);
    }

    private void walk(String path, JsonNode node, int depth) {
        if (depth > DEEPEST) {
            throw refusal(path, "is nested deeper than " + DEEPEST + " levels");
        }
        if (node.isTextual()) {
            requireCharacters(path, node.textValue());
        } else if (node.isNumber() && !Double.isFinite(node.doubleValue())) {
            throw refusal(path, "is " + Excerpt.of(node) + ", which is no finite number");
        } else if (node.isArray()) {
            for (int i = 0; i < node.size(); i++) {
                walk(path + "[" + i + "]", node.get(i), depth + 1);
            }
        } else if (node instanceof ObjectNode object) {
            for (Map.Entry<String, JsonNode> field : object.properties()) {
                requireCharacters(path, field.getKey());
                walk(path + "." + Excerpt.of(field.getKey()), field.getValue(), depth + 1);
            }
            checkFields(path, object);
        }
    }

    private void checkFields(String path, ObjectNode part) {
        if (part.has("type") && ++parts > MOST_PARTS) {
            throw refusal(path, "is one of more than " + MOST_PARTS + " parts");
        }
        if (part.has("stop") && !isInteger(part.get("stop"), 0, 0)) {
            throw refusal(path + ".stop", "is " + Excerpt.of(part.get("stop")) + "; accepted: 0");
        }
        if (part.has("length") && !isInteger(part.get("length"), 1, Integer.MAX_VALUE)) {
            throw refusal(
                    path + ".length",
                    "is " + Excerpt.of(part.get("length")) + "; accepted: positive integers");
        }
        if (part.has("precompiled_charsmap")) {
            CharsMap.problem(part.get("precompiled_charsmap"))
                    .ifPresent(
                            problem -> {
                                throw refusal(path + ".precompiled_charsmap", problem);
                            });
        }
        if (part.has("prepend") && part.get("prepend").asText().length() > LONGEST_INSERT) {
            throw refusal(path + ".prepend", "is longer than " + LONGEST_INSERT);
        }
        for (String role : new String[] {"sep", "cls"}) {
            if (part.has(role)) {
                requireToken(path + "." + role, part.get(role).path(1));
            }
        }
        if (part.has("single")) {
            checkTemplate(path, part);
        }
        grow(path, part);
    }

    private void grow(String path, ObjectNode part) {
        long factor = part.path("type").asText().equals("ByteLevel") ? 2 : 1;
        if (part.has("pattern")) {
            long content = part.path("content").asText().length();
            factor = Math.max(1, Math.ceilDiv(content, matched(path, part.get("pattern"))));
        }
        growth *= factor;
        if (growth > MOST_GROWTH) {
            throw refusal(path, "makes texts more than %d times as long".formatted(MOST_GROWTH));
        }
    }

    /// Fewest characters that a pattern matches.
    private long matched(String path, JsonNode pattern) {
        if (pattern.has("Regex")) {
            String regex = pattern.get("Regex").asText();
            Optional<String> problem = PatternShape.problem(regex);
            if (problem.isPresent()) {
                throw refusal(
                        path + ".pattern",
                        "is \"%s\", which is not accepted: %s"
                                .formatted(Excerpt.of(regex), problem.get()));
            }
        }
        String text = pattern.path("String").asText();
        if (pattern.has("String") && text.isEmpty()) {
            throw refusal(path + ".pattern", "is an empty text");
        }
        return Math.max(1, text.length());
    }

    /// Where special tokens go: the text must stand there once, and every token be known.
    private void checkTemplate(String path, ObjectNode part) {
        JsonNode tokens = part.path("special_tokens");
        for (Map.Entry<String, JsonNode> token : tokens.properties()) {
            String where = path + ".special_tokens." + Excerpt.of(token.getKey());
            JsonNode ids = token.getValue().path("ids");
            if (!ids.isArray() || ids.size() != token.getValue().path("tokens").size()) {
                throw refusal(where, "needs as many ids as tokens");
            }
            ids.forEach(id -> requireToken(where, id));
        }
        int texts = checkPieces(path + ".single", part.get("single"), tokens, Set.of("A"));
        if (texts != 1) {
            throw refusal(
                    path + ".single",
                    "has the text (Sequence A) %d times, not once".formatted(texts));
        }
        checkPieces(path + ".pair", part.path("pair"), tokens, Set.of("A", "B"));
    }

    /// @return how often a text stands there
    private int checkPieces(String path, JsonNode pieces, JsonNode tokens, Set<String> texts) {
        int found = 0;
        var known = new HashSet<String>();
        tokens.fieldNames().forEachRemaining(known::add);
        for (JsonNode piece : pieces) {
            String token = piece.path("SpecialToken").path("id").asText();
            if (piece.has("SpecialToken") && !known.contains(token)) {
                throw refusal(
                        path,
                        "names \"%s\", which special_tokens lacks".formatted(Excerpt.of(token)));
            }
            String text = piece.path("Sequence").path("id").asText();
            if (piece.has("Sequence") && !texts.contains(text)) {
                throw refusal(
                        path,
                        "has the sequence \"%s\"; accepted: %s".formatted(Excerpt.of(text), texts));
            }
            found += piece.has("Sequence") ? 1 : 0;
        }
        return found;
    }

    private void requireToken(String path, JsonNode id) {
        if (!isInteger(id, 0, Integer.MAX_VALUE) || !isToken.test(id.intValue())) {
            throw refusal(path, "has the id " + Excerpt.of(id) + ", which no token has");
        }
    }

    private static boolean isInteger(JsonNode node, int least, int most) {
        return node.isIntegralNumber()
                && node.canConvertToInt()
                && node.intValue() >= least
                && node.intValue() <= most;
    }

    private void requireCharacters(String path, String text) {
        boolean half =
                text.codePoints().anyMatch(c -> c <= 0xffff && Character.isSurrogate((char) c));
        if (half) {
            throw refusal(path, "holds half a character (a lone surrogate)");
        }
    }

    private ModelException refusal(String path, String what) {
        return new ModelException(
                "%s: %s %s; take the tokenizer.json that came with the model"
                        .formatted(name, Excerpt.of(path), what));
    }
}
