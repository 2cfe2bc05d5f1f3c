package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.text.vocab.TokenizerJson;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// How text is cut before byte-level merges, by the names that `tokenizer.ggml.pre` has. The
/// patterns are those of the models' own tokenizers; each cuts the pieces that the one before left.
enum GgufPreTokenizer {
    /// GPT-2's rule.
    GPT2(List.of("gpt-2", "gpt2", "phi-2", "olmo", "mpt", "jais"), false, false, Patterns.GPT2),

    /// Digits one by one, cut *before* GPT-2's rule: `x   5` keeps its spaces together.
    SMOLLM(
            List.of("smollm", "starcoder", "refact", "command-r", "codeshell"),
            false,
            false,
            "\\p{N}",
            Patterns.GPT2),

    /// Llama 3's rule: up to three digits together.
    LLAMA3(
            List.of("llama-bpe", "llama3", "llama-v3", "falcon3"),
            true,
            false,
            Patterns.CASELESS_CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                    + Patterns.LLAMA3_TAIL),

    /// Qwen's rule: digits one by one, text normalised to NFC.
    QWEN2(
            List.of("qwen2", "deepseek-r1-qwen"),
            false,
            true,
            Patterns.CASELESS_CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                    + Patterns.LLAMA3_TAIL),

    /// Mistral Nemo's rule: words are cut where lower case turns into upper case.
    TEKKEN(
            List.of("tekken"),
            true,
            false,
            Patterns.NO_LETTER
                    + Patterns.UPPER
                    + "*"
                    + Patterns.LOWER
                    + "+|"
                    + Patterns.NO_LETTER
                    + Patterns.UPPER
                    + "+"
                    + Patterns.LOWER
                    + "*"
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),

    /// Qwen3.5's rule: marks belong to letters.
    QWEN35(
            List.of("qwen35"),
            false,
            true,
            Patterns.CASELESS_CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),

    /// GPT-4o's rule: words are cut where lower case turns into upper case, with contractions.
    GPT4O(
            List.of("gpt-4o", "llama4"),
            false,
            false,
            Patterns.cased(Patterns.UPPER, Patterns.LOWER)
                    + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r"
                    + "\\n"
                    + "/]*|\\s*[\\r"
                    + "\\n"
                    + "]+|\\s+(?!\\S)|\\s+"),

    /// Kimi K2's rule: Chinese characters stand apart, other words are cut as by GPT-4o.
    KIMI_K2(
            List.of("kimi-k2"),
            true,
            false,
            "[\\p{Han}]+|"
                    + Patterns.cased(
                            Patterns.UPPER.replace("]", "&&[^\\p{Han}]]"),
                            Patterns.LOWER.replace("]", "&&[^\\p{Han}]]"))
                    + "|\\p{N}{1,3}"
                    + Patterns.LLAMA3_TAIL),

    /// What llama.cpp does for files that name no rule.
    DEFAULT(
            List.of("default"),
            false,
            false,
            "[\\p{P}\\$\\+<=>\\^~\\|]+",
            Patterns.GPT2,
            "\\p{N}+",
            "[0-9][0-9][0-9]");

    private final List<String> names;
    private final boolean wholeTokensFirst;
    private final boolean nfc;
    private final List<String> patterns;

    GgufPreTokenizer(
            List<String> names, boolean wholeTokensFirst, boolean nfc, String... patterns) {
        this.names = names;
        this.wholeTokensFirst = wholeTokensFirst;
        this.nfc = nfc;
        this.patterns = List.of(patterns);
    }

    /// The rule of a name.
    ///
    /// @throws ModelException naming the supported ones if there is none
    static GgufPreTokenizer ofName(String name, String where) {
        return Arrays.stream(values())
                .filter(p -> p.names.contains(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ModelException(
                                        ("%s: tokenizer.ggml.pre \"%s\" is not supported; "
                                                        + "supported: %s")
                                                .formatted(where, name, allNames())));
    }

    /// The name of the rule that cuts text by these patterns, one after the other; empty if there
    /// is none.
    static Optional<String> nameOf(List<String> patterns) {
        return Arrays.stream(values())
                .filter(p -> p.patterns.equals(patterns))
                .findFirst()
                .map(p -> p.names.getFirst());
    }

    /// GPT-2's pattern, by which a step without a pattern cuts.
    static String usualPattern() {
        return Patterns.GPT2;
    }

    /// Completes a tokenizer that cuts text so.
    ///
    /// @param merges `left right`, best first
    /// @param where  the file, for messages
    void complete(TokenizerJson json, List<String> merges, String where) {
        json.nfc(nfc).wholeTokensFirst(wholeTokensFirst).byteLevel(patterns, merges, where);
    }

    /// Its usual name.
    String title() {
        return names.getFirst();
    }

    /// Whether a beginning-of-text token is added when the file doesn't say.
    boolean addsBosByDefault() {
        return this == LLAMA3 || this == TEKKEN;
    }

    /// Names of all rules.
    static List<String> allNames() {
        return Arrays.stream(values()).flatMap(p -> p.names.stream()).toList();
    }

    /// Parts of several rules.
    private static final class Patterns {
        static final String GPT2 =
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
                        + " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
        static final String NO_LETTER = "[^\\r\\n\\p{L}\\p{N}]?";
        static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
        static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
        static final String CASELESS_CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
        static final String LLAMA3_TAIL =
                "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

        /// Words that end where lower case turns into upper case.
        static String cased(String upper, String lower) {
            String end = CASELESS_CONTRACTIONS + "?";
            return "%1$s%2$s*%3$s+%4$s|%1$s%2$s+%3$s*%4$s".formatted(NO_LETTER, upper, lower, end);
        }
    }
}
