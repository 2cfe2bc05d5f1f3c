package org.attune.trainers.onpolicy;

import org.attune.datasets.examples.PromptExample;
import org.attune.error.ConfigException;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.source.RolloutRecorder;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Makes the rounds of a method that generates: completes prompts, has the completions judged, and
/// keeps them in a file where the run asks for one. What a method makes of a round is its own.
public final class Rounds {
    private final GeneratingRun config;
    private final RolloutSource source;
    private final DealtCompletions completions;
    private final Optional<RolloutRecorder> recorder;

    /// @param source completes prompts; borrowed
    /// @param judge of the completions; borrowed
    /// @param devices that complete prompts; borrowed
    /// @throws org.attune.error.ConfigException if several devices can't complete prompts so
    public Rounds(
            GeneratingRun config,
            RolloutSource source,
            RoundCompleter judge,
            LogicalDevices devices) {
        this.config = config;
        this.source = source;
        completions =
                new DealtCompletions(devices, judge, config.generation().maxCompletionLength());
        if (devices.count() > 1) {
            requireOwnCompletions(config);
        }
        recorder = devices.ranks().writes() ? RecordedRound.recorder(config) : Optional.empty();
    }

    /// What one process completes or reads for all isn't dealt among several devices.
    private static void requireOwnCompletions(GeneratingRun config) {
        String what = "";
        if (config.agent().isOn()) {
            what = "tools or environments";
        } else if (config.rollouts().recordedRollouts().isPresent()) {
            what = "recorded_rollouts";
        }
        if (!what.isEmpty()) {
            throw ConfigException.about(
                    "logical_devices",
                    ("%d with %s; accepted: 1, since only completions of the policy itself and"
                                    + " of servers are dealt among devices")
                            .formatted(config.training().batch().devices(), what));
        }
    }

    /// What a round is for a method, with what it has to say.
    ///
    /// @param <T> what the method makes of completions
    /// @param made that
    /// @param metrics of rewards and completions, finite
    /// @param tokens of prompts and the model's own of completions, a shared prompt counted for
    ///     each completion
    /// @param table completions with their rewards, for those who watch
    public record Made<T>(
            T made, Map<String, Double> metrics, long tokens, CompletionTable table) {}

    /// Completes prompts for training and has the completions judged.
    ///
    /// @param number of the round, from 0
    /// @param indices numbers of its prompts in the data
    /// @param prompts the data
    /// @param generations completions of each prompt, ≥ 1
    public Judged complete(
            long number, int[] indices, List<PromptExample> prompts, int generations) {
        source.beginRound(number);
        int devices = completions.devices().count();
        return completions.of(
                indices,
                prompts,
                generations,
                device ->
                        (ids, finished) ->
                                source.complete(ids, number * devices + device, finished));
    }

    /// Rewards of each prompt's likeliest completion, `(P)`; NaN where it got none.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    public double[] greedyRewards(int[] indices, List<PromptExample> prompts) {
        Judged judged = completions.of(indices, prompts, 1, _ -> source::completeGreedily);
        double[] rewards = new double[indices.length];
        Arrays.setAll(rewards, i -> judged.table().rewards().total(i));
        return rewards;
    }

    /// Whether another sampler than the policy wrote a round that was completed.
    public boolean isElsewhere(long number) {
        return source.isElsewhere(number);
    }

    /// The order in which a round is used: a recorded round has one.
    ///
    /// @param otherwise gives that of other rounds
    public int[] order(long number, Supplier<int[]> otherwise) {
        return source.order(number).orElseGet(otherwise);
    }

    /// Keeps a round in the run's file, if it has one.
    ///
    /// @param order in which the round is used
    public void keep(long number, Judged judged, int[] order) {
        recorder.ifPresent(
                r ->
                        r.append(
                                RecordedRound.of(
                                        number, judged, order, !source.isElsewhere(number))));
    }

    /// Says which round a resumed run makes next.
    public void continueAt(long round) {
        recorder.ifPresent(r -> r.continueAt(round));
    }

    /// For evaluations with the same judge.
    public HeldOutPrompts heldOut() {
        return new HeldOutPrompts(config, completions, source);
    }
}
