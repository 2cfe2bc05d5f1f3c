package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.JsonValues;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.RewardExample;

import java.util.OptionalInt;

/// Prepares preference pairs for reward models as TRL's `RewardTrainer` does: join prompt and
/// completion, and drop pairs of which either side is longer than `max_length`. Nothing is cut: a
/// score of half an answer would teach the wrong thing.
///
/// @param tokenizer borrowed
/// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
public record RewardPreparation(
        SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow)
        implements RowPreparation<RewardExample> {
    private static final String LONG = "a side is longer than max_length";

    /// @throws ConfigException if the length isn't positive
    public RewardPreparation {
        SampleTokenizer.requirePositive("max_length", maxLength);
    }

    @Override
    public Shaped<RewardExample> shape(Sample sample) {
        RewardExample pair = whole(sample);
        int longest = Math.max(pair.pair().chosen().length(), pair.pair().rejected().length());
        if (longest > maxLength.orElse(Integer.MAX_VALUE)) {
            return new Shaped.Left<>(
                    LONG, "%d tokens, %d are allowed".formatted(longest, maxLength.getAsInt()));
        }
        return Shaped.whole(pair);
    }

    @Override
    public long trained(RewardExample pair) {
        return pair.length();
    }

    /// The pair before anything is dropped.
    RewardExample whole(Sample sample) {
        PreferenceExample pair =
                tokenizer.tokenize(
                        RowPreparation.require(
                                Sample.Preference.class, "a preference pair is", sample));
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
