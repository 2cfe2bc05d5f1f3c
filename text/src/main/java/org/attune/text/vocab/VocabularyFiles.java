package org.attune.text.vocab;

import org.attune.error.ModelException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Makes a `tokenizer.json` of SentencePiece's `tokenizer.model` or Mistral's `tekken.json`.
final class VocabularyFiles {
    private VocabularyFiles() {}

    static TokenizerJson.OfFile read(Path file, Map<String, ?> config) {
        try {
            return file.getFileName().toString().endsWith(".json")
                    ? tekken(file)
                    : sentencePiece(
                            SentencePieceModel.read(
                                    file.toString(), ByteBuffer.wrap(Files.readAllBytes(file))),
                            config);
        } catch (IOException e) {
            throw new ModelException(file + " can't be read: " + e.getMessage(), e);
        }
    }

    private static TokenizerJson.OfFile tekken(Path file) throws IOException {
        TokenizerJson json =
                new TekkenModel(file.toString(), Json.MAPPER.readTree(file.toFile())).json();
        return new TokenizerJson.OfFile(
                json.text(),
                Map.of(
                        "bos_token", "<s>",
                        "eos_token", "</s>",
                        "pad_token", "<pad>",
                        "unk_token", "<unk>"));
    }

    private static TokenizerJson.OfFile sentencePiece(
            SentencePieceModel model, Map<String, ?> config) {
        boolean llama =
                config.get("tokenizer_class") instanceof String name
                        && name.matches("(Code)?LlamaTokenizer(Fast)?");
        Map<Integer, Added> added = added(config);
        added.forEach(
                (id, token) -> {
                    if (id < model.tokens.size()) {
                        model.tokens.set(id, token.text());
                    }
                });
        var json = new TokenizerJson(model.tokens, model.kinds, model.scores);
        for (int id = 0; id < model.tokens.size(); id++) {
            PieceKind kind = model.kinds.get(id);
            if (!added.containsKey(id)
                    && kind.isAdded()
                    && (llama || kind != PieceKind.USER_DEFINED)) {
                json.add(id, model.tokens.get(id), kind != PieceKind.USER_DEFINED);
            }
        }
        added.forEach((id, token) -> json.add(id, token.text(), token.special()));
        if (Boolean.TRUE.equals(config.get("add_bos_token"))) {
            model.token(model.bosId).ifPresent(_ -> json.beginWith(model.bosId));
        }
        if (Boolean.TRUE.equals(config.get("add_eos_token"))) {
            model.token(model.eosId).ifPresent(_ -> json.endWith(model.eosId));
        }
        PieceRules rules = llama ? llama(config) : own(model, config);
        if (model.unigram) {
            json.unigram(rules, model.unknownId);
        } else {
            json.sentencePiece(rules, model.token(model.unknownId));
        }
        return new TokenizerJson.OfFile(json.text(), roles(model));
    }

    /// What transformers makes of Llama's vocabulary, whatever the file says of it.
    private static PieceRules llama(Map<String, ?> config) {
        if (Boolean.FALSE.equals(config.get("add_prefix_space"))) {
            return PieceRules.ofBytes(SpacePrefix.NONE);
        }
        return PieceRules.ofBytes(
                Boolean.TRUE.equals(config.get("legacy"))
                        ? SpacePrefix.UNLESS_SPACE
                        : SpacePrefix.FIRST_UNLESS_SPACE);
    }

    /// What the file says.
    private static PieceRules own(SentencePieceModel model, Map<String, ?> config) {
        SpacePrefix prefix =
                Boolean.FALSE.equals(config.get("legacy"))
                        ? SpacePrefix.FIRST_UNLESS_SPACE
                        : SpacePrefix.ALWAYS;
        return new PieceRules(
                model.charsMap,
                model.squeezes,
                model.escapes,
                model.prefixes ? prefix : SpacePrefix.NONE,
                model.byteFallback,
                true);
    }

    private record Added(String text, boolean special) {}

    private static Map<Integer, Added> added(Map<String, ?> config) {
        var added = new TreeMap<Integer, Added>();
        if (config.get("added_tokens_decoder") instanceof Map<?, ?> tokens) {
            tokens.forEach(
                    (id, token) -> {
                        if (token instanceof Map<?, ?> fields
                                && fields.get("content") instanceof String text) {
                            boolean special = Boolean.TRUE.equals(fields.get("special"));
                            added.put(Integer.valueOf((String) id), new Added(text, special));
                        }
                    });
        }
        return added;
    }

    private static Map<String, String> roles(SentencePieceModel model) {
        var ids = new LinkedHashMap<String, Integer>();
        ids.put("bos_token", model.bosId);
        ids.put("eos_token", model.eosId);
        ids.put("unk_token", model.unknownId);
        ids.put("pad_token", model.padId);
        var roles = new LinkedHashMap<String, String>();
        ids.forEach(
                (role, id) -> {
                    Optional<String> token = model.token(id);
                    token.ifPresent(text -> roles.put(role, text));
                });
        return roles;
    }
}
