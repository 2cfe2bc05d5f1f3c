package org.attune.datasets.prepare;

import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.Tokenizer;

import java.util.Arrays;
import java.util.OptionalInt;

/// Turns labelled completions into token ids as TRL's last `BCOTrainer` does, which is not as
/// [SampleTokenizer] does it for other methods:
///
/// - prompt and completion are one text, encoded without the tokenizer's own special tokens; the
///   completion starts behind as many tokens as the prompt alone has, or one before if the prompt's
///   last token came to join with it;
/// - what is longer than `max_length` loses the completion's end, never a token of the prompt.
///   Where that leaves no token of the completion, TRL trains on the prompt and an EOS, however
///   long they are; here the row has no place, as in TRL's KTO and DPO;
/// - then BOS is put before the prompt and EOS behind the completion, unless they are there. Their
///   places are kept free in `max_length`, that of BOS even where there is no such token.
///
/// Borrows its parts; thread-safe.
final class BcoTokenizer {
    private final SampleTokenizer samples;
    private final Tokenizer tokenizer;
    private final OptionalInt maxLength;

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    BcoTokenizer(SampleTokenizer samples, OptionalInt maxLength) {
        this.samples = samples;
        tokenizer = samples.tokenizer();
        this.maxLength = maxLength;
    }

    /// What became of a row.
    sealed interface Tokenized {
        /// @param row    what is trained on
        /// @param before tokens that it had before it was cut
        record Row(UnpairedExample row, int before) implements Tokenized {}

        /// Nothing of the completion fits.
        ///
        /// @param prompt tokens of the prompt
        record Full(int prompt) implements Tokenized {}
    }

    /// @throws DatasetException if prompt or completion has no tokens, both have fewer than the
    ///     prompt alone, or the template refuses the messages
    Tokenized tokenize(Sample.UnpairedPreference row) {
        SampleTokenizer.Texts texts = samples.texts(row.prompt(), row.completion(), row.options());
        int[] alone = tokenizer.encode(texts.prompt(), false);
        int[] both = tokenizer.encode(texts.both(), false);
        int start = start(alone, both);
        int kept = kept(both, start);
        if (kept <= 0) {
            return new Tokenized.Full(start);
        }
        int[] ids = closed(Arrays.copyOf(both, start + kept));
        int opened = opens(both) ? 1 : 0;
        var tokens = new CompletionTokens(opened == 1 ? withBos(ids) : ids, start + opened);
        int cut = both.length - start - kept;
        return new Tokenized.Row(
                new UnpairedExample(tokens, row.label(), row.row().origin()),
                tokens.length() + cut);
    }

    private static int start(int[] alone, int[] both) {
        if (both.length < alone.length) {
            throw new DatasetException(
                    ("prompt and completion together have %d tokens, the prompt alone has %d: the"
                                    + " completion joins with the prompt's end; end the prompt"
                                    + " where a word ends")
                            .formatted(both.length, alone.length));
        }
        boolean begins = Arrays.equals(alone, Arrays.copyOf(both, alone.length));
        int start = begins ? alone.length : alone.length - 1;
        if (start < 1) {
            throw new DatasetException("the prompt has no tokens; give one, or leave the row out");
        }
        if (start == both.length) {
            throw new DatasetException(
                    "the completion has no tokens; give one, or leave the row out");
        }
        return start;
    }

    /// Tokens of the completion that fit; negative where the prompt alone doesn't.
    private int kept(int[] both, int start) {
        int completion = both.length - start;
        if (maxLength.isEmpty()) {
            return completion;
        }
        int limit = maxLength.getAsInt();
        limit -= tokenizer.bosId().equals(OptionalInt.of(both[0])) ? 0 : 1;
        limit -= tokenizer.eosId().equals(OptionalInt.of(both[both.length - 1])) ? 0 : 1;
        return Math.min(completion, limit - start);
    }

    private int[] closed(int[] ids) {
        OptionalInt eos = tokenizer.eosId();
        if (eos.isEmpty() || ids[ids.length - 1] == eos.getAsInt()) {
            return ids;
        }
        int[] closed = Arrays.copyOf(ids, ids.length + 1);
        closed[ids.length] = eos.getAsInt();
        return closed;
    }

    private boolean opens(int[] both) {
        return tokenizer.bosId().isPresent() && tokenizer.bosId().getAsInt() != both[0];
    }

    private int[] withBos(int[] ids) {
        int[] opened = new int[ids.length + 1];
        opened[0] = tokenizer.bosId().getAsInt();
        System.arraycopy(ids, 0, opened, 1, ids.length);
        return opened;
    }
}
