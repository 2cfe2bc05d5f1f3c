package org.attune.text;

import java.nio.file.Path;
import java.util.OptionalInt;

/// A Hugging Face fast tokenizer (`tokenizer.json`). Truncation and padding that the file asks for
/// are off. Thread-safe.
public final class HfTokenizer implements Tokenizer {
    private HfTokenizer() {}

    /// Loads `tokenizer.json` and the special tokens of a model folder.
    ///
    /// @throws org.attune.error.ModelException if a file is missing or damaged
    public static HfTokenizer load(Path folder) {
        throw new UnsupportedOperationException();
    }

    /// A tokenizer from the text of a `tokenizer.json`.
    ///
    /// @param name where the text comes from; stands in messages
    /// @throws org.attune.error.ModelException if the text is no tokenizer, or a special token is
    ///     not in its vocabulary
    public static HfTokenizer of(String name, String tokenizerJson, SpecialTokens specials) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Encoding encodeWithOffsets(String text, boolean addSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String token(int id) {
        throw new UnsupportedOperationException();
    }

    @Override
    public OptionalInt id(String token) {
        throw new UnsupportedOperationException();
    }

    @Override
    public OptionalInt bosId() {
        throw new UnsupportedOperationException();
    }

    @Override
    public OptionalInt eosId() {
        throw new UnsupportedOperationException();
    }

    @Override
    public OptionalInt padId() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int vocabularySize() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
