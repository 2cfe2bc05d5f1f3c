package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.error.ConfigException;
import org.attune.trainers.examples.UnpairedExample;

import java.util.List;
import java.util.OptionalInt;

/// Prepares labelled completions for binary classifier optimisation as TRL's `BCOTrainer` does.
/// Preference pairs become two rows each: first all chosen completions, then all rejected ones.
///
/// A row whose prompt leaves no token of the completion within `max_length` is left out, as TRL's
/// DPO and KTO trainers do.
public final class BcoPreparation implements RowPreparation<UnpairedExample> {
    private static final String FULL = "the prompt fills max_length";

    private final BcoTokenizer tokenizer;
    private final OptionalInt maxLength;
    private final BadRowPolicy onBadRow;

    /// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
    /// @throws ConfigException if the length isn't positive
    public BcoPreparation(SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow) {
        SampleTokenizer.requirePositive("max_length", maxLength);
        this.tokenizer = new BcoTokenizer(tokenizer, maxLength);
        this.maxLength = maxLength;
        this.onBadRow = onBadRow;
    }

    @Override
    public BadRowPolicy onBadRow() {
        return onBadRow;
    }

    @Override
    public Shaped<UnpairedExample> shape(Sample sample) {
        Sample.UnpairedPreference row =
                RowPreparation.require(
                        Sample.UnpairedPreference.class, "a labelled completion is", sample);
        return switch (tokenizer.tokenize(row)) {
            case BcoTokenizer.Tokenized.Row(UnpairedExample example, int before) ->
                    new Shaped.Kept<>(example, before, example.length());
            case BcoTokenizer.Tokenized.Full(int prompt) ->
                    new Shaped.Left<>(
                            FULL, "%d tokens of %d".formatted(prompt, maxLength.orElseThrow()));
        };
    }

    @Override
    public long trained(UnpairedExample row) {
        return row.tokens().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }

    @Override
    public List<Sample> samples(List<? extends Sample> samples) {
        return UnpairedPreferences.of(samples);
    }
}
