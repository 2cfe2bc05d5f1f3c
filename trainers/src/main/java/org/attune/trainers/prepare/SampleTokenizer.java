package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.images.ImagePipeline;
import org.attune.text.AssistantMask;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.StepTokens;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.UnpairedExample;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Turns samples into token ids as TRL 1.16 does (`reference` of its `tokenize_fn`s):
///
/// - texts are encoded with the tokenizer's own special tokens and end with EOS, which is
///   appended unless the text already ends with it; conversations have what the template writes
///   and no more;
/// - prompt and completion are encoded together. The completion starts where the ids of the
///   prompt alone (with the generation prompt) and of both first differ; of pairs, at the
///   smaller of the two.
///
/// Borrows its parts; thread-safe.
public final class SampleTokenizer {
    private static final Logger LOG = LoggerFactory.getLogger(SampleTokenizer.class);

    private final Tokenizer tokenizer;
    private final Optional<ChatTokenizer> chat;
    private final String eos;
    private final Optional<ImagePipeline> images;

    /// Texts end with the tokenizer's own EOS.
    ///
    /// @param tokenizer the model's tokenizer
    /// @param template  its chat template; without one, rows with messages are refused
    public SampleTokenizer(Tokenizer tokenizer, Optional<ChatTemplate> template) {
        this(tokenizer, template, ownEos(tokenizer));
    }

    /// @param tokenizer the model's tokenizer
    /// @param template  its chat template; without one, rows with messages are refused
    /// @param eosToken  what texts end with (TRL's `eos_token`); empty = nothing is appended
    /// @throws ConfigException if the tokenizer has no such token
    public SampleTokenizer(Tokenizer tokenizer, Optional<ChatTemplate> template, String eosToken) {
        if (!eosToken.isEmpty() && tokenizer.id(eosToken).isEmpty()) {
            throw new ConfigException(
                    "eos_token %s is not in the tokenizer's vocabulary".formatted(eosToken));
        }
        this.tokenizer = tokenizer;
        this.chat = template.map(t -> new ChatTokenizer(tokenizer, CompleteTemplate.of(t)));
        this.eos = eosToken;
        this.images = Optional.empty();
    }

    private SampleTokenizer(
            String eos,
            Tokenizer tokenizer,
            Optional<ChatTokenizer> chat,
            Optional<ImagePipeline> images) {
        this.tokenizer = tokenizer;
        this.chat = chat;
        this.eos = eos;
        this.images = images;
    }

    /// A tokenizer for a model that stops at these tokens too ([ChatTokenizer#stoppingAt]).
    public SampleTokenizer stoppingAt(Set<Integer> endIds) {
        return new SampleTokenizer(eos, tokenizer, chat.map(c -> c.stoppingAt(endIds)), images);
    }

    /// A tokenizer whose conversations may have pictures.
    public SampleTokenizer seeing(ImagePipeline pictures) {
        var seeing = chat.map(c -> c.withPictures(pictures));
        return new SampleTokenizer(eos, tokenizer, seeing, Optional.of(pictures));
    }

    private static String ownEos(Tokenizer tokenizer) {
        String token =
                tokenizer.eosId().isPresent()
                        ? tokenizer.token(tokenizer.eosId().getAsInt())
                        : null;
        if (token == null) {
            LOG.warn("the tokenizer names no EOS token; texts are trained without an end");
        }
        return token == null ? "" : token;
    }

    /// The tokenizer given.
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// A tokenised SFT row, whole.
    ///
    /// @param ids             token ids, `(T)`
    /// @param completionStart where the completion begins; -1 if the row has no prompt
    /// @param assistant       true = said by the assistant, `(T)`; null if not asked for
    /// @param weights         how much each counts if it does, `(T)`; empty: 1 each
    @SuppressWarnings("ArrayRecordComponent") // a named tuple inside the package, never compared
    record Tokens(int[] ids, int completionStart, boolean[] assistant, float[] weights) {
        private static final float[] EVEN = {};

        Tokens(int[] ids) {
            this(ids, -1, null, EVEN);
        }
    }

    /// What counts in the loss of a row of SFT.
    ///
    /// @param assistantOnly whether the assistant's tokens must be found
    /// @param prompt        whether prompts count too
    record Counted(boolean assistantOnly, boolean prompt) {}

    /// A row whose prompt doesn't count.
    Tokens tokenize(Sample sample, boolean assistantOnly) {
        return tokenize(sample, new Counted(assistantOnly, false));
    }

