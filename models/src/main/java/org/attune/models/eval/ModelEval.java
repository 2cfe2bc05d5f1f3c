package org.attune.models.eval;

import org.attune.error.RewardException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.rollout.generation.SequenceListener;
import org.attune.rollout.generation.TextCompleter;
import org.attune.rollout.generation.TextCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.text.ChatTokenizer;
import org.attune.text.Message;
import org.attune.text.TextAssets;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Lets a model complete problems and a reward function judge what it says. Borrows its parts.
public final class ModelEval {
    private final TextCompleter completer;
    private final TextAssets text;
    private final RewardFunction reward;

    public ModelEval(TextCompleter completer, TextAssets text, RewardFunction reward) {
        this.completer = completer;
        this.text = text;
        this.reward = reward;
    }

    /// Completes each problem `samples` times.
    ///
    /// @param problems `P` of them
    /// @param samples completions of each, `G` ≥ 1
    public EvalResult run(List<EvalProblem> problems, SamplingConfig sampling, int samples) {
        return run(problems, sampling, samples, SequenceListener.NONE);
    }

    /// Completes each problem `samples` times, and reports to a listener on the way.
    ///
    /// @param listener hears how it goes on; sequences are `P·G` in the problems' order
    public EvalResult run(
            List<EvalProblem> problems,
            SamplingConfig sampling,
            int samples,
            SequenceListener listener) {
        var prompts = new ArrayList<int[]>();
        var repeated = new ArrayList<EvalProblem>();
        Optional<ChatTokenizer> chat = text.template().map(_ -> text.chat());
        for (EvalProblem problem : problems) {
            int[] ids = problem.encode(text.tokenizer(), () -> chat.orElseGet(text::chat));
            for (int i = 0; i < samples; i++) {
                prompts.add(ids);
                repeated.add(problem);
            }
        }
        List<TextCompletion> completions = completer.complete(prompts, sampling, listener); // (P·G)
        List<OptionalDouble> rewards = reward.score(batch(repeated, completions)); // (P·G)
        if (rewards.size() != completions.size()) {
            throw new IllegalStateException(
                    "%s gave %d rewards for %d completions"
                            .formatted(reward.name(), rewards.size(), completions.size()));
        }
        if (rewards.stream().noneMatch(OptionalDouble::isPresent)) {
            throw new RewardException(
                    "%s gave no reward for any of the %d completions; check that it judges these rows and that the column it compares with holds what it can read"
                            .formatted(reward.name(), completions.size()));
        }
        var rows = new ArrayList<EvalRow>();
        for (int p = 0; p < problems.size(); p++) {
            int from = p * samples;
            int to = from + samples;
            rows.add(
                    new EvalRow(
                            problems.get(p),
                            completions.subList(from, to).stream()
                                    .map(TextCompletion::text)
                                    .toList(),
                            rewards.subList(from, to)));
        }
        return new EvalResult(rows);
    }

    private static RewardBatch batch(List<EvalProblem> problems, List<TextCompletion> completions) {
        List<Prompt> prompts = problems.stream().map(EvalProblem::prompt).toList();
        return new RewardBatch(
                prompts,
                completions.stream().map(ModelEval::completion).toList(),
                columns(problems));
    }

    private static Completion completion(TextCompletion given) {
        return new Completion(
                given.text(),
                given.sampled().ids(),
                List.of(Message.of("assistant", given.text())));
    }

    private static Map<String, List<Object>> columns(List<EvalProblem> problems) {
        Set<String> names = new LinkedHashSet<>();
        problems.forEach(problem -> names.addAll(problem.columns().keySet()));
        var columns = new LinkedHashMap<String, List<Object>>();
        for (String name : names) {
            var values = new ArrayList<Object>();
            problems.forEach(problem -> values.add(problem.columns().get(name)));
            columns.put(name, values);
        }
        return columns;
    }
}
