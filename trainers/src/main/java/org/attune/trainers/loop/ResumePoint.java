package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.checkpoint.CheckpointStore;
import org.attune.error.CheckpointException;
import org.attune.trainers.config.ConfigNames;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.config.ScheduleConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The checkpoint from which a run goes on.
public final class ResumePoint {
    private static final Logger LOG = LoggerFactory.getLogger(ResumePoint.class);

    /// Key of a run's identity: tokens of a micro-batch, which can change rounding.
    static final String TOKENS = "tokens_per_micro_batch";

    /// Key of a run's identity: weights packed for backward passes, which can change rounding.
    static final String PACKS = "weights packed for backward passes";

    /// Key of a run's identity: the number of logical devices, which decides what rows a step has.
    static final String DEVICES = "logical_devices";

    /// Key of a run's identity: the version of libtorch; but a run may go on with another one.
    static final String LIBTORCH = "libtorch";

    private static final String SLOTS = "generation_slots";

    private static final String REUSES = "reuse_rollout_activations";

    private ResumePoint() {}

    /// Empty if the run starts anew. Reads and compares all of the checkpoint's files.
    ///
    /// @throws org.attune.error.CheckpointException if the one that was asked for is none
    public static Optional<Checkpoint> of(SaveConfig save) {
        return switch (save.resume()) {
            case Resume.No() -> Optional.empty();
            case Resume.Latest() ->
                    new CheckpointStore(save.outputDir(), save.saveTotalLimit()).newest();
            case Resume.From(var folder) -> Optional.of(Checkpoint.open(folder));
        };
    }

    /// The checkpoint that [#of] will find if all is well, for what its state says of the run;
    /// empty if there is none.
    public static Optional<Checkpoint> glance(SaveConfig save) {
        return switch (save.resume()) {
            case Resume.No() -> Optional.empty();
            case Resume.Latest() ->
                    new CheckpointStore(save.outputDir(), save.saveTotalLimit()).glance();
            case Resume.From(var folder) -> Checkpoint.glance(folder);
        };
    }

    /// How many tokens the run computed at once; it goes on with as many, to get the same numbers.
    public static OptionalInt tokensPerMicroBatch(Checkpoint checkpoint) {
        return number(checkpoint, TOKENS);
    }

    /// How many sequences the run generated at once, likewise.
    public static OptionalInt generationSlots(Checkpoint checkpoint) {
        return number(checkpoint, SLOTS);
    }

    /// Whether backward passes or decoding read copies of the weights, likewise.
    public static Optional<Boolean> hasCopies(Checkpoint checkpoint) {
        return Optional.ofNullable(checkpoint.state().identity().get(PACKS))
                .map(Boolean::parseBoolean);
    }

    /// Whether the run took what generation computes for its forward pass, likewise.
    public static Optional<Boolean> reusesActivations(Checkpoint checkpoint) {
        return Optional.ofNullable(checkpoint.state().identity().get(REUSES))
                .map(Boolean::parseBoolean);
    }

    /// A run's identity with the libtorch of its checkpoint, if that tells it: a run may go on with
    /// another one, as on another machine, but then says so.
    ///
    /// @param saved the checkpoint's identity
    /// @param now the run's
    static Map<String, String> withLibtorchOf(Map<String, String> saved, Map<String, String> now) {
        Map<String, String> compared = new LinkedHashMap<>(now);
        String loaded = compared.remove(LIBTORCH);
        String before = saved.get(LIBTORCH);
        if (before != null) {
            compared.put(LIBTORCH, before);
            if (!before.equals(loaded)) {
                LOG.warn(
                        "the checkpoint was made with libtorch {}, this process uses {}: numbers"
                            + " may differ in their last digits from those of a run that was never"
                            + " interrupted. Set ATTUNE_LIBTORCH as before to get the same",
                        before,
                        loaded);
            }
        }
        return compared;
    }

    /// Whether a checkpoint is of this run, which may have become longer since, and whose rewards
    /// may have been corrected.
    ///
    /// @param identity the run's
    /// @param total steps that the run has now
    /// @throws CheckpointException if it is of another run, or has more steps
    static void requireSameRun(
            Checkpoint checkpoint,
            Map<String, String> identity,
            int total,
            ScheduleConfig schedule) {
        Map<String, String> saved = checkpoint.state().identity();
        List<String> changes =
                checkpoint.requireSameRun(
                        ChangedRewards.accepted(saved, withLibtorchOf(saved, identity)),
                        Fingerprints.LENGTH);
        int done = checkpoint.state().step();
        if (total < done) {
            throw new CheckpointException(
                    "%s has %d steps, more than the %d of this run; raise max_steps or num_train_epochs, or resume from an earlier checkpoint"
                            .formatted(checkpoint.folder(), done, total));
        }
        if (!changes.isEmpty()) {
            LOG.info(
                    "{}: from step {} on the learning rate follows the {} schedule of {} steps",
                    String.join(", ", changes),
                    done + 1,
                    ConfigNames.wireName(schedule.lrSchedulerType()),
                    total);
        }
    }

    /// How many logical devices the run has; empty for one.
    public static OptionalInt devices(Checkpoint checkpoint) {
        return number(checkpoint, DEVICES);
    }

    private static OptionalInt number(Checkpoint checkpoint, String key) {
        String number = checkpoint.state().identity().get(key);
        return number == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(number));
    }
}
