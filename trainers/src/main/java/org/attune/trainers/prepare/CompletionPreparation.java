package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;

import java.util.List;
import java.util.OptionalInt;

/// Prepares prompts with one completion as TRL's `DataCollatorForChatML` does.
///
/// - The completion of a conversation is its last message. Both are rendered and encoded as one
///   text. The completion starts with the first token that begins behind the prompt's text, its
///   generation prompt included.
/// - Of a row that is longer than `max_length` the last tokens are kept. A row of whose prompt
///   nothing would be left is refused. Where episodes follow the prompts, such a row is left out.
/// - Prompts and completions of plain text, which TRL does not take here, are as in SFT.
///
/// @param tokenizer borrowed
/// @param maxLength tokens of prompt and completion at most, ≥ 1; empty = no limit
/// @param bare whether the template gets messages alone, as in TRL; else a row's tools and
///     variables too
/// @param shared what the template gets for all rows
/// @param forOther whether another tokenizer is to read the texts: rows keep them, as TRL's GOLD
///     does. A token that reaches over the prompt's end belongs to the completion then, and texts
///     get no special tokens but an EOS at their end
public record CompletionPreparation(
        SampleTokenizer tokenizer,
        OptionalInt maxLength,
        BadRowPolicy onBadRow,
        boolean bare,
        SharedOptions shared,
        boolean forOther)
        implements RowPreparation<CompletionExample> {
    private static final String EMPTY = "no token of the completion counts";
    private static final String LONG =
            "the row is longer than max_length, and an episode needs its whole prompt";

    /// A preparation without options for all rows.
    public CompletionPreparation(
            SampleTokenizer tokenizer, OptionalInt maxLength, BadRowPolicy onBadRow, boolean bare) {
        this(tokenizer, maxLength, onBadRow, bare, SharedOptions.NONE, false);
    }

    /// A preparation for one tokenizer.
    public CompletionPreparation(
            SampleTokenizer tokenizer,
            OptionalInt maxLength,
            BadRowPolicy onBadRow,
            boolean bare,
            SharedOptions shared) {
        this(tokenizer, maxLength, onBadRow, bare, shared, false);
    }

    /// @throws ConfigException if the length isn't positive
    public CompletionPreparation {
        SampleTokenizer.requirePositive("max_length", maxLength);
    }

    /// Has rows keep their texts.
    public CompletionPreparation keepingTexts() {
        return new CompletionPreparation(tokenizer, maxLength, onBadRow, bare, shared, true);
    }

    @Override
    public Shaped<CompletionExample> shape(Sample sample) {
        return forOther ? withTexts(sample) : shaped(sample, tokens(sample));
    }

    private Shaped<CompletionExample> shaped(Sample sample, CompletionTokens whole) {
        if (shared.areEpisodes() && whole.length() > maxLength.orElse(Integer.MAX_VALUE)) {
            return new Shaped.Left<>(
                    LONG,
                    "%d tokens, %d are allowed".formatted(whole.length(), maxLength.orElseThrow()));
        }
        CompletionTokens kept = truncated(whole);
        if (kept.completionStart() == 0) {
            throw new DatasetException(
                    whole.completionStart() == 0
                            ? "the prompt has no tokens; give one, or leave the row out"
                            : "the completion has %d tokens, so that max_length %d leaves nothing of the prompt; raise max_length, or leave the row out"
                                    .formatted(
                                            whole.length() - whole.completionStart(),
                                            maxLength.orElseThrow()));
        }
        if (kept.trainedTokens() == 0) {
            return new Shaped.Left<>(EMPTY, "");
        }
        return new Shaped.Kept<>(example(sample, kept), whole.length(), kept.length());
    }

    private CompletionExample example(Sample sample, CompletionTokens kept) {
        return shared.areEpisodes()
                ? new CompletionExample(
                        kept, prompt(sample), sample.row().columns(), sample.row().origin())
                : new CompletionExample(kept, sample.row().origin());
    }

    /// Messages of the prompt of a conversation.
    private static List<Message> prompt(Sample sample) {
        return switch (sample) {
            case Sample.LanguageModeling(Content.Turns(List<Message> all), _, _) ->
                    all.subList(0, all.size() - 1);
            case Sample.PromptCompletion(Content.Turns(List<Message> prompt), _, _, _) -> prompt;
            default -> throw new IllegalArgumentException("a row of texts has no messages");
        };
    }

    /// What a row is made of.
    private record Parts(Content prompt, Content completion, TemplateOptions options) {
        static Parts of(Sample sample) {
            return switch (sample) {
                case Sample.LanguageModeling(Content.Turns(List<Message> all), var options, _) -> {
                    requireAnswer(all);
                    yield new Parts(
                            new Content.Turns(all.subList(0, all.size() - 1)),
                            new Content.Turns(all.subList(all.size() - 1, all.size())),
                            options);
                }
                case Sample.PromptCompletion(Content prompt, Content completion, var options, _) ->
                        new Parts(prompt, completion, options);
                default ->
                        throw new DatasetException(
                                "a row is a conversation, or a prompt and its completion; this one"
                                        + " is of the type "
                                        + sample.type().key());
            };
        }

        boolean isSpoken() {
            return prompt instanceof Content.Turns;
        }
    }

    private CompletionTokens tokens(Sample sample) {
        Parts parts = Parts.of(sample);
        if (parts.isSpoken()) {
            return spoken(parts);
        }
        if (shared.areEpisodes()) {
            throw new DatasetException(
                    "the row holds texts; episodes need lists of messages, or"
                            + " apply_chat_template: true");
        }
        SampleTokenizer.Tokens tokens = tokenizer.tokenize(sample, false);
        return new CompletionTokens(tokens.ids(), tokens.completionStart());
    }

    private static void requireAnswer(List<Message> messages) {
        if (messages.size() < 2 || !messages.getLast().role().equals("assistant")) {
            throw new DatasetException(
                    "the last of %d messages is by \"%s\"; a row is a conversation that ends with an answer of the assistant's"
                            .formatted(
                                    messages.size(),
                                    messages.isEmpty() ? "nobody" : messages.getLast().role()));
        }
    }

    private SampleTokenizer.Texts texts(Parts parts) {
        return tokenizer.texts(parts.prompt(), parts.completion(), options(parts));
    }

    private TemplateOptions options(Parts parts) {
        shared.requireFor(parts.options());
        return shared.of(bare ? TemplateOptions.NONE : parts.options());
    }

    private CompletionTokens spoken(Parts parts) {
        if (shared.areEpisodes()
                && parts.completion() instanceof Content.Turns(List<Message> turns)
                && turns.size() > 1) {
            return tokenizer.spokenTurns(
                    (Content.Turns) parts.prompt(),
                    (Content.Turns) parts.completion(),
                    options(parts));
        }
        SampleTokenizer.Texts texts = texts(parts);
        Tokenizer.Encoding both = tokenizer.tokenizer().encodeWithOffsets(texts.both(), false);
        int start = 0;
        while (start < both.ids().length && both.start()[start] < texts.prompt().length()) {
            start++;
        }
        return new CompletionTokens(both.ids(), start);
    }

    private Shaped<CompletionExample> withTexts(Sample sample) {
        Parts parts = Parts.of(sample);
        var reading =
                TextReading.of(
                        tokenizer.tokenizer(),
                        texts(parts),
                        parts.isSpoken() ? OptionalInt.empty() : tokenizer.tokenizer().eosId());
        return switch (shaped(sample, reading.tokens())) {
            case Shaped.Kept<CompletionExample>(var row, int before, int after) ->
                    new Shaped.Kept<>(
                            row.of(reading.texts(tokenizer.tokenizer(), row.tokens())),
                            before,
                            after);
            case Shaped.Left<CompletionExample> left -> left;
        };
    }

    private CompletionTokens truncated(CompletionTokens whole) {
        int cut = whole.length() - maxLength.orElse(Integer.MAX_VALUE);
        return cut <= 0 ? whole : whole.slice(cut, whole.length());
    }

    @Override
    public long trained(CompletionExample row) {
        return row.tokens().trainedTokens();
    }

    @Override
    public String refusal() {
        return "the row can't be tokenised";
    }
}
