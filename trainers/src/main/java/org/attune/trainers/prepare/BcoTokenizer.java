package org.attune.trainers.prepare;

import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.UnpairedExample;

import java.util.OptionalInt;

/// Turns labelled completions into token ids as TRL's last `BCOTrainer` does, which is not as
/// [SampleTokenizer] does it for other methods:
///
/// - prompt and completion are one text ([JoinedText]);
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
        JoinedText both = JoinedText.of(tokenizer, texts.prompt(), texts.both());
        requireTokens(both);
        int kept = kept(both);
        if (kept <= 0) {
            return new Tokenized.Full(both.start());
        }
        JoinedText cut = both.cut(both.start() + kept);
        CompletionTokens tokens = cut.closed(tokenizer).opened(tokenizer).tokens();
        int lost = both.ids().length - cut.ids().length;
        return new Tokenized.Row(
                new UnpairedExample(tokens, row.label(), row.row().origin()),
                tokens.length() + lost);
    }

    private static void requireTokens(JoinedText both) {
        if (both.start() < 1) {
            throw new DatasetException("the prompt has no tokens; give one, or leave the row out");
        }
        if (both.start() == both.ids().length) {
            throw new DatasetException(
                    "the completion has no tokens; give one, or leave the row out");
        }
    }

    /// Tokens of the completion that fit; negative where the prompt alone doesn't.
    private int kept(JoinedText both) {
        int[] ids = both.ids();
        int completion = ids.length - both.start();
        if (maxLength.isEmpty()) {
            return completion;
        }
        int limit = maxLength.getAsInt();
        limit -= tokenizer.bosId().equals(OptionalInt.of(ids[0])) ? 0 : 1;
        limit -= tokenizer.eosId().equals(OptionalInt.of(ids[ids.length - 1])) ? 0 : 1;
        return Math.min(completion, limit - both.start());
    }
}
