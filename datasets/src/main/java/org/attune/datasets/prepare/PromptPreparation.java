package org.attune.datasets.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreparationReport.Dropped;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// Prepares prompts for trainers that generate (GRPO and relatives). Of rows that hold completions
/// too, or pairs of them, only the prompt is used; reward functions see the other columns. Prompts
/// that are too long are left out: half a conversation asks for something else.
public final class PromptPreparation {
    private static final String LONG = "the prompt is longer than max_prompt_length";
    private static final String REFUSED = "the row can't be tokenised";

    private final SampleTokenizer tokenizer;
    private final OptionalInt maxPromptLength;
    private final BadRowPolicy onBadRow;

    /// @param maxPromptLength tokens of a prompt at most, ≥ 1; empty = no limit
    public PromptPreparation(
            SampleTokenizer tokenizer, OptionalInt maxPromptLength, BadRowPolicy onBadRow) {
        if (maxPromptLength.isPresent() && maxPromptLength.getAsInt() < 1) {
            throw new ConfigException(
                    "max_prompt_length must be at least 1, got " + maxPromptLength.getAsInt());
        }
        this.tokenizer = tokenizer;
        this.maxPromptLength = maxPromptLength;
        this.onBadRow = onBadRow;
    }

    /// Prepares all prompts, once.
    ///
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be tokenised and bad rows are
    ///     errors; or if nothing is left to train on
    public Prepared<PromptExample> prepare(List<? extends Sample> samples, int threads) {
        List<Outcome> outcomes = ParallelRows.map(List.<Sample>copyOf(samples), threads, this::one);
        var dropped = new ArrayList<Dropped>();
        var prompts = new ArrayList<PromptExample>();
        for (Outcome outcome : outcomes) {
            switch (outcome) {
                case Outcome.Kept(PromptExample prompt) -> prompts.add(prompt);
                case Outcome.Left(Dropped row) -> dropped.add(row);
            }
        }
        if (prompts.isEmpty()) {
            throw SftPreparation.nothingLeft(samples.size(), dropped, "max_prompt_length");
        }
        return new Prepared<>(
                prompts,
                new PreparationReport(
                        samples.size(),
                        prompts.size(),
                        prompts.stream().mapToLong(PromptExample::length).sum(),
                        0,
                        dropped,
                        List.of()));
    }

    private sealed interface Outcome {
        record Kept(PromptExample prompt) implements Outcome {}

        record Left(Dropped dropped) implements Outcome {}
    }

    private Outcome one(Sample sample) {
        PromptExample prompt;
        try {
            prompt = tokenizer.prompt(sample);
        } catch (DatasetException e) {
            String where = sample.row().origin().where();
            if (onBadRow == BadRowPolicy.ERROR) {
                throw new DatasetException(where + ": " + e.getMessage(), e);
            }
            return new Outcome.Left(new Dropped(sample.row().origin(), REFUSED, e.getMessage()));
        }
        if (prompt.length() > maxPromptLength.orElse(Integer.MAX_VALUE)) {
            String lengths =
                    "%d tokens, %d are allowed"
                            .formatted(prompt.length(), maxPromptLength.getAsInt());
            return new Outcome.Left(new Dropped(prompt.origin(), LONG, lengths));
        }
        return new Outcome.Kept(prompt);
    }
}
