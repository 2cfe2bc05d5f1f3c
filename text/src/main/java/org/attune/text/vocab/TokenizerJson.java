package org.attune.text.vocab;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/// Builds the text of a `tokenizer.json`: what stands in it first, then one of the models.
public final class TokenizerJson {
    /// Files of model folders that a `tokenizer.json` can be made of.
    public static final List<String> FILES = List.of("tokenizer.model", "tekken.json");

    private final Pieces vocabulary;
    private final ObjectNode root = Json.object();
    private final ArrayNode added;
    private final ArrayNode single = Json.array();
    private final ObjectNode ends = Json.object();
    private boolean nfc;
    private boolean wholeTokensFirst;

    /// What a vocabulary file was made into.
    ///
    /// @param text     of a `tokenizer.json`
    /// @param specials special tokens by role that the file has, for folders that name none
    public record OfFile(String text, Map<String, String> specials) {}

    /// Reads a file of a model folder that has no `tokenizer.json`.
    ///
    /// @param file   one of [#FILES]
    /// @param config `tokenizer_config.json`: `tokenizer_class`, `legacy`, `add_prefix_space`,
    ///     `add_bos_token`, `add_eos_token`, `added_tokens_decoder`
    /// @throws ModelException if the file is damaged, or cuts text in a way that Attune doesn't
    ///     know
    public static OfFile ofFile(Path file, Map<String, ?> config) {
        return VocabularyFiles.read(file, config);
    }

    /// @param tokens by id; no two are equal
    /// @param kinds  kind of each token
    /// @param scores SentencePiece's log-probabilities; empty for byte-level vocabularies
    public TokenizerJson(List<String> tokens, List<PieceKind> kinds, List<Float> scores) {
        vocabulary = new Pieces(tokens, kinds, scores);
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        added = root.putArray("added_tokens");
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    }

    /// Cuts a token out of texts before anything else.
    ///
    /// @param special whether it is left out of decoded text that is to have no special tokens
    void add(int id, String token, boolean special) {
        added.addObject()
                .put("id", id)
                .put("content", token)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", special);
    }

    /// Cuts the vocabulary's control tokens and those that its maker defined out of texts.
    public TokenizerJson addOwn() {
        for (int id = 0; id < vocabulary.size(); id++) {
            PieceKind kind = vocabulary.kinds().get(id);
            if (kind.isAdded()) {
                add(id, vocabulary.tokens().get(id), kind != PieceKind.USER_DEFINED);
            }
        }
        return this;
    }

    /// Puts a token before every text.
    public void beginWith(int id) {
        single.insert(0, specialToken(id));
    }

    /// Puts a token after every text.
    public void endWith(int id) {
        single.add(specialToken(id));
    }

    /// Says whether a byte-level BPE normalises text to Unicode's form C; else it doesn't.
    public TokenizerJson nfc(boolean normalises) {
        nfc = normalises;
        return this;
    }

    /// Says whether a byte-level BPE takes a piece that is a token without merging; else it
    /// doesn't.
    public TokenizerJson wholeTokensFirst(boolean takesWhole) {
        wholeTokensFirst = takesWhole;
        return this;
    }

    /// Completes a byte-level BPE.
    ///
    /// @param patterns regular expressions that cut text first (Oniguruma's syntax), one after the
    ///     other
    /// @param merges `left right`, best first
    /// @param where  what the merges are of; stands in messages
    public void byteLevel(List<String> patterns, List<String> merges, String where) {
        if (nfc) {
            root.putObject("normalizer").put("type", "NFC");
        } else {
            root.putNull("normalizer");
        }
        ArrayNode steps = sequence(root.putObject("pre_tokenizer"), "pretokenizers");
        for (String pattern : patterns) {
            ObjectNode split = steps.addObject().put("type", "Split");
            split.putObject("pattern").put("Regex", pattern);
            split.put("behavior", "Isolated").put("invert", false);
        }
        bytes(steps.addObject());
        if (single.size() == 1) {
            bytes(root.putObject("post_processor"));
        } else {
            template();
        }
        bytes(root.putObject("decoder"));
        merges(model(false, Optional.empty(), wholeTokensFirst), merges, where);
    }

    private static void merges(ObjectNode model, List<String> merges, String where) {
        merges.forEach(merge -> space(merge, where));
        model.putPOJO(
                "merges",
                new Large(
                        json -> {
                            json.writeStartArray();
                            for (String merge : merges) {
                                int space = space(merge, where);
                                writePair(
                                        json,
                                        merge.substring(0, space),
                                        merge.substring(space + 1));
                            }
                            json.writeEndArray();
                        }));
    }

    /// Where the space between the two tokens is; a token may begin with one.
    private static int space(String merge, String where) {
        int space = merge.indexOf(' ', 1);
        if (space < 0 || space == merge.length() - 1) {
            throw new ModelException(
                    ("%s: tokenizer.ggml.merges has \"%s\"; accepted: two tokens with a space "
                                    + "between")
                            .formatted(where, merge));
        }
        return space;
    }

    private static void writePair(JsonGenerator json, String left, String right)
            throws IOException {
        json.writeStartArray();
        json.writeString(left);
        json.writeString(right);
        json.writeEndArray();
    }

