package org.attune.trainers.onpolicy;

import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;

import java.util.List;
import java.util.Map;

/// Completes prompts for a method that asks for no rewards.
///
/// @param text what watchers see
/// @param clock counts the time
public record Unjudged(CompletionText text, PhaseClock clock) implements RoundCompleter {
    @Override
    public JudgedCompletions of(
            int[] indices, List<PromptExample> prompts, int generations, Completer completer) {
        AskedPrompts asked = AskedPrompts.of(indices, prompts, generations);
        List<SampledCompletion> sampled =
                CompletionJudge.completed(asked, completer, clock, (_, _) -> {});
        return known(
                asked,
                sampled,
                RewardTable.of(List.of(), new double[0], new double[sampled.size()][0]),
                generations);
    }

    @Override
    public Unjudged ofPart() {
        return this;
    }

    @Override
    public JudgedCompletions known(
            AskedPrompts asked,
            List<SampledCompletion> sampled,
            RewardTable table,
            int generations) {
        return asked.judged(sampled, text, table, Map.of(), generations);
    }

    @Override
    public JudgedCompletions joined(JudgedCompletions parts) {
        return parts;
    }
}
