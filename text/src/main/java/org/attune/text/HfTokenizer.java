package org.attune.text;

import ai.djl.huggingface.tokenizers.jni.CharSpan;

import org.attune.error.DatasetException;
import org.attune.error.ModelException;
import org.attune.images.SeenPicture;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A Hugging Face fast tokenizer (`tokenizer.json`). Truncation and padding that the file asks for
/// are off. Thread-safe; owns native memory, so close it.
public final class HfTokenizer implements Tokenizer {
    private final String json;
    private final NativeTokenizer tokenizer;
    private final Vocabulary vocabulary;
    private final OptionalInt bosId;
    private final OptionalInt eosId;
    private final OptionalInt padId;

    /// Ids of added tokens but those of white space, which are text.
    private final Set<Integer> controlIds;

    private final Set<Integer> addedBlankIds; // white space

    /// Made on first use, guarded by `this`.
    private NativeTokenizer asText;

    private boolean closed;

    private HfTokenizer(
            String name,
            String json,
            NativeTokenizer tokenizer,
            Vocabulary vocabulary,
            SpecialTokens specials) {
        this.json = json;
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.controlIds = ids(vocabulary, ControlTokenGuard.control(vocabulary.addedTokens()));
        Set<Integer> blank = new HashSet<>(ids(vocabulary, vocabulary.addedTokens()));
        blank.removeAll(controlIds);
        this.addedBlankIds = Set.copyOf(blank);
        this.bosId = requireKnown(name, "bos_token", specials.bos().orElse(null));
        this.eosId = requireKnown(name, "eos_token", specials.eos().orElse(null));
        this.padId = specials.pad().map(vocabulary::id).orElse(OptionalInt.empty());
    }

    private static Set<Integer> ids(Vocabulary vocabulary, List<String> tokens) {
        return tokens.stream()
                .flatMapToInt(token -> vocabulary.id(token).stream())
                .boxed()
                .collect(Collectors.toUnmodifiableSet());
    }

    private OptionalInt requireKnown(String name, String role, String token) {
        if (token == null) {
            return OptionalInt.empty();
        }
        OptionalInt id = vocabulary.id(token);
        if (id.isEmpty()) {
            throw new ModelException(
                    "%s \"%s\" is not in the vocabulary of %s; name a token that is"
                            .formatted(role, token, name));
        }
        return id;
    }

    /// Loads `tokenizer.json` and the special tokens of a model folder.
    ///
    /// @throws ModelException if a file is missing or damaged
    public static HfTokenizer load(Path folder) {
        return TextAssets.load(folder).tokenizer();
    }

    /// A tokenizer from the text of a `tokenizer.json`.
    ///
    /// @param name where the text comes from; stands in messages
    /// @throws ModelException if the text is no tokenizer, or the BOS or EOS token is not in its
    ///     vocabulary
    public static HfTokenizer of(String name, String tokenizerJson, SpecialTokens specials) {
        return of(name, tokenizerJson, Vocabulary.read(name, tokenizerJson), specials);
    }

