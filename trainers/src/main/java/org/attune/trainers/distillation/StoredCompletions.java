package org.attune.trainers.distillation;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.prepare.CompletionPreparation;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.Shaped;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/// Prepares completions of which rows hold what a teacher said ([LikelyTokens]). Their tokens are
/// those that the teacher wrote, if the row has them.
///
/// @param rows prepares them, of any length
/// @param tokenizer of the student; borrowed
/// @param maxLength most tokens of prompt and completion, of which the last ones are kept; empty:
///     no limit
record StoredCompletions(CompletionPreparation rows, Tokenizer tokenizer, OptionalInt maxLength)
        implements RowPreparation<CompletionExample> {
    @Override
    public BadRowPolicy onBadRow() {
        return rows.onBadRow();
    }

    @Override
    public Shaped<CompletionExample> shape(Sample sample) {
        return switch (rows.shape(sample)) {
            case Shaped.Kept<CompletionExample>(CompletionExample row, _, _) -> told(sample, row);
            case Shaped.Left<CompletionExample> left -> left;
        };
    }

    private Shaped<CompletionExample> told(Sample sample, CompletionExample row) {
        LikelyTokens told =
                LikelyTokens.of(sample.row().columns(), row.tokens().completionIds())
                        .orElseThrow(
                                () ->
                                        new DatasetException(
                                                "the row has no columns %s and %s; accepted with teacher_logprobs_from_rows: true: rows as attune sample writes them with top_logprobs"
                                                        .formatted(
                                                                LikelyTokens.TOKENS,
                                                                LikelyTokens.LOGPROBS)));
        requireFit(told, text(sample));
        int[] prompt = row.tokens().promptIds();
        int[] all = Arrays.copyOf(prompt, prompt.length + told.completion().length);
        System.arraycopy(told.completion(), 0, all, prompt.length, told.completion().length);
        int cut = Math.max(0, all.length - maxLength.orElse(all.length));
        if (cut >= prompt.length) {
            throw new DatasetException(
                    "the completion has %d tokens, so that max_length %d leaves nothing of the prompt; raise max_length, or leave the row out"
                            .formatted(told.completion().length, maxLength.orElseThrow()));
        }
        var tokens = new CompletionTokens(all, prompt.length).slice(cut, all.length);
        return new Shaped.Kept<>(row.told(tokens, told), all.length, tokens.length());
    }

    /// Another tokenizer would have other numbers for the same text.
    private void requireFit(LikelyTokens told, String text) {
        if (told.largest() >= tokenizer.vocabularySize()) {
            throw new DatasetException(
                    "the row names token %d, the student has 0 to %d; the teacher must have the student's tokenizer"
                            .formatted(told.largest(), tokenizer.vocabularySize() - 1));
        }
        String read = tokenizer.decode(told.completion(), true);
        if (!read.strip().equals(text.strip())) {
            throw new DatasetException(
                    "%s are \"%s\" to the student's tokenizer, and the completion is \"%s\"; the teacher must have the student's tokenizer"
                            .formatted(LikelyTokens.COMPLETION, read, text));
        }
    }

    private static String text(Sample sample) {
        Content content =
                switch (sample) {
                    case Sample.LanguageModeling row -> row.content();
                    case Sample.PromptCompletion row -> row.completion();
                    default -> throw new IllegalArgumentException("a row without a completion");
                };
        return switch (content) {
            case Content.Text(String text) -> text;
            case Content.Turns(List<Message> turns) -> turns.getLast().content();
        };
    }

    @Override
    public long trained(CompletionExample row) {
        return rows.trained(row);
    }

    @Override
    public String refusal() {
        return rows.refusal();
    }

    @Override
    public String limit() {
        return rows.limit();
    }
}
