package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.trainers.examples.PreferenceExample;

/// Prepares preference pairs for DPO and its relatives as TRL's `DPOTrainer` does: tokenise, drop
/// pairs whose prompt alone fills `max_length` (`keep_start` only), cut each side to
/// `max_length`.
///
/// @param tokenizer borrowed
/// @param options what is cut
public record PreferencePreparation(
        SampleTokenizer tokenizer, PreferenceOptions options, BadRowPolicy onBadRow)
        implements RowPreparation<PreferenceExample> {
    private static final String FULL = "the prompt fills max_length";
    private static final String EMPTY = "a side has no token to predict";

    @Override
    public Shaped<PreferenceExample> shape(Sample sample) {
        PreferenceExample whole = whole(sample);
        if (promptFills(whole)) {
            return new Shaped.Left<>(
                    FULL,
                    "%d tokens of %d"
                            .formatted(
                                    whole.chosen().completionStart(),
                                    options.maxLength().orElseThrow()));
        }
        PreferenceExample pair =
                new PreferenceExample(
                        options.cut(whole.chosen()), options.cut(whole.rejected()), whole.origin());
        if (pair.chosen().trainedTokens() == 0 || pair.rejected().trainedTokens() == 0) {
            return new Shaped.Left<>(EMPTY, "");
        }
        return new Shaped.Kept<>(pair, longest(whole), longest(pair));
    }

    @Override
    public long trained(PreferenceExample pair) {
        return (long) pair.chosen().trainedTokens() + pair.rejected().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }

    /// The pair before anything is dropped or cut.
    PreferenceExample whole(Sample sample) {
        return tokenizer.tokenize(
                RowPreparation.require(Sample.Preference.class, "a preference pair is", sample),
                options.assistantOnlyLoss());
    }

    /// Whether TRL drops the pair: its prompt leaves no room, and the start is what stays.
    boolean promptFills(PreferenceExample whole) {
        return options.isFilledBy(whole.chosen().completionStart());
    }

    private static int longest(PreferenceExample pair) {
        return Math.max(pair.chosen().length(), pair.rejected().length());
    }
}
