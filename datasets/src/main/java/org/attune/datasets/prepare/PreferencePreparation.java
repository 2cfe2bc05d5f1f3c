package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.formats.Sample;

import java.util.Arrays;
import java.util.OptionalInt;

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
                new PreferenceExample(cut(whole.chosen()), cut(whole.rejected()), whole.origin());
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
                RowPreparation.require(Sample.Preference.class, "a preference pair is", sample));
    }

    /// Whether TRL drops the pair: its prompt leaves no room, and the start is what stays.
    boolean promptFills(PreferenceExample whole) {
        OptionalInt limit = options.maxLength();
        return limit.isPresent()
                && options.truncationMode() == TruncationMode.KEEP_START
                && whole.chosen().completionStart() >= limit.getAsInt();
    }

    private CompletionTokens cut(CompletionTokens side) {
        int limit = options.maxLength().orElse(Integer.MAX_VALUE);
        int excess = side.length() - limit;
        if (excess <= 0) {
            return side;
        }
        return switch (options.truncationMode()) {
            case KEEP_START ->
                    new CompletionTokens(Arrays.copyOf(side.ids(), limit), side.completionStart());
            case KEEP_END ->
                    new CompletionTokens(
                            Arrays.copyOfRange(side.ids(), excess, side.length()),
                            Math.max(0, side.completionStart() - excess));
        };
    }

    private static int longest(PreferenceExample pair) {
        return Math.max(pair.chosen().length(), pair.rejected().length());
    }
}
