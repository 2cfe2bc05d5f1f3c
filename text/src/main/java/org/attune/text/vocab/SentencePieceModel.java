package org.attune.text.vocab;

import org.attune.error.ModelException;
import org.attune.text.vocab.ProtobufFields.Field;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A SentencePiece model file: the message `ModelProto` of `sentencepiece_model.proto`. What isn't
/// in the file has the default of that description.
final class SentencePieceModel {
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;

    final List<String> tokens = new ArrayList<>();
    final List<PieceKind> kinds = new ArrayList<>();
    final List<Float> scores = new ArrayList<>();
    boolean unigram = true;
    boolean byteFallback;
    int unknownId;
    int bosId = 1;
    int eosId = 2;
    int padId = -1;
    String charsMap = "";
    boolean prefixes = true;
    boolean squeezes = true;
    boolean escapes = true;

    private final String where;

    private SentencePieceModel(String where) {
        this.where = where;
    }

    /// @param where the file; stands in messages
    /// @throws ModelException if the file is damaged or cuts text in an unknown way
    static SentencePieceModel read(String where, ByteBuffer file) {
        var model = new SentencePieceModel(where);
        try {
            var fields = new ProtobufFields(file);
            for (Optional<Field> field; (field = fields.next()).isPresent(); ) {
                model.take(field.get());
            }
        } catch (IllegalArgumentException | CharacterCodingException e) {
            throw new ModelException(
                    where
                            + " is no SentencePiece model ("
                            + e.getMessage()
                            + "). Save the tokenizer with transformers' save_pretrained, which"
                            + " writes tokenizer.json",
                    e);
        }
        model.check();
        return model;
    }

    private void take(Field field) throws CharacterCodingException {
        var fields = new ProtobufFields(field.bytes());
        switch (field.number()) {
            case 1 -> piece(fields);
            case 2 -> all(fields, this::trainer);
            case 3 -> all(fields, this::normalizer);
            case 5 -> all(fields, this::denormalizer);
            default -> {} // data for self-tests
        }
    }

    private interface Reader {
        void take(Field field) throws CharacterCodingException;
    }

    private static void all(ProtobufFields fields, Reader reader) throws CharacterCodingException {
        for (Optional<Field> field; (field = fields.next()).isPresent(); ) {
            reader.take(field.get());
        }
    }

    private void piece(ProtobufFields fields) throws CharacterCodingException {
        String text = "";
        float score = 0;
        long kind = 1;
        for (Optional<Field> next; (next = fields.next()).isPresent(); ) {
            Field field = next.get();
            switch (field.number()) {
                case 1 -> text = text(field);
                case 2 -> score = field.asFloat();
                case 3 -> kind = field.value();
                default -> {}
            }
        }
        String problem = "piece " + tokens.size() + " has the type " + kind;
        kinds.add(PieceKind.of(kind).orElseThrow(() -> new IllegalArgumentException(problem)));
        tokens.add(text);
        scores.add(score);
    }

    private void trainer(Field field) {
        switch (field.number()) {
            case 3 -> {
                if (field.value() != UNIGRAM && field.value() != BPE) {
                    throw unknown("the model type " + field.value(), "unigram (1), BPE (2)");
                }
                unigram = field.value() == UNIGRAM;
            }
            case 24 -> {
                if (field.isTrue()) {
                    throw unknown("treat_whitespace_as_suffix", "spaces before words");
                }
            }
            case 35 -> byteFallback = field.isTrue();
            case 40 -> unknownId = (int) field.value();
            case 41 -> bosId = (int) field.value();
            case 42 -> eosId = (int) field.value();
            case 43 -> padId = (int) field.value();
            default -> {} // how it was trained
        }
    }

    private void normalizer(Field field) {
        switch (field.number()) {
            case 2 -> charsMap = base64(field.bytes());
            case 3 -> prefixes = field.isTrue();
            case 4 -> squeezes = field.isTrue();
            case 5 -> escapes = field.isTrue();
            default -> {}
        }
    }

    private void denormalizer(Field field) {
        if (field.number() == 2 && field.bytes().hasRemaining()) {
            throw unknown("replacements after decoding", "models without denormalizer");
        }
    }

    private ModelException unknown(String what, String accepted) {
        return new ModelException(
                "%s has %s, which Attune doesn't compute; accepted: %s"
                        .formatted(where, what, accepted));
    }

    private void check() {
        if (tokens.isEmpty()) {
            throw new ModelException(where + " has no pieces; is it really a SentencePiece model?");
        }
        Set<String> seen = new HashSet<>();
        for (int id = 0; id < tokens.size(); id++) {
            if (!seen.add(tokens.get(id))) {
                throw new ModelException(
                        "%s has the piece \"%s\" twice".formatted(where, tokens.get(id)));
            }
            if (unigram && kinds.get(id) == PieceKind.UNUSED) {
                throw unknown("unused pieces (the first is " + id + ")", "pieces in use");
            }
        }
        if (unigram && (unknownId < 0 || unknownId >= tokens.size())) {
            throw unknown("no piece for unknown characters", "ids below " + tokens.size());
        }
    }

    /// The text of a piece that may not be there.
    Optional<String> token(int id) {
        return id >= 0 && id < tokens.size() ? Optional.of(tokens.get(id)) : Optional.empty();
    }

    private static String text(Field field) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(field.bytes().duplicate()).toString();
    }

    private static String base64(ByteBuffer bytes) {
        return StandardCharsets.ISO_8859_1
                .decode(Base64.getEncoder().encode(bytes.duplicate()))
                .toString();
    }
}
