package org.attune.trainers.onpolicy;

import org.attune.datasets.examples.PromptExample;
import org.attune.reward.Advantages;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Completes prompts for a method that asks for no rewards. Its advantages are NaN.
///
/// @param text what watchers see
/// @param clock counts the time
public record Unjudged(CompletionText text, PhaseClock clock) implements RoundCompleter {
    @Override
    public Judged of(
            int[] indices, List<PromptExample> prompts, int generations, Completer completer) {
        AskedPrompts asked = AskedPrompts.of(indices, prompts, generations);
        List<SampledCompletion> sampled =
                CompletionJudge.completed(asked, completer, clock, (_, _) -> {});
        List<Prompt> begun = new ArrayList<>();
        List<Completion> answers = new ArrayList<>();
        Map<String, List<Object>> columns = new LinkedHashMap<>();
        for (int i = 0; i < sampled.size(); i++) {
            begun.add(text.prompt(asked.rows().get(i), sampled.get(i)));
            answers.add(text.completion(asked.rows().get(i), sampled.get(i)));
        }
        Map<String, Double> metrics = new LinkedHashMap<>(CompletionLengths.metrics(sampled));
        metrics.putAll(EpisodeMetrics.of(sampled));
        double[] none = new double[sampled.size()];
        Arrays.fill(none, Double.NaN);
        var table = RewardTable.of(List.of(), new double[0], new double[sampled.size()][0]);
        return new Judged(
                asked.tokens(sampled),
                sampled,
                new Advantages(none, Map.of()),
                metrics,
                new CompletionTable(
                        new RewardBatch(begun, answers, columns), table, none, generations));
    }
}
