package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.error.ConfigException;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PreferenceExample;

import java.util.OptionalInt;

/// Prepares preference pairs for ORPO and CPO as TRL's trainers do, which is not as for DPO:
///
/// - prompt and completion are one text ([JoinedText]); each side has its own start;
/// - then BOS is put before the prompt and EOS behind the completion, unless they are there. So a
///   conversation ends with EOS too, behind what its template writes at the end;
/// - what is longer than `max_length` loses the completion's end, that EOS with it, and never a
///   token of the prompt.
///
/// A pair whose prompt leaves no token of a completion is left out. TRL keeps it, with a warning:
/// the mean over no tokens is not a number, and a sum over none teaches nothing. With `keepsEmpty`
/// it is kept, for sums.
public final class AnswerPairPreparation implements RowPreparation<ImitationPair> {
    private static final String FULL = "the prompt fills max_length";
    private static final String EMPTY = "a side has no token to predict";

    private final SampleTokenizer samples;
    private final OptionalInt maxLength;
    private final Imitated imitated;
    private final boolean keepsEmpty;
    private final BadRowPolicy onBadRow;

    /// What of the chosen side is imitated.
    public enum Imitated {
        /// The completion (CPO).
        COMPLETION,
        /// Prompt and completion (ORPO).
        ALL,
        /// Nothing (SimPO, AlphaPO).
        NOTHING
    }

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    /// @param keepsEmpty whether pairs with a completion without tokens are kept
    /// @throws ConfigException if the length isn't positive
    public AnswerPairPreparation(
            SampleTokenizer samples,
            OptionalInt maxLength,
            Imitated imitated,
            boolean keepsEmpty,
            BadRowPolicy onBadRow) {
        SampleTokenizer.requirePositive("max_length", maxLength);
        this.samples = samples;
        this.maxLength = maxLength;
        this.imitated = imitated;
        this.keepsEmpty = keepsEmpty;
        this.onBadRow = onBadRow;
    }

    @Override
    public BadRowPolicy onBadRow() {
        return onBadRow;
    }

    @Override
    public Shaped<ImitationPair> shape(Sample sample) {
        Sample.Preference row =
                RowPreparation.require(Sample.Preference.class, "a preference pair is", sample);
        SampleTokenizer.Texts chosen = samples.texts(row.prompt(), row.chosen(), row.options());
        SampleTokenizer.Texts rejected = samples.texts(row.prompt(), row.rejected(), row.options());
        // What a template writes otherwise before either completion belongs to both of them.
        String prompt =
                chosen.prompt().length() < rejected.prompt().length()
                        ? chosen.prompt()
                        : rejected.prompt();
        JoinedText better = whole(prompt, chosen.both());
        JoinedText worse = whole(prompt, rejected.both());
        int limit = maxLength.orElse(Integer.MAX_VALUE);
        var pair =
                new PreferenceExample(
                        better.cut(limit).tokens(), worse.cut(limit).tokens(), row.row().origin());
        if (!keepsEmpty
                && (pair.chosen().trainedTokens() == 0 || pair.rejected().trainedTokens() == 0)) {
            return better.start() < limit
                    ? new Shaped.Left<>(EMPTY, "")
                    : new Shaped.Left<>(FULL, "%d tokens of %d".formatted(better.start(), limit));
        }
        return new Shaped.Kept<>(
                new ImitationPair(pair, imitated(pair.chosen()), false),
                Math.max(better.ids().length, worse.ids().length),
                Math.max(pair.chosen().length(), pair.rejected().length()));
    }

    private JoinedText whole(String prompt, String both) {
        Tokenizer tokenizer = samples.tokenizer();
        return JoinedText.of(tokenizer, prompt, both).closed(tokenizer).opened(tokenizer);
    }

    private CompletionTokens imitated(CompletionTokens chosen) {
        return switch (imitated) {
            case COMPLETION -> chosen;
            case ALL -> chosen.startingAt(0);
            case NOTHING -> chosen.startingAt(chosen.length());
        };
    }

    @Override
    public long trained(ImitationPair row) {
        PreferenceExample pair = row.pair();
        return (long) Math.max(pair.chosen().trainedTokens(), row.imitated().trainedTokens())
                + pair.rejected().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }
}
