package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.json.Json;
import org.attune.text.vocab.PieceKind;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Writes a `tokenizer.json` as the metadata of a GGUF file, the reverse of [GgufTokenizer].
public final class GgufText {
    private static final String PREFIX = "tokenizer.ggml.";

    /// Tokens that llama.cpp is to show, so that calls of tools can be read.
    private static final Set<String> SHOWN =
            Set.of(
                    "<|channel>",
                    "<channel|>",
                    "<|tool_call>",
                    "<tool_call|>",
                    "<|tool_response>",
                    "<tool_response|>",
                    "<|\"|>");

    private final String where;
    private final boolean merged;
    private final Map<?, ?> root;
    private final Map<?, ?> model;
    private final List<String> tokens;
    private final List<Object> kinds;
    private final Map<String, Object> pairs = new LinkedHashMap<>();

    private GgufText(String where, String architecture, String json, int rows) {
        this.where = where;
        this.merged = architecture.equals(GgufTokenizer.GEMMA4);
        this.root = (Map<?, ?>) Json.parse(json);
        this.model = (Map<?, ?>) root.get("model");
        this.tokens = new ArrayList<>(Collections.nCopies(rows, null));
        this.kinds = new ArrayList<>(Collections.nCopies(rows, number(PieceKind.UNUSED)));
    }

    /// The pairs of a model's text.
    ///
    /// @param where     the model, for messages
    /// @param architecture of the file
    /// @param json      text of its `tokenizer.json`
    /// @param specials  its special tokens by role
    /// @param ends      ids that end a text, of which files can name three
    /// @param template  its chat template
    /// @param rows      of the embedding: ids without a token get one that nobody types
    /// @throws ModelException if GGUF files can't say how the tokenizer cuts text
    public static Map<String, Object> of(
            String where,
            String architecture,
            String json,
            Map<String, String> specials,
            List<Integer> ends,
            Optional<String> template,
            int rows) {
        GgufText text = new GgufText(where, architecture, json, rows);
        text.vocabulary();
        if (text.isByteLevel()) {
            text.byteLevel();
        } else {
            text.sentencePiece();
        }
        text.special(specials, ends);
        template.ifPresent(t -> text.pairs.put("tokenizer.chat_template", t));
        return text.pairs;
    }

    private static Long number(PieceKind kind) {
        return (long) kind.number();
    }

    private ModelException refused(String what, Object got, String accepted) {
        return new ModelException(
                "%s: the tokenizer's %s is %s, which GGUF files can't say; accepted: %s"
                        .formatted(where, what, got, accepted));
    }

