package org.attune.trainers.judges;

import org.attune.error.ConfigException;
import org.attune.reward.RewardBatch;
import org.attune.reward.judge.JudgeQuestion;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.CompleteTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// How a local judge reads a question: rendered by its chat template, or as a text before `Score:`
/// where it has none, and then each score that it may answer with.
final class JudgeReader {
    private static final String TEXT_END = "\nScore:";

    private final LocalJudgeEntry entry;
    private final Tokenizer tokenizer;
    private final Optional<CompleteTemplate> template;
    private final List<int[]> answers;

    /// A question with each of its answers.
    ///
    /// @param sequences tokens of the question and an answer, from the lowest score on
    /// @param prompt tokens of the question
    /// @param place of the completion in its batch
    record Read(List<int[]> sequences, int prompt, int place) {}

    /// @param text of the judge
    /// @throws ConfigException if the tokenizer's tokens of one score begin those of another
    JudgeReader(TextAssets text, LocalJudgeEntry entry) {
        this.entry = entry;
        tokenizer = text.tokenizer();
        template = text.template().map(CompleteTemplate::of);
        answers =
                IntStream.rangeClosed(entry.scale().low(), entry.scale().high())
                        .mapToObj(this::answer)
                        .toList();
        requireApart();
    }

    private int[] answer(int score) {
        String before = template.isPresent() ? "\n" : ":";
        int[] start = tokenizer.encode(before, false);
        String text = template.isPresent() ? "" + score : " " + score;
        int[] whole = tokenizer.encode(before + text, false);
        boolean follows =
                whole.length > start.length
                        && Arrays.equals(start, Arrays.copyOf(whole, start.length));
        return follows
                ? Arrays.copyOfRange(whole, start.length, whole.length)
                : tokenizer.encode(text, false);
    }

    private void requireApart() {
        for (int a = 0; a < answers.size(); a++) {
            for (int b = 0; b < answers.size(); b++) {
                int[] one = answers.get(a);
                int[] other = answers.get(b);
                if (a != b
                        && one.length <= other.length
                        && Arrays.equals(one, Arrays.copyOf(other, one.length))) {
                    throw new ConfigException(
                            "judge: scale is %s, but the model's tokens of %d begin those of %d, so their probabilities can't be told apart; accepted are scales of equally many digits, as 1..5 or 0..9"
                                    .formatted(
                                            entry.scale(),
                                            entry.scale().low() + a,
                                            entry.scale().low() + b));
                }
            }
        }
    }

    List<JudgeQuestion> questions(RewardBatch batch) {
        String format =
                "Answer with one whole number from %d (worst) to %d (best), and nothing else."
                        .formatted(entry.scale().low(), entry.scale().high());
        return JudgeQuestion.single(batch, entry.prompt(), entry.scale(), format);
    }

    Read of(JudgeQuestion question) {
        int[] ids = ids(question.text());
        List<int[]> sequences = new ArrayList<>();
        for (int[] answer : answers) {
            int[] whole = Arrays.copyOf(ids, ids.length + answer.length);
            System.arraycopy(answer, 0, whole, ids.length, answer.length);
            sequences.add(whole);
        }
        return new Read(sequences, ids.length, question.places()[0]);
    }

    private int[] ids(String question) {
        if (template.isEmpty()) {
            String before = entry.system().map(text -> text + "\n\n").orElse("");
            return tokenizer.encode(before + question.stripTrailing() + TEXT_END, true);
        }
        List<Message> messages = new ArrayList<>();
        entry.system().ifPresent(text -> messages.add(Message.of("system", text)));
        messages.add(Message.of("user", question));
        return new ChatTokenizer(tokenizer, template.get())
                .encode(Conversation.of(messages), ChatTemplate.Tail.GENERATION_PROMPT)
                .ids();
    }
}