    /// A part of the text that would be a hundred thousand nodes.
    private record Large(Content content) implements JsonSerializable {
        interface Content {
            void write(JsonGenerator json) throws IOException;
        }

        @Override
        public void serialize(JsonGenerator json, SerializerProvider serializers)
                throws IOException {
            content.write(json);
        }

        @Override
        public void serializeWithType(
                JsonGenerator json, SerializerProvider serializers, TypeSerializer types)
                throws IOException {
            serialize(json, serializers);
        }
    }

    /// Completes a SentencePiece BPE as GGUF files have it: spaces become `▁`, unknown characters
    /// their bytes.
    ///
    /// @param spaceFirst whether a text begins with an invisible space
    public void sentencePiece(boolean spaceFirst, Optional<String> unknown) {
        sentencePiece(
                PieceRules.ofBytes(spaceFirst ? SpacePrefix.ALWAYS : SpacePrefix.NONE), unknown);
    }

    /// Completes a BPE of SentencePiece's form of which the merges are known: spaces become `▁`,
    /// unknown characters their bytes.
    ///
    /// @param merges `left right`, best first
    /// @param where  what the merges are of; stands in messages
    public void sentencePiece(List<String> merges, Optional<String> unknown, String where) {
        PieceRules.ofBytes(SpacePrefix.NONE).write(root, userDefined());
        ends();
        merges(model(true, unknown, false), merges, where);
    }

    /// Completes a SentencePiece BPE.
    void sentencePiece(PieceRules rules, Optional<String> unknown) {
        rules.write(root, userDefined());
        ends();
        List<SentencePieceMerges.Merge> merges = SentencePieceMerges.of(vocabulary);
        model(rules.bytes(), unknown, rules.isolates() && !userDefined().isEmpty())
                .put("fuse_unk", true)
                .putPOJO(
                        "merges",
                        new Large(
                                json -> {
                                    json.writeStartArray();
                                    for (SentencePieceMerges.Merge merge : merges) {
                                        writePair(json, merge.left(), merge.right());
                                    }
                                    json.writeEndArray();
                                }));
    }

    /// Completes a SentencePiece unigram model.
    ///
    /// @param unknownId id of the token for characters that no token has
    void unigram(PieceRules rules, int unknownId) {
        rules.write(root, userDefined());
        ends();
        root.putObject("model")
                .put("type", "Unigram")
                .put("unk_id", unknownId)
                .put("byte_fallback", rules.bytes())
                .putPOJO("vocab", new Large(this::writeScores));
    }

    private List<String> userDefined() {
        return IntStream.range(0, vocabulary.size())
                .filter(id -> vocabulary.kinds().get(id) == PieceKind.USER_DEFINED)
                .mapToObj(vocabulary.tokens()::get)
                .toList();
    }

    private void ends() {
        if (single.size() == 1) {
            root.putNull("post_processor");
        } else {
            template();
        }
    }

    /// The whole file.
    public String text() {
        return Json.compact(root);
    }

    private ObjectNode model(boolean byteFallback, Optional<String> unknown, boolean wholeFirst) {
        ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout");
        model.put("unk_token", unknown.orElse(null));
        model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
        model.put("fuse_unk", byteFallback);
        model.put("byte_fallback", byteFallback);
        model.put("ignore_merges", wholeFirst);
        model.putPOJO("vocab", new Large(this::writeIds));
        return model;
    }

    private void writeIds(JsonGenerator json) throws IOException {
        json.writeStartObject();
        for (int id = 0; id < vocabulary.size(); id++) {
            json.writeNumberField(vocabulary.tokens().get(id), id);
        }
        json.writeEndObject();
    }

    private void writeScores(JsonGenerator json) throws IOException {
        json.writeStartArray();
        for (int id = 0; id < vocabulary.size(); id++) {
            json.writeStartArray();
            json.writeString(vocabulary.tokens().get(id));
            json.writeNumber(vocabulary.scores().get(id).doubleValue());
            json.writeEndArray();
        }
        json.writeEndArray();
    }

    private ObjectNode specialToken(int id) {
        String token = vocabulary.tokens().get(id);
        ObjectNode end = ends.putObject(token).put("id", token);
        end.putArray("ids").add(id);
        end.putArray("tokens").add(token);
        ObjectNode piece = Json.object();
        piece.putObject("SpecialToken").put("id", token).put("type_id", 0);
        return piece;
    }

    /// A post-processor that adds the ends; for pairs of texts it adds them to both.
    private void template() {
        ObjectNode processor = root.putObject("post_processor").put("type", "TemplateProcessing");
        processor.set("single", single);
        ArrayNode pair = processor.putArray("pair").addAll(single.deepCopy());
        ArrayNode second = single.deepCopy();
        for (int i = 0; i < second.size(); i++) {
            ObjectNode piece = (ObjectNode) second.get(i).properties().iterator().next().getValue();
            piece.put("type_id", 1);
            if (second.get(i).has("Sequence")) {
                piece.put("id", "B");
            }
        }
        pair.addAll(second);
        processor.set("special_tokens", ends);
    }

    private static ArrayNode sequence(ObjectNode node, String key) {
        return node.put("type", "Sequence").putArray(key);
    }

    private static void bytes(ObjectNode node) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", false)
                .put("use_regex", false);
    }
}
