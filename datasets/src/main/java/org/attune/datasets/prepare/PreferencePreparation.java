package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.CompletionTokens;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.datasets.prepare.PreparationReport.Truncated;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/// Prepares preference pairs for DPO and its relatives as TRL's `DPOTrainer` does: tokenise, drop
/// pairs whose prompt alone fills `max_length` (`keep_start` only), cut each side to
/// `max_length`.
public final class PreferencePreparation {
    private static final String FULL = "the prompt fills max_length";
    private static final String REFUSED = "the row can't be tokenised";
    private static final String EMPTY = "a side has no token to predict";

    private final SampleTokenizer tokenizer;
    private final PreferenceOptions options;
    private final BadRowPolicy onBadRow;

    public PreferencePreparation(
            SampleTokenizer tokenizer, PreferenceOptions options, BadRowPolicy onBadRow) {
        this.tokenizer = tokenizer;
        this.options = options;
        this.onBadRow = onBadRow;
    }

    /// Prepares all pairs, once.
    ///
    /// @param samples all of the type preference
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be tokenised and bad rows
    ///     are errors; or if nothing is left to train on
    public Prepared<PreferenceExample> prepare(List<? extends Sample> samples, int threads) {
        List<Outcome> outcomes = ParallelRows.map(List.<Sample>copyOf(samples), threads, this::one);
        var dropped = new ArrayList<Dropped>();
        var truncated = new ArrayList<Truncated>();
        var pairs = new ArrayList<PreferenceExample>();
        for (Outcome outcome : outcomes) {
            switch (outcome) {
                case Outcome.Kept(PreferenceExample pair, int before) -> {
                    pairs.add(pair);
                    int after = longest(pair);
                    if (after < before) {
                        truncated.add(new Truncated(pair.origin(), before, after));
                    }
                }
                case Outcome.Left(Dropped row) -> dropped.add(row);
            }
        }
        if (pairs.isEmpty()) {
            throw SftPreparation.nothingLeft(samples.size(), dropped);
        }
        return new Prepared<>(
                pairs,
                new PreparationReport(
                        samples.size(),
                        pairs.size(),
                        pairs.stream().mapToLong(PreferenceExample::length).sum(),
                        pairs.stream()
                                .mapToLong(
                                        pair ->
                                                pair.chosen().trainedTokens()
                                                        + pair.rejected().trainedTokens())
                                .sum(),
                        dropped,
                        truncated));
    }

    private sealed interface Outcome {
        record Kept(PreferenceExample pair, int lengthBefore) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        PreferenceExample whole;
        try {
            whole = whole(sample);
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
        if (promptFills(whole)) {
            return new Outcome.Left(
                    new Dropped(
                            whole.origin(),
                            FULL,
                            "%d tokens of %d"
                                    .formatted(
                                            whole.chosen().completionStart(),
                                            options.maxLength().orElseThrow())));
        }
        PreferenceExample pair =
                new PreferenceExample(cut(whole.chosen()), cut(whole.rejected()), whole.origin());
        if (pair.chosen().trainedTokens() == 0 || pair.rejected().trainedTokens() == 0) {
            return new Outcome.Left(new Dropped(whole.origin(), EMPTY, ""));
        }
        return new Outcome.Kept(pair, longest(whole));
    }

    /// The pair before anything is dropped or cut.
    PreferenceExample whole(Sample sample) {
        if (sample instanceof Sample.Preference pair) {
            return tokenizer.tokenize(pair);
        }
        throw new DatasetException("a preference pair is needed, got " + sample.type().key());
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
