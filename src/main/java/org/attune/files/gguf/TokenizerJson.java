package org.attune.files.gguf;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.ModelException;
import org.attune.files.gguf.GgufVocabulary.Kind;
import org.attune.json.Json;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/// Builds the text of a `tokenizer.json` from a GGUF vocabulary.
final class TokenizerJson {
    private static final String SPACE = "▁";

    private final GgufVocabulary vocabulary;
    private final ObjectNode root = Json.object();
    private final ArrayNode single = Json.array();
    private final ObjectNode ends = Json.object();

    TokenizerJson(GgufVocabulary vocabulary) {
        this.vocabulary = vocabulary;
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        addedTokens(root.putArray("added_tokens"));
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
    }

    /// Puts a token before every text.
    void beginWith(int id) {
        single.insert(0, specialToken(id));
    }

    /// Puts a token after every text.
    void endWith(int id) {
        single.add(specialToken(id));
    }

    /// Completes a byte-level BPE.
    ///
    /// @param merges `left right`, best first
    void byteLevel(GgufPreTokenizer rule, List<String> merges, String where) {
        if (rule.nfc()) {
            root.putObject("normalizer").put("type", "NFC");
        } else {
            root.putNull("normalizer");
        }
        ArrayNode steps = sequence(root.putObject("pre_tokenizer"), "pretokenizers");
        for (String pattern : rule.patterns()) {
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
        ObjectNode model = model(false, Optional.empty(), rule.wholeTokensFirst());
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

    /// Completes a SentencePiece BPE: spaces become `▁`, unknown characters their bytes.
    ///
    /// @param spaceFirst whether a text begins with an invisible space
    void sentencePiece(boolean spaceFirst, Optional<String> unknown) {
        ArrayNode normalizers = sequence(root.putObject("normalizer"), "normalizers");
        if (spaceFirst) {
            normalizers.addObject().put("type", "Prepend").put("prepend", SPACE);
        }
        replace(normalizers.addObject(), " ", SPACE);
        root.putNull("pre_tokenizer");
        if (single.size() == 1) {
            root.putNull("post_processor");
        } else {
            template();
        }
        ArrayNode decoders = sequence(root.putObject("decoder"), "decoders");
        replace(decoders.addObject(), SPACE, " ");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        if (spaceFirst) {
            decoders.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        List<SentencePieceMerges.Merge> merges = SentencePieceMerges.of(vocabulary);
        model(true, unknown, false)
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

    String text() {
        return Json.compact(root);
    }

    private void addedTokens(ArrayNode added) {
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            Kind kind = vocabulary.kinds().get(id);
            if (kind.isAdded()) {
                added.addObject()
                        .put("id", id)
                        .put("content", vocabulary.tokens().get(id))
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", false)
                        .put("normalized", false)
                        .put("special", kind != Kind.USER_DEFINED);
            }
        }
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
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            json.writeNumberField(vocabulary.tokens().get(id), id);
        }
        json.writeEndObject();
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

    private static void replace(ObjectNode node, String from, String to) {
        node.put("type", "Replace").putObject("pattern").put("String", from);
        node.put("content", to);
    }
}