    /// @throws DatasetException if the sample is of another type, the template refuses it, or the
    ///     assistant's tokens can't be told
    Tokens tokenize(Sample sample, Counted counted) {
        return switch (sample) {
            case Sample.LanguageModeling row -> whole(row, counted.assistantOnly());
            case Sample.PromptCompletion row -> {
                Tokens both = counted(row, counted);
                int[] prompt = promptIds(row.prompt(), row.options());
                yield new Tokens(
                        both.ids(),
                        firstDifference(prompt, both.ids()),
                        both.assistant(),
                        both.weights());
            }
            case Sample.Triple _,
                    Sample.Preference _,
                    Sample.UnpairedPreference _,
                    Sample.Stepwise _,
                    Sample.Labelled _,
                    Sample.PromptOnly _ ->
                    throw new DatasetException(
                            "SFT can't use rows of the type " + sample.type().key());
        };
    }

    /// The two sequences of a pair, whole; both prompts have the same length.
    PreferenceExample tokenize(Sample.Preference pair) {
        int[] prompt = promptIds(pair.prompt(), pair.options());
        int[] chosen = joined(pair.prompt(), pair.chosen(), pair.options());
        int[] rejected = joined(pair.prompt(), pair.rejected(), pair.options());
        int start = Math.min(firstDifference(prompt, chosen), firstDifference(prompt, rejected));
        return new PreferenceExample(
                new CompletionTokens(chosen, start),
                new CompletionTokens(rejected, start),
                pair.row().origin());
    }

    /// The two sequences of a pair; of each completion only what the assistant says may count.
    /// Messages that are not to be trained have `weight: 0` or `train: false`.
    ///
    /// @throws DatasetException if the row holds texts, a weight is neither 0 nor 1, or the
    ///     assistant's tokens can't be told
    PreferenceExample tokenize(Sample.Preference pair, boolean assistantOnly) {
        if (!assistantOnly) {
            return tokenize(pair);
        }
        int[] prompt = promptIds(pair.prompt(), pair.options());
        Tokens chosen = spoken(pair.prompt(), pair.chosen(), pair.options());
        Tokens rejected = spoken(pair.prompt(), pair.rejected(), pair.options());
        int start =
                Math.min(
                        firstDifference(prompt, chosen.ids()),
                        firstDifference(prompt, rejected.ids()));
        return new PreferenceExample(
                new CompletionTokens(chosen.ids(), start, unspoken(chosen)),
                new CompletionTokens(rejected.ids(), start, unspoken(rejected)),
                pair.row().origin());
    }

    /// A completion of several messages, of which only what the assistant says counts.
    ///
    /// @throws DatasetException if the template refuses them, or the assistant's tokens can't be
    ///     told
    CompletionTokens spokenTurns(
            Content.Turns prompt, Content.Turns completion, TemplateOptions options) {
        Tokens both = spoken(prompt, completion, options);
        int start = firstDifference(promptIds(prompt, options), both.ids());
        return new CompletionTokens(both.ids(), start, unspoken(both));
    }

    private Tokens spoken(Content prompt, Content completion, TemplateOptions options) {
        if (prompt instanceof Content.Turns(List<Message> first)
                && completion instanceof Content.Turns(List<Message> second)) {
            return turns(options.conversation(first, second), first.size(), true);
        }
        return tokens(new int[0], true);
    }

    private static BitSet unspoken(Tokens tokens) {
        var unspoken = new BitSet();
        for (int i = 0; i < tokens.ids().length; i++) {
            float weight = tokens.weights().length == 0 ? 1 : tokens.weights()[i];
            boolean said = tokens.assistant()[i];
            if (said && weight != 0 && weight != 1) {
                throw new DatasetException(
                        "a message has the weight %s; accepted in pairs: 0 and 1"
                                .formatted(weight));
            }
            unspoken.set(i, !said || weight == 0);
        }
        return unspoken;
    }

    /// A labelled completion with its prompt, whole.
    UnpairedExample tokenize(Sample.UnpairedPreference row) {
        int[] both = joined(row.prompt(), row.completion(), row.options());
        int start = firstDifference(promptIds(row.prompt(), row.options()), both);
        return new UnpairedExample(
                new CompletionTokens(both, start), row.label(), row.row().origin());
    }

    /// The three sequences of a pair with a third answer, whole; all prompts have the same length.
    ImitationPair tokenize(Sample.Triple row) {
        PreferenceExample pair = tokenize(row.pair());
        Content prompt = row.pair().prompt();
        int[] third = joined(prompt, row.reference(), row.options());
        int apart = firstDifference(promptIds(prompt, row.options()), third);
        int start = Math.min(pair.chosen().completionStart(), apart);
        return new ImitationPair(
                new PreferenceExample(
                        pair.chosen().startingAt(start),
                        pair.rejected().startingAt(start),
                        pair.origin()),
                new CompletionTokens(third, start),
                true);
    }

