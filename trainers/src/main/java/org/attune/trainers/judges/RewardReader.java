package org.attune.trainers.judges;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.prepare.SampleTokenizer;
import org.attune.datasets.prepare.StepwiseTokenizer;
import org.attune.error.ConfigException;
import org.attune.models.StepSeparator;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.layout.StepwiseForest;
import org.attune.trainers.numerics.Logistic;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// How a reward model reads a completion, and what its scores are worth.
sealed interface RewardReader {
    /// Labels that are read at each place.
    int labels();

    /// What the model judges, in words: `judges …`.
    String about();

    /// Checks that a prompt's messages are seen whole, if it has any.
    ///
    /// @throws org.attune.error.DatasetException naming the part that the chat template leaves out
    void requireShown(List<Message> prompt);

    /// @return tokens of prompt and completion, with the places at which to score
    Read of(Prompt prompt, Completion completion);

    /// @param scores of all labels at all places, in order
    double reward(float[] scores);

    /// What each place is worth by itself: the score there, or the probability that the step is
    /// right.
    ///
    /// @param scores of all labels at all places, in order
    double[] values(float[] scores);

    /// @param ids at least one token
    /// @param places indices of tokens; at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Read(int[] ids, int[] places) {}

    /// The whole, scored once at its last token, as in TRL: rendered by the model's own chat
    /// template, or joined where prompt and completion are texts.
    ///
    final class Answer implements RewardReader {
        private static final Message ANSWER = Message.of("assistant", "1");

        private final TextAssets text;
        private final Optional<CompleteTemplate> template;
        private final String name;

        /// @param text of the reward model
        /// @param name of the model, for messages
        Answer(TextAssets text, String name) {
            this.text = text;
            this.template = text.template().map(CompleteTemplate::of);
            this.name = name;
        }

        @Override
        public int labels() {
            return 1;
        }

        @Override
        public String about() {
            return "judges whole answers";
        }

        @Override
        public Read of(Prompt prompt, Completion completion) {
            int[] ids = ids(prompt, completion);
            return new Read(ids, new int[] {ids.length - 1});
        }

        @Override
        public double reward(float[] scores) {
            return scores[0];
        }

        @Override
        public double[] values(float[] scores) {
            return new double[] {scores[0]};
        }

        private int[] ids(Prompt prompt, Completion completion) {
            if (completion.messages().isEmpty()) {
                return text.tokenizer().encode(prompt.text() + completion.text(), false);
            }
            return new ChatTokenizer(text.tokenizer(), template())
                    .encode(
                            conversation(prompt.messages(), completion.messages()),
                            ChatTemplate.Tail.NOTHING)
                    .ids();
        }

        private static Conversation conversation(List<Message> prompt, List<Message> completion) {
            List<Message> messages = new ArrayList<>(prompt);
            messages.addAll(completion);
            return Conversation.of(messages);
        }

        private CompleteTemplate template() {
            return template.orElseThrow(
                    () ->
                            new ConfigException(
                                    name
                                            + " has no chat template, but the prompts are"
                                            + " conversations"));
        }

        @Override
        public void requireShown(List<Message> prompt) {
            if (!prompt.isEmpty()) {
                template()
                        .require(conversation(prompt, List.of(ANSWER)), ChatTemplate.Tail.NOTHING);
            }
        }
    }

    /// Step by step, as a process reward model was trained to. Pieces between separators that hold
    /// nothing but blanks are no steps; a completion of nothing else is judged as one step, so that
    /// silence isn't worth more than an answer.
    final class Steps implements RewardReader {
        private final Optional<CompleteTemplate> template;
        private final StepwiseTokenizer tokenizer;
        private final StepSeparator separator;
        private final StepAggregation aggregation;

        /// @param text of the reward model
        Steps(TextAssets text, StepSeparator separator, StepAggregation aggregation) {
            template = text.template().map(CompleteTemplate::of);
            var samples = new SampleTokenizer(text.tokenizer(), template.map(complete -> complete));
            tokenizer = new StepwiseTokenizer(samples, separator.text());
            this.separator = separator;
            this.aggregation = aggregation;
        }

        @Override
        public int labels() {
            return 2;
        }

        @Override
        public String about() {
            return "judges steps between \"%s\", aggregation %s"
                    .formatted(
                            separator.text().replace("\n", "\\n"),
                            ConfigNames.wireName(aggregation));
        }

        @Override
        public void requireShown(List<Message> prompt) {
            if (!prompt.isEmpty() && template.isPresent()) {
                template.get()
                        .require(Conversation.of(prompt), ChatTemplate.Tail.GENERATION_PROMPT);
            }
        }

        @Override
        public Read of(Prompt prompt, Completion completion) {
            Content content =
                    prompt.messages().isEmpty()
                            ? new Content.Text(prompt.text())
                            : new Content.Turns(prompt.messages());
            int[] ids = tokenizer.prompt(content, TemplateOptions.NONE);
            List<String> steps = steps(completion.text());
            int[] places = new int[steps.size()];
            for (int i = 0; i < places.length; i++) {
                int[] step = tokenizer.step(steps.get(i));
                ids = IntStream.concat(Arrays.stream(ids), Arrays.stream(step)).toArray();
                places[i] = ids.length - 1;
            }
            return new Read(ids, places);
        }

        private List<String> steps(String completion) {
            List<String> steps =
                    Pattern.compile(separator.text(), Pattern.LITERAL)
                            .splitAsStream(completion)
                            .filter(piece -> !piece.isBlank())
                            .toList();
            return steps.isEmpty() ? List.of("") : steps;
        }

        @Override
        public double reward(float[] scores) {
            return aggregation.of(values(scores));
        }

        StepSeparator separator() {
            return separator;
        }

        @Override
        public double[] values(float[] scores) {
            double[] probabilities = new double[scores.length / 2];
            for (int i = 0; i < probabilities.length; i++) {
                probabilities[i] =
                        Logistic.sigmoid(
                                scores[2 * i + StepwiseForest.RIGHT]
                                        - (double) scores[2 * i + StepwiseForest.WRONG]);
            }
            return probabilities;
        }
    }
}
