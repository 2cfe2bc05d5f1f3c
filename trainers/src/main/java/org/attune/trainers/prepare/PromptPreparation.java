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
public record PromptPreparation(
        SampleTokenizer tokenizer,
        OptionalInt maxPromptLength,
        BadRowPolicy onBadRow,
        SharedOptions shared)
        implements RowPreparation<PromptExample> {
    private static final String LONG = "the prompt is longer than max_prompt_length";

    /// @throws ConfigException if the length isn't positive
    public PromptPreparation {
        SampleTokenizer.requirePositive("max_prompt_length", maxPromptLength);
    }

    /// A preparation without options for all rows.
    public PromptPreparation(
            SampleTokenizer tokenizer, OptionalInt maxPromptLength, BadRowPolicy onBadRow) {
        this(tokenizer, maxPromptLength, onBadRow, SharedOptions.NONE);
    }

    @Override
    public Shaped<PromptExample> shape(Sample sample) {
        PromptExample prompt = tokenizer.prompt(sample, shared);
        if (prompt.length() > maxPromptLength.orElse(Integer.MAX_VALUE)) {
            return new Shaped.Left<>(
                    LONG,
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

    @Override
    public String limit() {
        return "max_prompt_length";
    }
}