    /// The prompt alone, ready to be completed; a template gets its generation prompt.
    ///
    /// @param shared what the template gets for all rows
    /// @throws DatasetException if the sample has no prompt or the template refuses it
    PromptExample prompt(Sample sample, SharedOptions shared) {
        Content content =
                switch (sample) {
                    case Sample.PromptOnly row -> row.prompt();
                    case Sample.PromptCompletion row -> row.prompt();
                    case Sample.Preference row -> row.prompt();
                    case Sample.Triple row -> row.pair().prompt();
                    case Sample.UnpairedPreference row -> row.prompt();
                    case Sample.Stepwise row -> row.prompt();
                    case Sample.LanguageModeling _, Sample.Labelled _ ->
                            throw new DatasetException("the row has no prompt");
                };
        shared.requireFor(sample.options());
        Map<String, Object> columns = new LinkedHashMap<>(sample.row().columns());
        columns.remove("prompt");
        var origin = sample.row().origin();
        PromptExample prompt =
                switch (content) {
                    case Content.Text(String text) -> {
                        if (shared.areEpisodes()) {
                            throw new DatasetException(
                                    "the prompt is a plain text; episodes need a list of messages,"
                                            + " or apply_chat_template: true");
                        }
                        yield new PromptExample(encoded(text), text, List.of(), columns, origin);
                    }
                    case Content.Turns(List<Message> messages) -> {
                        var encoded =
                                chat().encode(
                                                shared.of(sample.options())
                                                        .conversation(messages, List.of()),
                                                ChatTemplate.Tail.GENERATION_PROMPT);
                        yield new PromptExample(
                                encoded.ids(), encoded.text(), messages, columns, origin);
                    }
                };
        if (prompt.length() == 0) {
            throw new DatasetException("the prompt has no tokens");
        }
        return prompt;
    }

    private Tokens whole(Sample.LanguageModeling row, boolean withAssistant) {
        return switch (row.content()) {
            case Content.Text text -> text(text.text(), withAssistant);
            case Content.Turns turns ->
                    turns(
                            row.options().conversation(turns.messages(), List.of()),
                            0,
                            withAssistant);
        };
    }

    private Tokens counted(Sample.PromptCompletion row, Counted counted) {
        if (row.prompt() instanceof Content.Turns(List<Message> first)
                && row.completion() instanceof Content.Turns(List<Message> second)) {
            return turns(
                    row.options().conversation(first, second),
                    counted.prompt() ? 0 : first.size(),
                    counted.assistantOnly());
        }
        int[] ids = joined(row.prompt(), row.completion(), row.options());
        return tokens(ids, counted.assistantOnly());
    }

    private int[] joined(Content prompt, Content completion, TemplateOptions options) {
        if (prompt instanceof Content.Text(String first)
                && completion instanceof Content.Text(String second)) {
            // EOS is looked for in the completion alone: "" after a prompt that ends with EOS gets
            // another one.
            return encoded(first + withEos(second));
        }
        if (prompt instanceof Content.Turns(List<Message> first)
                && completion instanceof Content.Turns(List<Message> second)) {
            MessageWeights.requireNone(second);
            return chat().encode(options.conversation(first, second), ChatTemplate.Tail.NOTHING)
                    .ids();
        }
        throw new IllegalArgumentException("prompt and completion must be of one form");
    }

    /// A row as text.
    ///
    /// @param prompt the prompt alone, ready to be completed
    /// @param both   the same with its completion
    record Texts(String prompt, String both) {}

    /// The texts of a prompt and of it with its completion. A conversation's prompt ends with the
    /// generation prompt, or stays open if its last message is the assistant's; what the template
    /// then writes otherwise before a completion belongs to the completion.
    ///
    /// @throws DatasetException if the template refuses the messages
    Texts texts(Content prompt, Content completion, TemplateOptions options) {
        if (prompt instanceof Content.Text(String first)
                && completion instanceof Content.Text(String second)) {
            return new Texts(first, untagged(first + second));
        }
        if (prompt instanceof Content.Turns(List<Message> first)
                && completion instanceof Content.Turns(List<Message> second)) {
            boolean open = !first.isEmpty() && first.getLast().role().equals("assistant");
            if (!options.conversation(first, second).pictures().isEmpty()) {
                throw new DatasetException("the row has pictures, which this method doesn't take");
            }
            ChatTemplate template = chat().template();
            String alone =
                    template.render(
                                    options.conversation(first, List.of()),
                                    open
                                            ? ChatTemplate.Tail.CONTINUE
                                            : ChatTemplate.Tail.GENERATION_PROMPT)
                            .text();
            String both =
                    template.render(options.conversation(first, second), ChatTemplate.Tail.NOTHING)
                            .text();
            int apart = Arrays.mismatch(alone.toCharArray(), both.toCharArray());
            return new Texts(apart < 0 ? alone : alone.substring(0, apart), untagged(both));
        }
        throw new IllegalArgumentException("prompt and completion must be of one form");
    }