    private void vocabulary() {
        Object type = model.get("type");
        if (type != null && !type.equals("BPE")
                || !(model.get("vocab") instanceof Map<?, ?> vocab)) {
            throw refused("model", type, "BPE, of bytes or as SentencePiece has it");
        }
        vocab.forEach((token, id) -> put((Long) id, (String) token, PieceKind.NORMAL));
        if (root.get("added_tokens") instanceof List<?> added) {
            for (Object item : added) {
                var token = (Map<?, ?>) item;
                boolean special = Boolean.TRUE.equals(token.get("special"));
                put(
                        (Long) token.get("id"),
                        (String) token.get("content"),
                        special ? PieceKind.CONTROL : PieceKind.USER_DEFINED);
            }
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id) == null) {
                tokens.set(id, "[PAD" + id + "]");
            }
        }
    }

    private void put(long id, String token, PieceKind kind) {
        if (id >= tokens.size()) {
            throw new ModelException(
                    "%s: the tokenizer has the token \"%s\" with id %d, the model's embedding has %d rows"
                            .formatted(where, token, id, tokens.size()));
        }
        tokens.set((int) id, token);
        kinds.set((int) id, number(kind));
    }

    /// Steps of a part that may be one or a sequence of several.
    private List<Map<?, ?>> steps(String part, String list) {
        List<Map<?, ?>> all = new ArrayList<>();
        if (root.get(part) instanceof Map<?, ?> step) {
            if ("Sequence".equals(step.get("type")) && step.get(list) instanceof List<?> several) {
                several.forEach(s -> all.add((Map<?, ?>) s));
            } else {
                all.add(step);
            }
        }
        return all;
    }

    private boolean isByteLevel() {
        return steps("pre_tokenizer", "pretokenizers").stream()
                .anyMatch(s -> "ByteLevel".equals(s.get("type")));
    }

    private void byteLevel() {
        List<String> merges = merges();
        List<String> patterns = new ArrayList<>();
        for (Map<?, ?> step : steps("pre_tokenizer", "pretokenizers")) {
            switch ((String) step.get("type")) {
                case "Split" -> patterns.add(pattern(step));
                case "Digits" -> patterns.add(digits(step));
                case "ByteLevel" -> {
                    if (Boolean.TRUE.equals(step.get("add_prefix_space"))) {
                        throw refused("add_prefix_space", true, "false");
                    }
                    if (!Boolean.FALSE.equals(step.get("use_regex"))) {
                        patterns.add(GgufPreTokenizer.usualPattern());
                    }
                }
                default ->
                        throw refused(
                                "pre_tokenizer", step.get("type"), "Split, Digits, ByteLevel");
            }
        }
        // Without merges all rules cut alike: into bytes.
        String rule =
                merges.isEmpty()
                        ? GgufPreTokenizer.GPT2.title()
                        : GgufPreTokenizer.nameOf(patterns)
                                .orElseThrow(
                                        () ->
                                                refused(
                                                        "rule of cutting text",
                                                        patterns,
                                                        "those that tokenizer.ggml.pre has a name"
                                                                + " for: "
                                                                + GgufPreTokenizer.allNames()));
        pairs.put(PREFIX + "model", "gpt2");
        pairs.put(PREFIX + "pre", rule);
        pairs.put(PREFIX + "tokens", tokens);
        pairs.put(PREFIX + "token_type", kinds);
        pairs.put(PREFIX + "merges", merges);
        ends();
    }

    private String pattern(Map<?, ?> step) {
        boolean isolated = "Isolated".equals(step.get("behavior"));
        boolean inverted =
                "Removed".equals(step.get("behavior")) && Boolean.TRUE.equals(step.get("invert"));
        if (step.get("pattern") instanceof Map<?, ?> pattern
                && pattern.get("Regex") instanceof String regex
                && (isolated && !Boolean.TRUE.equals(step.get("invert")) || inverted)) {
            return regex;
        }
        throw refused("Split", step, "patterns whose matches are pieces");
    }

    private String digits(Map<?, ?> step) {
        return Boolean.TRUE.equals(step.get("individual_digits")) ? "\\p{N}" : "\\p{N}+";
    }

    private List<String> merges() {
        List<String> all = new ArrayList<>();
        for (Object merge : (List<?>) model.get("merges")) {
            String text =
                    merge instanceof List<?> pair
                            ? pair.get(0) + " " + pair.get(1)
                            : (String) merge;
            if (text.indexOf(' ') != text.lastIndexOf(' ') && isByteLevel()) {
                throw refused("merge", text, "two tokens without spaces");
            }
            all.add(text);
        }
        return all;
    }

    private void sentencePiece() {
        boolean marks =
                steps("normalizer", "normalizers").stream()
                                .anyMatch(s -> "▁".equals(s.get("content")))
                        || steps("pre_tokenizer", "pretokenizers").stream()
                                .anyMatch(s -> "Metaspace".equals(s.get("type")));
        if (!marks || !Boolean.TRUE.equals(model.get("byte_fallback"))) {
            throw refused(
                    "kind", "neither", "BPE of bytes, or SentencePiece's BPE with byte_fallback");
        }
        for (int id = 0; id < tokens.size(); id++) {
            if (tokens.get(id).matches("<0x[0-9A-F]{2}>")) {
                kinds.set(id, number(PieceKind.BYTE));
            }
        }
        if (model.get("unk_token") instanceof String unknown && tokens.contains(unknown)) {
            int id = tokens.indexOf(unknown);
            kinds.set(id, number(PieceKind.UNKNOWN));
            pairs.put(PREFIX + "unknown_token_id", (long) id);
        }
        if (merged && !prefixed()) {
            for (int id = 0; id < tokens.size(); id++) {
                if (SHOWN.contains(tokens.get(id))) {
                    kinds.set(id, number(PieceKind.USER_DEFINED));
                }
            }
            pairs.put(PREFIX + "model", GgufTokenizer.GEMMA4);
            pairs.put(PREFIX + "merges", merges());
        } else {
            pairs.put(PREFIX + "model", "llama");
            pairs.put(PREFIX + "pre", "default");
            pairs.put(PREFIX + "scores", scores());
        }
        pairs.put(PREFIX + "tokens", tokens);
        pairs.put(PREFIX + "token_type", kinds);
        pairs.put(PREFIX + "add_space_prefix", prefixed());
        ends();
    }

    private boolean prefixed() {
        boolean prepends =
                steps("normalizer", "normalizers").stream()
                        .anyMatch(s -> "Prepend".equals(s.get("type")));
        return prepends
                || steps("pre_tokenizer", "pretokenizers").stream()
                        .anyMatch(
                                s ->
                                        "Metaspace".equals(s.get("type"))
                                                && !"never".equals(s.get("prepend_scheme"))
                                                && !Boolean.FALSE.equals(
                                                        s.get("add_prefix_space")));
    }

    /// Tokens that are merged earlier have larger scores.
    private List<Object> scores() {
        Map<String, Float> byToken = new HashMap<>();
        float rank = 0;
        for (Object merge : (List<?>) model.get("merges")) {
            String token =
                    merge instanceof List<?> pair
                            ? "" + pair.get(0) + pair.get(1)
                            : ((String) merge).replace(" ", "");
            if (byToken.putIfAbsent(token, -rank) == null) {
                rank++;
            }
        }
        float last = -rank;
        return new ArrayList<>(
                tokens.stream().map(t -> (Object) byToken.getOrDefault(t, last)).toList());
    }

    /// Tokens that are put around a text.
    private void ends() {
        boolean before = false;
        boolean after = false;
        for (Map<?, ?> step : steps("post_processor", "processors")) {
            if ("TemplateProcessing".equals(step.get("type"))) {
                boolean passed = false;
                for (Object item : (List<?>) step.get("single")) {
                    var part = (Map<?, ?>) item;
                    if (part.get("SpecialToken") instanceof Map<?, ?> token) {
                        long id = tokens.indexOf(token.get("id"));
                        pairs.put(PREFIX + (passed ? "eos" : "bos") + "_token_id", id);
                        if (passed ? after : before) {
                            throw refused(
                                    "post_processor",
                                    step.get("single"),
                                    "one token before and one behind the text");
                        }
                        before |= !passed;
                        after |= passed;
                    } else {
                        passed = true;
                    }
                }
            }
        }
        pairs.put(PREFIX + "add_bos_token", before);
        pairs.put(PREFIX + "add_eos_token", after);
    }

    private void special(Map<String, String> specials, List<Integer> ends) {
        role(specials, "bos_token", "bos_token_id");
        role(specials, "unk_token", "unknown_token_id");
        role(specials, "pad_token", "padding_token_id");
        role(specials, "eos_token", "eos_token_id");
        Object eos = pairs.get(PREFIX + "eos_token_id");
        List<Integer> others =
                ends.stream().filter(id -> eos == null || (Long) eos != (long) id).toList();
        List<String> keys =
                eos == null
                        ? List.of("eos_token_id", "eot_token_id", "eom_token_id")
                        : List.of("eot_token_id", "eom_token_id");
        for (int i = 0; i < Math.min(keys.size(), others.size()); i++) {
            pairs.put(PREFIX + keys.get(i), (long) others.get(i));
        }
    }

    private void role(Map<String, String> specials, String role, String key) {
        String token = specials.get(role);
        if (token != null && tokens.contains(token)) {
            pairs.putIfAbsent(PREFIX + key, (long) tokens.indexOf(token));
        }
    }
}
