package org.attune.trainers.onpolicy;

import org.attune.reward.CompletionScorer;
import org.attune.reward.EpisodeRewards;
import org.attune.reward.GroupedRewards;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.PhaseClock;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/// Completes prompts and judges the completions.
///
/// @param rewards judge, borrowed
/// @param text what they see
/// @param clock counts the time
/// @param watch ends a run whose rewards say nothing
/// @param isPart whether a round's rewards are looked at where all of its parts are together, and
///     those of environments are joined there
public record CompletionJudge(
        CompletionScorer rewards,
        CompletionText text,
        PhaseClock clock,
        RewardWatch watch,
        boolean isPart)
        implements RoundCompleter {
    public CompletionJudge(
            RolloutRun run, CompletionScorer rewards, CompletionText text, PhaseClock clock) {
        this(rewards, text, clock, new RewardWatch(run.rewards().onRewardFailure()), false);
    }

    /// A way of completing prompts that tells of each completion as soon as it has ended.
    @FunctionalInterface
    public interface Completer {
        List<SampledCompletion> complete(List<RolloutPrompt> prompts, FinishedListener listener);
    }

    @Override
    public JudgedCompletions of(
            int[] indices, List<PromptExample> prompts, int generations, Completer completer) {
        AskedPrompts asked = AskedPrompts.of(indices, prompts, generations);
        var scoring = new StreamingJudge(asked.rows(), text, rewards);
        List<SampledCompletion> sampled = completed(asked, completer, clock, scoring);
        RewardBatch batch;
        RewardTable given;
        try (var _ = clock.enter("reward")) {
            batch = scoring.batch(sampled);
            given = scoring.finish(batch);
        }
        if (isPart) {
            return new JudgedCompletions(
                    asked.tokens(sampled),
                    sampled,
                    Map.of(),
                    new CompletionTable(batch, given, generations));
        }
        RewardTable table = EpisodeRewards.joined(given, batch.completions());
        if (!sampled.stream().allMatch(SampledCompletion::isFailed)) {
            watch.check(table);
        }
        Map<String, Double> metrics = new LinkedHashMap<>(CompletionLengths.metrics(sampled));
        metrics.putAll(EpisodeMetrics.of(sampled));
        metrics.putAll(GroupedRewards.of(table, generations, batch.completions()).statistics());
        metrics.putAll(table.metrics());
        metrics.values().removeIf(v -> !Double.isFinite(v));
        return new JudgedCompletions(
                asked.tokens(sampled),
                sampled,
                metrics,
                new CompletionTable(batch, table, generations));
    }

    @Override
    public CompletionJudge ofPart() {
        return new CompletionJudge(rewards, text, clock, watch, true);
    }

    @Override
    public JudgedCompletions known(
            AskedPrompts asked,
            List<SampledCompletion> sampled,
            RewardTable table,
            int generations) {
        return asked.judged(sampled, text, table, asked.columns(), generations);
    }

    @Override
    public JudgedCompletions joined(JudgedCompletions parts) {
        RewardBatch batch = parts.table().batch();
        int generations = parts.table().generations();
        RewardTable table = EpisodeRewards.joined(parts.table().rewards(), batch.completions());
        if (!parts.sampled().stream().allMatch(SampledCompletion::isFailed)) {
            watch.check(table);
        }
        var judged =
                new JudgedCompletions(
                        parts.rows(),
                        parts.sampled(),
                        parts.metrics(),
                        new CompletionTable(batch, table, generations));
        return judged.with(GroupedRewards.of(table, generations, batch.completions()).statistics());
    }

    /// Completions of prompts, in their order, under the clock.
    ///
    /// @param listener told of each as soon as it has ended
    static List<SampledCompletion> completed(
            AskedPrompts asked, Completer completer, PhaseClock clock, FinishedListener listener) {
        try (var _ = clock.enter("rollout")) {
            var ended = new AtomicInteger();
            return completer.complete(
                    asked.prompts(),
                    (sequence, completion) -> {
                        clock.completed(ended.incrementAndGet(), asked.prompts().size());
                        listener.finished(sequence, completion);
                    });
        }
    }
}
