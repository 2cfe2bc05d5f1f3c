package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.examples.RewardExample;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.datasets.rows.JsonValues;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// Prepares preference pairs for reward models as TRL's `RewardTrainer` does: join prompt and
/// completion, and drop pairs of which either side is longer than `max_length`. Nothing is cut: a
/// score of half an answer would teach the wrong thing.
public final class RewardPreparation {
    private static final String LONG = "a side is longer than max_length";
    private static final String REFUSED = "the row can't be used";

    private final SampleTokenizer tokenizer;
    private final OptionalInt maxLength;
    private final BadRowPolicy onBadRow;

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    public RewardPreparation(
            SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow) {
        if (maxLength.isPresent() && maxLength.getAsInt() < 1) {
            throw new ConfigException("max_length must be at least 1, got " + maxLength.getAsInt());
        }
        this.tokenizer = tokenizer;
        this.maxLength = maxLength;
        this.onBadRow = onBadRow;
    }

    /// Prepares all pairs, once.
    ///
    /// @param samples all of the type preference
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be used and bad rows are
    ///     errors; or if nothing is left to train on
    public Prepared<RewardExample> prepare(List<? extends Sample> samples, int threads) {
        var dropped = new ArrayList<Dropped>();
        var pairs = new ArrayList<RewardExample>();
        for (Outcome outcome : ParallelRows.map(List.<Sample>copyOf(samples), threads, this::one)) {
            switch (outcome) {
                case Outcome.Kept(RewardExample pair) -> pairs.add(pair);
                case Outcome.Left(Dropped row) -> dropped.add(row);
            }
        }
        if (pairs.isEmpty()) {
            throw SftPreparation.nothingLeft(samples.size(), dropped);
        }
        long tokens = pairs.stream().mapToLong(RewardExample::length).sum();
        return new Prepared<>(
                pairs,
                new PreparationReport(
                        samples.size(), pairs.size(), tokens, tokens, dropped, List.of()));
    }

    private sealed interface Outcome {
        record Kept(RewardExample pair) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        RewardExample pair;
        try {
            pair = whole(sample);
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
        int longest = Math.max(pair.pair().chosen().length(), pair.pair().rejected().length());
        if (longest > maxLength.orElse(Integer.MAX_VALUE)) {
            return new Outcome.Left(
                    new Dropped(
                            pair.origin(),
                            LONG,
                            "%d tokens, %d are allowed".formatted(longest, maxLength.getAsInt())));
        }
        return new Outcome.Kept(pair);
    }

    /// The pair before anything is dropped.
    RewardExample whole(Sample sample) {
        if (!(sample instanceof Sample.Preference preference)) {
            throw new DatasetException("a preference pair is needed, got " + sample.type().key());
        }
        PreferenceExample pair = tokenizer.tokenize(preference);
        if (pair.chosen().length() == 0 || pair.rejected().length() == 0) {
            throw new DatasetException("a side has no tokens, so it has no score");
        }
        return new RewardExample(pair, margin(sample));
    }

    private static double margin(Sample sample) {
        if (!sample.row().columns().containsKey("margin")) {
            return 0;
        }
        Object value = sample.row().get("margin");
        if (value instanceof Number number && Double.isFinite(number.doubleValue())) {
            return number.doubleValue();
        }
        throw new DatasetException(
                "column margin is %s, a finite number is accepted; rename or remove the column if it"
                                .formatted(value == null ? "null" : JsonValues.kind(value))
                        + " means something else");
    }
}
