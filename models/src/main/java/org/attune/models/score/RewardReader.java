package org.attune.models.score;

import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.models.StepSeparator;
import org.attune.models.score.ScoreModel.Read;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.text.ChatTemplate;
import org.attune.text.CompleteTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.StepTokens;
import org.attune.text.TextAssets;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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

    /// @param values of all places, in order
    double reward(double[] values);

    /// What each place is worth by itself: the score there, or the probability that the step is
    /// right.
    ///
    /// @param scores of all labels at all places, in order
    double[] values(float[] scores);

    /// A text or a conversation as it stands, whole.
    ///
    /// @throws ConfigException if the model needs to know where the answer begins
    Read whole(List<Message> messages, String text);

    /// The whole, scored once at its last token, as in TRL: rendered by the model's own chat
    /// template, or joined where prompt and completion are texts.
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
            return completion.messages().isEmpty()
                    ? whole(List.of(), prompt.text() + completion.text())
                    : whole(joined(prompt.messages(), completion.messages()), "");
        }

        @Override
        public double reward(double[] values) {
            return values[0];
        }

        @Override
        public double[] values(float[] scores) {
            return new double[] {scores[0]};
        }

        @Override
        public Read whole(List<Message> messages, String plain) {
            int[] ids = ids(messages, plain);
            if (ids.length == 0) {
                throw new DatasetException("an answer has no tokens, so it has no score");
            }
            return new Read(ids, new int[] {ids.length - 1});
        }

        private int[] ids(List<Message> messages, String plain) {
            return messages.isEmpty()
                    ? text.tokenizer().encode(plain, false)
                    : text.chat(template())
                            .encode(Conversation.of(messages), ChatTemplate.Tail.NOTHING)
                            .ids();
        }

        private static List<Message> joined(List<Message> prompt, List<Message> completion) {
            List<Message> messages = new ArrayList<>(prompt);
            messages.addAll(completion);
            return messages;
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
                Conversation answered = Conversation.of(joined(prompt, List.of(ANSWER)));
                template().require(answered, ChatTemplate.Tail.NOTHING);
            }
        }
    }

    /// Step by step, as a process reward model was trained to. Pieces between separators that hold
    /// nothing but blanks are no steps; a completion of nothing else is judged as one step, so that
    /// silence isn't worth more than an answer.
    final class Steps implements RewardReader {
        private static final int WRONG = 0; // labels of steps, as in training
        private static final int RIGHT = 1;

        private final TextAssets text;
        private final Optional<CompleteTemplate> template;
        private final StepTokens tokens;
        private final StepSeparator separator;
        private final ScoreModel.Aggregation aggregation;

        /// @param text of the reward model
        Steps(TextAssets text, StepSeparator separator, ScoreModel.Aggregation aggregation) {
            this.text = text;
            template = text.template().map(CompleteTemplate::of);
            tokens = new StepTokens(text.tokenizer(), separator.text());
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
                            aggregation.name().toLowerCase(Locale.ROOT));
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
            int[] ids = ids(prompt);
            List<String> steps = tokens.split(completion.text());
            int[] places = new int[steps.size()];
            for (int i = 0; i < places.length; i++) {
                int[] step = tokens.step(steps.get(i));
                ids = IntStream.concat(Arrays.stream(ids), Arrays.stream(step)).toArray();
                places[i] = ids.length - 1;
            }
            return new Read(ids, places);
        }

        private int[] ids(Prompt prompt) {
            if (prompt.messages().isEmpty()) {
                return tokens.prompt(prompt.text());
            }
            CompleteTemplate shown =
                    template.orElseThrow(
                            () ->
                                    new DatasetException(
                                            "the prompt is a conversation, but the process reward"
                                                    + " model has no chat template"));
            return text.chat(shown)
                    .encode(Conversation.of(prompt.messages()), ChatTemplate.Tail.GENERATION_PROMPT)
                    .ids();
        }

        @Override
        public Read whole(List<Message> messages, String plain) {
            throw new ConfigException(
                    "the model judges steps of a solution, so it must know where the solution"
                            + " begins; give prompt and solution apart");
        }

        @Override
        public double reward(double[] values) {
            return aggregation.of(values);
        }

        StepSeparator separator() {
            return separator;
        }

        @Override
        public double[] values(float[] scores) {
            double[] probabilities = new double[scores.length / 2];
            for (int i = 0; i < probabilities.length; i++) {
                probabilities[i] =
                        ScoreModel.sigmoid(scores[2 * i + RIGHT] - (double) scores[2 * i + WRONG]);
            }
            return probabilities;
        }
    }
}
