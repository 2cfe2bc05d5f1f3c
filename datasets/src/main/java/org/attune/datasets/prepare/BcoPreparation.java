package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.datasets.prepare.PreparationReport.Truncated;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// Prepares labelled completions for binary classifier optimisation as TRL's `BCOTrainer` does.
/// Preference pairs become two rows each: first all chosen completions, then all rejected ones.
///
/// A row whose prompt leaves no token of the completion within `max_length` is left out, as TRL's
/// DPO and KTO trainers do.
public final class BcoPreparation {
    private static final String FULL = "the prompt fills max_length";
    private static final String REFUSED = "the row can't be tokenised";

    private final BcoTokenizer tokenizer;
    private final OptionalInt maxLength;
    private final BadRowPolicy onBadRow;

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    /// @throws ConfigException if the length isn't positive
    public BcoPreparation(SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow) {
        if (maxLength.isPresent() && maxLength.getAsInt() < 1) {
            throw new ConfigException("max_length must be at least 1, got " + maxLength.getAsInt());
        }
        this.tokenizer = new BcoTokenizer(tokenizer, maxLength);
        this.maxLength = maxLength;
        this.onBadRow = onBadRow;
    }

    /// Prepares all rows, once.
    ///
    /// @param samples of the types unpaired preference and preference
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be tokenised and bad rows
    ///     are errors; or if nothing is left to train on
    public Prepared<UnpairedExample> prepare(List<? extends Sample> samples, int threads) {
        var dropped = new ArrayList<Dropped>();
        var truncated = new ArrayList<Truncated>();
        var rows = new ArrayList<UnpairedExample>();
        List<Sample> unpaired = unpaired(samples);
        for (Outcome outcome : ParallelRows.map(unpaired, threads, this::one)) {
            switch (outcome) {
                case Outcome.Kept(UnpairedExample row, int before) -> {
                    rows.add(row);
                    if (row.length() < before) {
                        truncated.add(new Truncated(row.origin(), before, row.length()));
                    }
                }
                case Outcome.Left(Dropped row) -> dropped.add(row);
            }
        }
        if (rows.isEmpty()) {
            throw SftPreparation.nothingLeft(unpaired.size(), dropped);
        }
        return new Prepared<>(
                rows,
                new PreparationReport(
                        unpaired.size(),
                        rows.size(),
                        rows.stream().mapToLong(UnpairedExample::length).sum(),
                        rows.stream().mapToLong(row -> row.tokens().trainedTokens()).sum(),
                        dropped,
                        truncated));
    }

    /// TRL's `unpair_preference_dataset`, on samples.
    private static List<Sample> unpaired(List<? extends Sample> samples) {
        var rows = new ArrayList<Sample>();
        var rejected = new ArrayList<Sample>();
        for (Sample sample : samples) {
            if (sample instanceof Sample.Preference pair) {
                rows.add(pair.unpaired(true));
                rejected.add(pair.unpaired(false));
            } else {
                rows.add(sample);
            }
        }
        rows.addAll(rejected);
        return rows;
    }

    private sealed interface Outcome {
        record Kept(UnpairedExample row, int lengthBefore) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        try {
            if (!(sample instanceof Sample.UnpairedPreference row)) {
                throw new DatasetException(
                        "a labelled completion is needed, got " + sample.type().key());
            }
            return switch (tokenizer.tokenize(row)) {
                case BcoTokenizer.Tokenized.Row(UnpairedExample example, int before) ->
                        new Outcome.Kept(example, before);
                case BcoTokenizer.Tokenized.Full(int prompt) ->
                        new Outcome.Left(
                                new Dropped(
                                        sample.row().origin(),
                                        FULL,
                                        "%d tokens of %d"
                                                .formatted(prompt, maxLength.orElseThrow())));
            };
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
    }
}