    /// Prepares rows of a head that classifies, ranks or embeds: a text is what the tokenizer makes
    /// of it, without an EOS behind it, and a conversation what its template writes.
    ///
    /// @param maxLength tokens of a sequence; what is beyond is cut off; empty: nothing is
    public RowPreparation<LabelledExample> labelled(OptionalInt maxLength, BadRowPolicy onBadRow) {
        return new LabelledPreparation(this, maxLength, onBadRow);
    }

    /// The ids of a text or a conversation, as a model reads it that writes nothing.
    int[] read(Content content, TemplateOptions options) {
        return switch (content) {
            case Content.Text(String text) -> encoded(text);
            case Content.Turns(List<Message> messages) ->
                    chat().encode(
                                    options.conversation(messages, List.of()),
                                    ChatTemplate.Tail.NOTHING)
                            .ids();
        };
    }

    int[] promptIds(Content prompt, TemplateOptions options) {
        return switch (prompt) {
            case Content.Text text -> encoded(text.text());
            case Content.Turns turns ->
                    chat().encode(
                                    options.conversation(turns.messages(), List.of()),
                                    ChatTemplate.Tail.GENERATION_PROMPT)
                            .ids();
        };
    }

    /// A prompt whose steps are judged: as it stands before steps that are encoded apart.
    int[] stepPrompt(StepTokens tokens, Content prompt, TemplateOptions options) {
        return switch (prompt) {
            case Content.Text(String text) -> tokens.prompt(text);
            case Content.Turns turns -> promptIds(turns, options);
        };
    }

    private Tokens text(String text, boolean withAssistant) {
        return tokens(encoded(withEos(text)), withAssistant);
    }

    private static Tokens tokens(int[] ids, boolean withAssistant) {
        if (withAssistant) {
            throw new DatasetException(
                    "assistant_only_loss needs conversations, this row holds a text; set"
                            + " assistant_only_loss: false");
        }
        return new Tokens(ids);
    }

    /// @param untrained messages at the beginning that don't count
    private Tokens turns(Conversation given, int untrained, boolean withAssistant) {
        MessageWeights weights = MessageWeights.of(given.messages(), untrained, withAssistant);
        Conversation conversation = given.withMessages(weights.messages());
        if (!withAssistant && !weights.areUneven()) {
            return new Tokens(chat().encode(conversation, ChatTemplate.Tail.NOTHING).ids());
        }
        var encoded = chat().encodeWithMask(conversation, ChatTemplate.Tail.NOTHING);
        return switch (encoded.assistant()) {
            case AssistantMask.Known known ->
                    new Tokens(
                            encoded.ids(),
                            -1,
                            withAssistant ? known.tokens() : null,
                            weights.areUneven() ? weights.ofTokens(known) : Tokens.EVEN);
            case AssistantMask.Unknown unknown ->
                    throw new DatasetException(
                            "%s: the assistant's tokens can't be told: %s; use a chat template with {%% generation %%} markers, or %s"
                                    .formatted(
                                            withAssistant
                                                    ? "assistant_only_loss"
                                                    : "weights of messages",
                                            unknown.reason(),
                                            withAssistant
                                                    ? "assistant_only_loss: false"
                                                    : "leave the weights out"));
        };
    }

    private int[] encoded(String text) {
        return tokenizer.encode(untagged(text), true);
    }

    /// A text that has no tags of pictures, since it has no pictures.
    private String untagged(String text) {
        images.ifPresent(i -> i.expand(text, List.of()));
        return text;
    }

    private String withEos(String text) {
        return eos.isEmpty() || text.endsWith(eos) ? text : text + eos;
    }

    private ChatTokenizer chat() {
        return chat.orElseThrow(
                () ->
                        new DatasetException(
                                "the row holds messages, but the model has no chat template; set"
                                        + " chat_template_path, or use rows with texts"));
    }

    private static int firstDifference(int[] prompt, int[] both) {
        int apart = Arrays.mismatch(prompt, both);
        return apart < 0 ? prompt.length : apart;
    }

    /// @throws ConfigException if a limit is below 1
    static void requirePositive(String key, OptionalInt limit) {
        if (limit.isPresent() && limit.getAsInt() < 1) {
            throw new ConfigException(key + " must be at least 1, got " + limit.getAsInt());
        }
    }
}