    static HfTokenizer of(
            String name, String tokenizerJson, Vocabulary vocabulary, SpecialTokens specials) {
        NativeTokenizer tokenizer = NativeTokenizer.open(name, tokenizerJson);
        try {
            return new HfTokenizer(name, tokenizerJson, tokenizer, vocabulary, specials);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    @Override
    public int[] encode(String text, boolean addSpecialTokens) {
        requireCharacters(text);
        return ints(tokenizer.encode(text, addSpecialTokens, false).ids());
    }

    /// Token ids with the span of `text` that each covers. Tokens that cover no text (a BOS that
    /// the tokenizer adds) have an empty span at 0. Tokens inside one character have overlapping
    /// spans.
    ///
    /// @throws DatasetException if `text` holds a lone surrogate, which is no character
    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        requireCharacters(text);
        return encoding(text, tokenizer.encode(text, addSpecialTokens, true));
    }

    /// The first call builds a second tokenizer without added tokens, which takes as long as
    /// loading. Where that one finds a control token too, since the vocabulary has it, the text is
    /// cut behind the token's first character.
    @Override
    public Encoding encodeAsText(String text) {
        requireCharacters(text);
        Encoding whole = encoding(text, withoutAddedTokens().encode(text, false, true));
        int[] cuts =
                IntStream.range(0, whole.ids().length)
                        .filter(i -> controlIds.contains(whole.ids()[i]))
                        .map(i -> text.offsetByCodePoints(whole.start()[i], 1))
                        .filter(cut -> cut < text.length())
                        .toArray();
        return cuts.length == 0 ? whole : encodeParts(text, cuts);
    }

    private Encoding encodeParts(String text, int[] cuts) {
        IntStream.Builder ids = IntStream.builder();
        IntStream.Builder start = IntStream.builder();
        IntStream.Builder end = IntStream.builder();
        int from = 0;
        for (int k = 0; k <= cuts.length; k++) {
            int to = k < cuts.length ? cuts[k] : text.length();
            Encoding part = encodeAsText(text.substring(from, to));
            for (int i = 0; i < part.ids().length; i++) {
                ids.add(part.ids()[i]);
                start.add(from + part.start()[i]);
                end.add(from + part.end()[i]);
            }
            from = to;
        }
        return new Encoding(ids.build().toArray(), start.build().toArray(), end.build().toArray());
    }

    private synchronized NativeTokenizer withoutAddedTokens() {
        if (closed) {
            throw new IllegalStateException("this tokenizer has been closed");
        }
        if (asText == null) {
            asText = NativeTokenizer.open("tokenizer.json", Vocabulary.withoutAddedTokens(json));
        }
        return asText;
    }

    private static Encoding encoding(String text, NativeTokenizer.Encoded encoded) {
        int[] units = unitIndexes(text);
        CharSpan[] spans = encoded.spans();
        int[] start = new int[spans.length];
        int[] end = new int[spans.length];
        for (int i = 0; i < spans.length; i++) {
            if (spans[i] != null) {
                start[i] = units == null ? spans[i].getStart() : units[spans[i].getStart()];
                end[i] = units == null ? spans[i].getEnd() : units[spans[i].getEnd()];
            }
        }
        return new Encoding(ints(encoded.ids()), start, end);
    }

    /// The UTF-16 index of each code point, or null if they are the same.
    private static int[] unitIndexes(String text) {
        int count = text.codePointCount(0, text.length());
        if (count == text.length()) {
            return null;
        }
        int[] units = new int[count + 1];
        for (int i = 0, unit = 0; i < count; i++) {
            unit += Character.charCount(text.codePointAt(unit));
            units[i + 1] = unit;
        }
        return units;
    }

    private static void requireCharacters(String text) {
        int i = 0;
        while (i < text.length()) {
            int c = text.codePointAt(i);
            if (c <= Character.MAX_VALUE && Character.isSurrogate((char) c)) {
                throw new DatasetException(
                        ("the text holds the lone surrogate \\u%04x at position %d, which is no"
                                        + " character and can't be tokenized; remove it")
                                .formatted(c, i));
            }
            i += Character.charCount(c);
        }
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        // rows of pictures have no text
        long[] longs =
                Arrays.stream(ids)
                        .map(id -> SeenPicture.textOr(id, -1))
                        .filter(id -> id >= 0)
                        .asLongStream()
                        .toArray();
        return tokenizer.decode(longs, skipSpecialTokens);
    }

    private static int[] ints(long[] values) {
        int[] ints = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            ints[i] = (int) values[i];
        }
        return ints;
    }

    @Override
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        return new DecodeStream(this, skipSpecialTokens);
    }

    @Override
    public String token(int id) {
        return vocabulary.token(id);
    }

    @Override
    public byte[] tokenBytes(int id) {
        if (controlIds.contains(id)) {
            return new byte[0];
        }
        return addedBlankIds.contains(id)
                ? vocabulary.token(id).getBytes(StandardCharsets.UTF_8)
                : vocabulary.bytes(id);
    }

    @Override
    public OptionalInt id(String token) {
        return vocabulary.id(token);
    }

    @Override
    public OptionalInt bosId() {
        return bosId;
    }

    @Override
    public OptionalInt eosId() {
        return eosId;
    }

    /// The id of the padding token; empty if there is none or it is not in the vocabulary.
    @Override
    public OptionalInt padId() {
        return padId;
    }

    @Override
    public int vocabularySize() {
        return vocabulary.size();
    }

    @Override
    public List<String> addedTokens() {
        return vocabulary.addedTokens();
    }

    /// The text of the `tokenizer.json` this was made from, e.g. to save it with a model.
    public String json() {
        return json;
    }

    @Override
    public synchronized void close() {
        closed = true;
        tokenizer.close();
        if (asText != null) {
            asText.close();
        }
    }
}
