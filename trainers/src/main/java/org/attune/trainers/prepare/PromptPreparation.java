package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.error.ConfigException;
import org.attune.trainers.examples.PromptExample;

import java.util.OptionalInt;

/// Prepares prompts for trainers that generate (GRPO and relatives). Of rows that hold completions
/// too, or pairs of them, only the prompt is used; reward functions see the other columns. Prompts
/// that are too long are left out: half a conversation asks for something else.
///
/// @param tokenizer borrowed
/// @param maxPromptLength tokens of a prompt at most, ≥ 1; empty = no limit
/// @param shared what the chat template gets for all rows
/// @param limit the key that `maxPromptLength` comes of
public record PromptPreparation(
        SampleTokenizer tokenizer,
        OptionalInt maxPromptLength,
        BadRowPolicy onBadRow,
        SharedOptions shared,
        String limit)
        implements RowPreparation<PromptExample> {
    private static final String LIMIT = "max_prompt_length";

    /// @throws ConfigException if the length isn't positive
    public PromptPreparation {
        SampleTokenizer.requirePositive(limit, maxPromptLength);
    }

    /// A preparation without options for all rows.
    public PromptPreparation(
            SampleTokenizer tokenizer, OptionalInt maxPromptLength, BadRowPolicy onBadRow) {
        this(tokenizer, maxPromptLength, onBadRow, SharedOptions.NONE);
    }

    /// A preparation whose length comes of `max_prompt_length`.
    public PromptPreparation(
            SampleTokenizer tokenizer,
            OptionalInt maxPromptLength,
            BadRowPolicy onBadRow,
            SharedOptions shared) {
        this(tokenizer, maxPromptLength, onBadRow, shared, LIMIT);
    }

    /// The preparation with a length that comes of another key.
    public PromptPreparation limitedBy(String key) {
        return new PromptPreparation(tokenizer, maxPromptLength, onBadRow, shared, key);
    }

    @Override
    public Shaped<PromptExample> shape(Sample sample) {
        PromptExample prompt = tokenizer.prompt(sample, shared);
        if (prompt.length() > maxPromptLength.orElse(Integer.MAX_VALUE)) {
            return new Shaped.Left<>(
                    "the prompt is longer than " + limit,
                    "%d tokens, %d are allowed"
                            .formatted(prompt.length(), maxPromptLength.getAsInt()));
        }
        return Shaped.whole(prompt);
    }

    /// A prompt of other words with the columns of one that was prepared, whatever its length.
    ///
    /// @param content what it says
    public PromptExample reworded(PromptExample prompt, Content content) {
        var row = new Row(prompt.columns(), prompt.origin());
        return tokenizer.prompt(
                new Sample.PromptOnly(content, TemplateOptions.of(row), row), shared);
    }

    @Override
    public long trained(PromptExample prompt) {
        return 0;
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }
}
