package org.attune.trainers.memory;

import org.attune.model.decode.ForwardRecord;
import org.attune.policy.Policy;
import org.attune.policy.TokenBudget;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.onpolicy.RolloutRun;

import java.util.List;
import java.util.Optional;

/// What generation computes of the completions of a step, kept so that the backward pass needs no
/// forward pass through the blocks: `reuse_rollout_activations`. Owns the memory.
///
/// @param record empty where nothing is kept
public record KeptActivations(Optional<ForwardRecord> record) implements AutoCloseable {
    /// Rows for which memory is spent unasked: twice as many tokens as are computed at once.
    private static final long MOST_ROWS = 2L * TokenBudget.DEFAULT_TOKENS;

    /// What could be kept.
    ///
    /// @param bytes 0: nothing
    /// @param before whether the run that goes on kept it
    public record Wish(long bytes, boolean before) {
        public static final Wish NOTHING = new Wish(0, false);
    }

    /// What a run could keep: completions of the policy itself, each round of which is used up by
    /// one step that drops nothing.
    ///
    /// @param prompts of training
    public static Wish wish(RolloutRun config, Policy policy, List<PromptExample> prompts) {
        Optional<Boolean> before =
                ResumePoint.glance(config.training().save())
                        .flatMap(ResumePoint::reusesActivations);
        int rounds = config.microBatchesPerRound() * config.rounds().numIterations();
        if (!config.rounds().reuseRolloutActivations()
                || config.training().batch().devices() > 1 // where rows are learned from elsewhere
                || !before.orElse(true)
                || config.rollouts().isElsewhere()
                || config.agent().isOn() // prompts of environments have any length
                || prompts instanceof RowStream<?> // and those that come later may be longer
                || config.training().batch().microBatchesOfStep() != rounds
                || policy.hasDropout()
                || !ForwardRecord.suits(policy.decoder())
                || longest(prompts) + config.maxCompletionLength()
                        > ForwardRecord.longest(policy.decoder().dtype())) {
            return Wish.NOTHING;
        }
        long rows = rows(config, prompts);
        if (rows > MOST_ROWS) {
            return Wish.NOTHING;
        }
        long bytes =
                ForwardRecord.bytes(
                        policy.decoder(), policy.adapterInUse(), (int) rows, predictions(config));
        return new Wish(bytes, before.orElse(false));
    }

    private static int longest(List<PromptExample> prompts) {
        return prompts.stream().mapToInt(PromptExample::length).max().orElse(0);
    }

    /// Most tokens that a round reads.
    private static long rows(RolloutRun config, List<PromptExample> prompts) {
        long completions = completions(config);
        return completions / config.numGenerations() * longest(prompts)
                + completions * config.maxCompletionLength();
    }

    private static long completions(RolloutRun config) {
        return (long) config.training().batch().perDeviceTrainBatchSize()
                * config.microBatchesPerRound();
    }

    /// Most tokens that a round generates.
    private static int predictions(RolloutRun config) {
        return Math.toIntExact(completions(config) * config.maxCompletionLength());
    }

    /// Keeps what [#wish] said, if that was decided. On the engine thread.
    ///
    /// @param fitted with what was decided
    public static KeptActivations of(
            RolloutRun fitted, Policy policy, List<PromptExample> prompts) {
        if (!fitted.rounds().reuseRolloutActivations()) {
            return new KeptActivations(Optional.empty());
        }
        var record = new ForwardRecord(policy.decoder(), policy.adapterInUse());
        policy.reuse(record);
        // One place for all rounds.
        record.begin(Math.toIntExact(rows(fitted, prompts)), predictions(fitted));
        return new KeptActivations(Optional.of(record));
    }

    @Override
    public void close() {
        record.ifPresent(ForwardRecord::close);
    }
}
