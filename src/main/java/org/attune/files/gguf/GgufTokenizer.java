package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.text.vocab.TokenizerJson;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Tokenizer and chat template of a GGUF file, in Hugging Face's form.
///
/// @param tokenizerJson text of a `tokenizer.json`
/// @param tokens texts by id
/// @param addedTokens those that are cut out of a text before anything else
/// @param specialTokens texts of the special tokens by role: `bos_token`, `eos_token`, `unk_token`,
///     `pad_token`
/// @param chatTemplate  Jinja text, if the file has one
/// @param isByteLevel whether each character of a token is a byte
public record GgufTokenizer(
        String tokenizerJson,
        List<String> tokens,
        List<String> addedTokens,
        Map<String, String> specialTokens,
        Optional<String> chatTemplate,
        boolean isByteLevel) {
    /// Pieces as SentencePiece has them, with merges.
    static final String GEMMA4 = "gemma4";

    private static final List<String> ROLES =
            List.of("bos_token", "eos_token", "unk_token", "pad_token");

    public GgufTokenizer {
        specialTokens = Collections.unmodifiableMap(new LinkedHashMap<>(specialTokens));
    }

    /// Converts a file's vocabulary: byte-level BPE (`gpt2`) and SentencePiece BPE with byte
    /// fallback, by scores (`llama`) or merges (`gemma4`).
    ///
    /// @throws ModelException if the file has no vocabulary or one of another kind, or if it cuts
    ///     text by a rule (`tokenizer.ggml.pre`) that Attune doesn't know
    public static GgufTokenizer of(GgufMetadata metadata) {
        String model = metadata.text("tokenizer.ggml.model");
        GgufVocabulary vocabulary = GgufVocabulary.read(metadata);
        TokenizerJson json =
                switch (model) {
                    case "gpt2" -> byteLevel(metadata, vocabulary);
                    case "llama" -> sentencePiece(metadata, vocabulary);
                    case GEMMA4 -> merged(metadata, vocabulary);
                    default ->
                            throw metadata.invalid(
                                    "tokenizer.ggml.model",
                                    "gpt2 (byte-level BPE), llama (SentencePiece BPE), gemma4"
                                            + " (Gemma 4's BPE)");
                };
        var special = new LinkedHashMap<String, String>();
        for (String role : ROLES) {
            vocabulary.token(metadata, key(role)).ifPresent(t -> special.put(role, t));
        }
        return new GgufTokenizer(
                json.text(),
                vocabulary.tokens(),
                vocabulary.addedTokens(),
                special,
                metadata.optionalText("tokenizer.chat_template"),
                model.equals("gpt2"));
    }

    /// The metadata key of a role's id; two of them have longer names than the role.
    private static String key(String role) {
        return switch (role) {
            case "unk_token" -> "unknown_token_id";
            case "pad_token" -> "padding_token_id";
            default -> role + "_id";
        };
    }

    private static TokenizerJson byteLevel(GgufMetadata metadata, GgufVocabulary vocabulary) {
        GgufPreTokenizer rule =
                GgufPreTokenizer.ofName(
                        metadata.optionalText("tokenizer.ggml.pre").orElse("default"),
                        metadata.where());
        TokenizerJson json = json(vocabulary);
        addEnds(json, metadata, vocabulary, rule.addsBosByDefault());
        rule.complete(json, metadata.texts("tokenizer.ggml.merges"), metadata.where());
        return json;
    }

    private static TokenizerJson sentencePiece(GgufMetadata metadata, GgufVocabulary vocabulary) {
        if (vocabulary.scores().isEmpty()) {
            throw new ModelException(
                    metadata.where()
                            + ": tokenizer.ggml.scores is missing; SentencePiece needs it");
        }
        TokenizerJson json = json(vocabulary);
        addEnds(json, metadata, vocabulary, true);
        json.sentencePiece(
                metadata.flag("tokenizer.ggml.add_space_prefix", true),
                vocabulary.token(metadata, "unknown_token_id"));
        return json;
    }

    private static TokenizerJson merged(GgufMetadata metadata, GgufVocabulary vocabulary) {
        TokenizerJson json = json(vocabulary);
        // llama.cpp adds it whatever the file says.
        vocabulary.id(metadata, "bos_token_id").ifPresent(json::beginWith);
        json.sentencePiece(
                metadata.texts("tokenizer.ggml.merges"),
                vocabulary.token(metadata, "unknown_token_id"),
                metadata.where());
        return json;
    }

    private static TokenizerJson json(GgufVocabulary vocabulary) {
        return new TokenizerJson(vocabulary.tokens(), vocabulary.kinds(), vocabulary.scores())
                .addOwn();
    }

    private static void addEnds(
            TokenizerJson json, GgufMetadata metadata, GgufVocabulary vocabulary, boolean addBos) {
        if (metadata.flag("tokenizer.ggml.add_bos_token", addBos)) {
            vocabulary.id(metadata, "bos_token_id").ifPresent(json::beginWith);
        }
        if (metadata.flag("tokenizer.ggml.add_eos_token", false)) {
            vocabulary.id(metadata, "eos_token_id").ifPresent(json::endWith);
        }
    }
}
