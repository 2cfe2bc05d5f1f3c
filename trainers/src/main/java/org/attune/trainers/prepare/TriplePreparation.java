package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PreferenceExample;

/// Prepares pairs with a third answer, column `reference`, as TRL's `TPOTrainer` does: tokenise as
/// for DPO, cut each sequence to `max_length`.
///
/// A row whose prompt leaves no token of an answer is left out, as in DPO; TRL keeps it, and so
/// does `keepsEmpty`.
///
/// @param tokenizer borrowed
/// @param options what is cut
/// @param imitates whether the third answer is wanted; else it is left out
/// @param keepsEmpty whether rows with an answer without tokens are kept
public record TriplePreparation(
        SampleTokenizer tokenizer,
        PreferenceOptions options,
        boolean imitates,
        boolean keepsEmpty,
        BadRowPolicy onBadRow)
        implements RowPreparation<ImitationPair> {
    private static final String FULL = "the prompt fills max_length";
    private static final String EMPTY = "an answer has no token to predict";

    @Override
    public Shaped<ImitationPair> shape(Sample sample) {
        ImitationPair whole = whole(sample);
        CompletionTokens chosen = options.cut(whole.pair().chosen());
        CompletionTokens rejected = options.cut(whole.pair().rejected());
        var pair = new PreferenceExample(chosen, rejected, whole.pair().origin());
        var row =
                imitates
                        ? new ImitationPair(pair, options.cut(whole.imitated()), true)
                        : new ImitationPair(pair, chosen.startingAt(chosen.length()), false);
        if (!keepsEmpty && hasEmpty(row)) {
            int prompt = whole.pair().chosen().completionStart();
            return options.isFilledBy(prompt)
                    ? new Shaped.Left<>(
                            FULL,
                            "%d tokens of %d".formatted(prompt, options.maxLength().orElseThrow()))
                    : new Shaped.Left<>(EMPTY, "");
        }
        return new Shaped.Kept<>(row, longest(whole), longest(row));
    }

    private boolean hasEmpty(ImitationPair row) {
        return row.pair().chosen().trainedTokens() == 0
                || row.pair().rejected().trainedTokens() == 0
                || imitates && row.imitated().trainedTokens() == 0;
    }

    private int longest(ImitationPair row) {
        int pair = Math.max(row.pair().chosen().length(), row.pair().rejected().length());
        return imitates ? Math.max(pair, row.imitated().length()) : pair;
    }

    /// The row before anything is dropped or cut.
    ImitationPair whole(Sample sample) {
        return tokenizer.tokenize(
                RowPreparation.require(
                        Sample.Triple.class, "a preference pair with a reference is", sample));
    }

    @Override
    public long trained(ImitationPair row) {
        return (long) row.pair().chosen().trainedTokens()
                + row.pair().rejected().trainedTokens()
                + row.imitated().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }
}
