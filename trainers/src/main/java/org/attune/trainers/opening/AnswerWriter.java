package org.attune.trainers.opening;

import org.attune.error.RolloutException;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.generation.TextCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.GivenAnswer;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.MeasuredRow;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.loop.WrittenAnswer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Has the policy of a run that learns from given rows answer the first held-out prompts at each
/// evaluation, and tells the run's listeners. Losses and margins say how likely given answers are;
/// this says what a user of the model will read. No random number is drawn.
final class AnswerWriter implements TrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(AnswerWriter.class);

    /// Rows whose prompts are answered.
    private static final int ROWS = 4;

    /// Most tokens of an answer: a few sentences.
    private static final int ANSWER = 64;

    /// Prompts with more tokens aren't answered, as reading them could take longer than measuring;
    /// nor are those that leave no room for an answer.
    private static final int PROMPT = 1024;

    private final TextCompleter completer;
    private final SamplingConfig sampling;
    private final int longest;
    private final List<? extends EvalSet<? extends TrainingRow>> sets;
    private final List<TrainingListener> told;

    private <R extends TrainingRow> AnswerWriter(OpenedRun<R> run) {
        Tokenizer tokenizer = run.model().text().tokenizer();
        Set<Integer> stops = TextCompleter.stopIds(run.model().source(), tokenizer);
        completer = run.completer();
        sampling = SamplingConfig.greedy(ANSWER, stops);
        int positions = run.model().source().config().maxPositionEmbeddings();
        longest = Math.min(PROMPT, positions - ANSWER);
        sets = run.rows().evalSets();
        told = run.context().listeners();
    }

    /// The run with such a listener after its others. A run that nobody listens to stays as it is,
    /// and one whose weights are parted among ranks, as one rank alone can't generate with those.
    static <R extends TrainingRow> OpenedRun<R> among(OpenedRun<R> run, boolean parted) {
        List<TrainingListener> listeners = run.context().listeners();
        if (listeners.isEmpty() || run.rows().evalSets().isEmpty() || parted) {
            return run;
        }
        List<TrainingListener> all = new ArrayList<>(listeners);
        all.add(new AnswerWriter(run));
        return run.withContext(run.context().withListeners(all));
    }

    @Override
    public void onHeldOutRows(String set, List<MeasuredRow> measured) {
        Map<Integer, List<GivenAnswer>> rows = rows(set);
        if (rows.isEmpty()) {
            return;
        }
        List<int[]> prompts = rows.values().stream().map(AnswerWriter::prompt).toList();
        List<TextCompletion> written;
        try {
            written = completer.complete(prompts, sampling);
        } catch (RolloutException e) {
            LOG.warn("the first held-out prompts were not answered: {}", e.getMessage());
            return;
        }
        List<WrittenAnswer> answers = new ArrayList<>();
        rows.forEach((row, given) -> answers.add(told(row, given, written.get(answers.size()))));
        told.forEach(listener -> listener.onHeldOutAnswers(set, answers));
    }

    /// The first rows that have a prompt to answer, by their places in the set.
    private Map<Integer, List<GivenAnswer>> rows(String set) {
        Map<Integer, List<GivenAnswer>> found = new LinkedHashMap<>();
        List<? extends TrainingRow> rows =
                sets.stream()
                        .filter(s -> s.name().equals(set))
                        .findFirst()
                        .<List<? extends TrainingRow>>map(EvalSet::rows)
                        .orElse(List.of()); // of a task
        for (int i = 0; i < Math.min(ROWS, rows.size()); i++) {
            List<GivenAnswer> answers = rows.get(i).answers();
            int prompt = answers.isEmpty() ? 0 : prompt(answers).length;
            if (prompt > 0 && prompt <= longest) {
                found.put(i, answers);
            }
        }
        return found;
    }

    private static int[] prompt(List<GivenAnswer> answers) {
        return answers.getFirst().tokens().promptIds();
    }

    private WrittenAnswer told(int row, List<GivenAnswer> given, TextCompletion written) {
        Tokenizer tokenizer = completer.tokenizer();
        Map<String, String> texts = new LinkedHashMap<>();
        for (GivenAnswer answer : given) {
            texts.put(answer.name(), tokenizer.decode(answer.tokens().completionIds(), true));
        }
        String prompt = PromptText.of(tokenizer::decode, prompt(given));
        return new WrittenAnswer(row, prompt, texts, written.text());
    }
}
