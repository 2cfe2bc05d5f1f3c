package org.attune.text;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;
import java.util.OptionalInt;

/// Turns text into token ids and back. Thread-safe.
@Api(EXPERIMENTAL)
public interface Tokenizer extends AutoCloseable {
    /// Token ids of `text`; control tokens in the text become their ids.
    ///
    /// @param addSpecialTokens whether the tokenizer's own BOS/EOS rules apply (chat text: no, the
    ///     template writes them)
    default int[] encode(String text, boolean addSpecialTokens) {
        return encodeWithOffsets(text, addSpecialTokens).ids();
    }

    /// Token ids with the span of `text` (UTF-16 units) that each covers.
    Encoding encodeWithOffsets(String text, boolean addSpecialTokens);

    /// Encodes text without special tokens, and reads a control token in it as ordinary text. Ids
    /// come with the span of `text` (UTF-16 units) that each covers.
    default Encoding encodeAsText(String text) {
        return encodeWithOffsets(text, false);
    }

    /// Texts that become one token wherever they stand: control tokens and other added tokens.
    default List<String> addedTokens() {
        return List.of();
    }

    /// Text of `ids`.
    String decode(int[] ids, boolean skipSpecialTokens);

    /// A decoder that is fed ids one by one and never emits half a character.
    StreamDecoder streamDecoder(boolean skipSpecialTokens);

    /// The text of one token as it stands in the vocabulary, or null if there is none.
    String token(int id);

    /// The bytes that a token adds to a text; empty for control tokens and ids without a token. A
    /// blank that decoding strips from the beginning of a text is among them.
    ///
    /// @throws org.attune.error.ModelException if they aren't known
    default byte[] tokenBytes(int id) {
        return TokenSpelling.UNKNOWN.bytes(token(id));
    }

    /// The id of a token's exact vocabulary text.
    OptionalInt id(String token);

    OptionalInt bosId();

    OptionalInt eosId();

    OptionalInt padId();

    /// Number of ids, added tokens included.
    int vocabularySize();

    @Override
    void close();

    /// @param ids   token ids
    /// @param start first UTF-16 unit of each token's span
    /// @param end   one past the last UTF-16 unit
    record Encoding(int[] ids, int[] start, int[] end) {}

    /// Incremental decoding of one sequence.
    interface StreamDecoder {
        /// The text that became certain with this id; often empty.
        String push(int id);

        /// What is left at the end.
        String flush();
    }
}
