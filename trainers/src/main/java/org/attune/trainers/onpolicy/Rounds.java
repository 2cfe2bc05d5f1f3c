package org.attune.trainers.onpolicy;

import org.attune.reward.CompletionScorer;
import org.attune.reward.RewardTable;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.source.RolloutRecorder;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;

import java.util.Arrays;
import java.util.List;
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
    public Rounds(
            GeneratingRun config,
            RolloutSource source,
            RoundCompleter judge,
            LogicalDevices devices) {
        this.config = config;
        this.source = source;
        completions = new DealtCompletions(devices, judge, config.maxCompletionLength());
        recorder = devices.ranks().writes() ? RecordedRound.recorder(config) : Optional.empty();
    }

    /// Rounds that the run's rewards judge.
    ///
    /// @param source completes prompts; borrowed
    /// @param rewards borrowed
    /// @param tokenizer of what rewards read; borrowed
    /// @param devices that complete prompts; borrowed
    public static Rounds judged(
            RolloutRun config,
            RolloutSource source,
            CompletionScorer rewards,
            Tokenizer tokenizer,
            LogicalDevices devices,
            PhaseClock clock) {
        var text = new CompletionText(tokenizer);
        var judge = new CompletionJudge(config, rewards, text, clock);
        return new Rounds(config, source, judge, devices);
    }

    /// Completes prompts for training and has the completions judged.
    ///
    /// @param number of the round, from 0
    /// @param indices numbers of its prompts in the data
    /// @param prompts the data
    /// @param generations completions of each prompt, ≥ 1
    public JudgedCompletions complete(
            long number, int[] indices, List<PromptExample> prompts, int generations) {
        source.beginRound(number);
        return completions.of(
                indices, prompts, generations, parts(number, indices.length * generations));
    }

    /// Completes prompts for training, and gives the judged completions in the bytes that [#read]
    /// takes.
    byte[] written(long number, int[] indices, List<PromptExample> prompts, int generations) {
        source.beginRound(number);
        return completions.written(
                indices, prompts, generations, parts(number, indices.length * generations));
    }

    /// Completions that [#written] gave, without advantages.
    JudgedCompletions read(
            byte[] written, int[] indices, List<PromptExample> prompts, int generations) {
        return completions.read(written, indices, prompts, generations);
    }

    /// Completions that several devices wrote, without advantages.
    ///
    /// @param dealt places of the prompts on each device
    JudgedCompletions read(
            byte[] written,
            List<List<Integer>> dealt,
            int[] indices,
            List<PromptExample> prompts,
            int generations) {
        return completions.read(written, dealt, indices, prompts, generations);
    }

    /// Has completions of one device judged that have ended, and gives them in the bytes that
    /// [#read] takes.
    byte[] ended(
            int[] indices,
            List<PromptExample> prompts,
            int generations,
            List<SampledCompletion> sampled) {
        return completions.ended(indices, prompts, generations, sampled);
    }

    /// What completes prompts.
    RolloutSource source() {
        return source;
    }

    LogicalDevices devices() {
        return completions.devices();
    }

    /// Adds advantages to completions that were read.
    JudgedCompletions joined(JudgedCompletions read) {
        return completions.judge().joined(read);
    }

    private DealtCompletions.PartCompleter parts(long number, int all) {
        int devices = completions.devices().count();
        return (device, places) -> {
            var part = new RoundPart(number, device, devices, all, places);
            return (ids, finished) -> source.completePart(ids, part, finished);
        };
    }

    /// Rewards of each prompt's likeliest completion, `(P)`; NaN where it got none.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    public double[] greedyRewards(int[] indices, List<PromptExample> prompts) {
        JudgedCompletions judged =
                completions.of(indices, prompts, 1, (_, _) -> source::completeGreedily);
        double[] rewards = new double[indices.length];
        Arrays.setAll(rewards, i -> judged.table().rewards().total(i));
        return rewards;
    }

    /// Rewards of several completions of each prompt, `(P, G)`; NaN where one got none.
    ///
    /// @param number from which draws follow; that of no round
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    /// @param generations completions of each prompt, ≥ 1
    public double[][] sampledRewards(
            long number, int[] indices, List<PromptExample> prompts, int generations) {
        source.beginRound(0); // whose weights they are
        RewardTable table =
                completions
                        .of(
                                indices,
                                prompts,
                                generations,
                                parts(number, indices.length * generations))
                        .table()
                        .rewards();
        double[][] rewards = new double[indices.length][generations];
        for (int i = 0; i < table.size(); i++) {
            rewards[i / generations][i % generations] = table.total(i);
        }
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
    public void keep(long number, JudgedCompletions judged, int[] order) {
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

    /// Held-out prompts that the run's judge judges.
    public HeldOutPrompts heldOut() {
        return new HeldOutPrompts(config, completions, source);
    }
}
