package org.attune.trainers.prepare;

import org.attune.error.DatasetException;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionTokens;

import java.util.Arrays;
import java.util.OptionalInt;

/// A prompt with its completion as one text, in token ids, as TRL's older trainers (BCO, CPO, ORPO)
/// make them of it: encoded without the tokenizer's own special tokens. The completion starts
/// behind as many tokens as the prompt alone has, or one before if the prompt's last token came to
/// join with it.
///
/// @param ids   prompt and completion, `(T)`
/// @param start where the completion begins, in `[0, T]`
@SuppressWarnings("ArrayRecordComponent") // a named tuple inside the package, never compared
record JoinedText(int[] ids, int start) {
    /// @throws DatasetException if both have fewer tokens than the prompt alone
    static JoinedText of(Tokenizer tokenizer, String prompt, String both) {
        int[] alone = tokenizer.encode(prompt, false);
        int[] ids = tokenizer.encode(both, false);
        if (ids.length < alone.length) {
            throw new DatasetException(
                    ("prompt and completion together have %d tokens, the prompt alone has %d: the"
                                    + " completion joins with the prompt's end; end the prompt"
                                    + " where a word ends")
                            .formatted(ids.length, alone.length));
        }
        boolean begins = Arrays.equals(alone, Arrays.copyOf(ids, alone.length));
        return new JoinedText(ids, begins ? alone.length : alone.length - 1);
    }

    /// Adds EOS at the end, unless the completion ends with it or there is no such token.
    JoinedText closed(Tokenizer tokenizer) {
        OptionalInt eos = tokenizer.eosId();
        boolean ends = start < ids.length && eos.equals(OptionalInt.of(ids[ids.length - 1]));
        if (eos.isEmpty() || ends) {
            return this;
        }
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = eos.getAsInt();
        return new JoinedText(closed, start);
    }

    /// Adds BOS before the prompt, unless the prompt begins with it or there is no such token.
    JoinedText opened(Tokenizer tokenizer) {
        OptionalInt bos = tokenizer.bosId();
        boolean begins = start > 0 && bos.equals(OptionalInt.of(ids[0]));
        if (bos.isEmpty() || begins) {
            return this;
        }
        int[] opened = new int[ids.length + 1];
        opened[0] = bos.getAsInt();
        System.arraycopy(ids, 0, opened, 1, ids.length);
        return new JoinedText(opened, start + 1);
    }

    /// Cuts the end of the completion that is beyond a length; the prompt stays whole.
    JoinedText cut(int length) {
        return ids.length <= length
                ? this
                : new JoinedText(Arrays.copyOf(ids, Math.max(start, length)), start);
    }

    CompletionTokens tokens() {
        return new CompletionTokens(ids, start);
    }
}
