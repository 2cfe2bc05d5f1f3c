package org.attune.trainers.memory;

import org.attune.error.ConfigException;
import org.attune.model.pass.Recomputation;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.StepMemory;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceMemory;
import org.attune.tensor.Engine;
import org.attune.tensor.ResidentLimit;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.ProcessMemory;
import org.attune.trainers.loop.ResumePoint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/// Decides how a run is computed, by the memory that is available when all that is long-lived is
/// loaded.
///
/// @param training the settings with what was decided for `tokens_per_micro_batch`
/// @param slots sequences that are generated at once; empty if the run generates none
/// @param recomputed in the backward pass
/// @param reuses whether what generation computes is kept for the backward pass
public record MemoryFit(
        TrainingConfig training, OptionalInt slots, Recomputation recomputed, boolean reuses) {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryFit.class);
    private static final double GIB = 1L << 30;

    /// Part of `max_memory` from which on freed memory is given back before a pass.
    private static final double GIVE_BACK_SHARE = 0.8;

    /// Decides and tells.
    ///
    /// @param policy what is trained, or the first of it
    /// @param need of all that is trained
    /// @param rows how long rows are
    /// @param rollouts what is to be generated, if anything
    /// @throws ConfigException if `max_memory` is too little for any way
    public static MemoryFit of(
            TrainingConfig training,
            Policy policy,
            MemoryNeed need,
            RowTokens rows,
            Optional<RolloutPlan.Wish> rollouts) {
        Device device = policy.decoder().device();
        keepBelow(training, device);
        Optional<MemoryLimit> limit = MemoryLimit.of(training.batch().maxMemory(), device);
        boolean mayRecompute = training.batch().gradientCheckpointing();
        var wish = new MemoryPlan.Wish(tokens(training, rows), mayRecompute, rows);
        MemoryPlan plan = MemoryPlan.choose(need, limit, wish);
        tell(plan.isUsual(), plan.explanation());
        Optional<RolloutPlan> generation =
                rollouts.map(w -> RolloutPlan.choose(w, limit.map(l -> l.less(need.optimizer()))));
        generation.ifPresent(g -> tell(g.slots() == rollouts.get().slots(), g.explanation()));
        long generating = generation.map(RolloutPlan::bytes).orElse(0L);
        var kept = rollouts.map(RolloutPlan.Wish::kept).orElse(KeptActivations.Wish.NOTHING);
        long withKept = withKept(plan, need, rows, kept.bytes(), generating);
        boolean fits = limit.isEmpty() || withKept <= limit.get().bytes();
        boolean reuses =
                kept.bytes() > 0 && plan.recomputed().blocks() == 0 && (kept.before() || fits);
        if (reuses) {
            LOG.debug(
                    "keeping what generation computes for the backward pass: {} GiB",
                    gib(kept.bytes()));
        }
        long otherwise = Math.max(plan.bytes(), need.optimizer() + generating);
        tellPeak(reuses ? withKept : otherwise, device);
        if (!plan.fits()) {
            refuse(limit.orElseThrow(), plan.explanation(), remedy(training, policy, limit, rows));
        }
        if (generation.isPresent() && !generation.get().fits()) {
            refuse(
                    limit.orElseThrow(),
                    generation.get().explanation(),
                    "lower max_completion_length, or leave out rows with long prompts");
        }
        return new MemoryFit(
                training.withBatch(batch -> batch.withTokensPerMicroBatch(plan.tokens())),
                generation.map(g -> OptionalInt.of(g.slots())).orElse(OptionalInt.empty()),
                plan.recomputed(),
                reuses);
    }

    /// What is as it is on any machine with memory enough is for those who ask for more.
    private static void tell(boolean usual, String text) {
        LOG.atLevel(usual ? Level.DEBUG : Level.INFO).log(text);
    }

    /// Bytes where what generation computes is kept: besides, the backward pass needs one block.
    private static long withKept(
            MemoryPlan plan, MemoryNeed need, RowTokens rows, long kept, long generating) {
        int most = (int) Math.min(plan.tokens(), rows.wholeStep());
        int atOnce = Math.max(most, rows.longestRow());
        long pass = need.toCome(atOnce, Recomputation.ALL) - need.optimizer();
        return need.optimizer() + kept + Math.max(pass, generating);
    }

    private static void keepBelow(TrainingConfig training, Device device) {
        training.batch()
                .maxMemory()
                .ifPresentOrElse(
                        asked ->
                                ResidentLimit.set(
                                        (long) (GIVE_BACK_SHARE * asked.bytes()),
                                        () -> taken(device),
                                        () -> giveBack(device)),
                        ResidentLimit::clear);
    }

    /// How many tokens must be computed at once; empty if memory and speed decide.
    private static OptionalInt tokens(TrainingConfig training, RowTokens rows) {
        OptionalInt asked = training.batch().tokensPerMicroBatch();
        if (asked.isPresent()) {
            return asked;
        }
        OptionalInt before =
                ResumePoint.glance(training.save())
                        .map(ResumePoint::tokensPerMicroBatch)
                        .orElse(OptionalInt.empty());
        if (before.isPresent() || !training.optimizer().optimizerInBwd()) {
            return before;
        }
        return OptionalInt.of(Math.clamp(rows.wholeStep(), 1, Integer.MAX_VALUE));
    }

    /// Bytes that the process has of the device that it computes on.
    private static long taken(Device device) {
        return device.isGpu()
                ? device.memory().map(DeviceMemory::taken).orElse(0L)
                : ProcessMemory.residentBytes();
    }

    private static void giveBack(Device device) {
        if (device.isGpu()) {
            device.giveBackFreedMemory();
        } else {
            Engine.giveBackFreedMemory();
        }
    }

    private static void tellPeak(long beside, Device device) {
        long taken = taken(device);
        if (taken > 0) {
            LOG.info(
                    "memory{}: {} GiB now, about {} GiB at the peak",
                    device.isGpu() ? " of " + device : "",
                    gib(taken),
                    gib(taken + beside));
        }
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.2f", bytes / GIB);
    }

    /// The machine's memory is only advice, since others may give some back; `max_memory` is not.
    private static void refuse(MemoryLimit limit, String smallest, String remedy) {
        if (limit.asked().isEmpty()) {
            LOG.warn("memory may not suffice; {}", remedy);
            return;
        }
        throw new ConfigException(
                "max_memory: %s is too little even for the smallest way, %s; raise it, or %s"
                        .formatted(limit.asked().get(), smallest, remedy));
    }

    private static String remedy(
            TrainingConfig training, Policy policy, Optional<MemoryLimit> limit, RowTokens rows) {
        boolean inTurn = training.optimizer().optimizerInBwd();
        String fewer =
                inTurn // the rows of a step are computed at once
                        ? "per_device_train_batch_size x gradient_accumulation_steps"
                        : "tokens_per_micro_batch";
        boolean recomputes = training.batch().gradientCheckpointing();
        String remedy =
                "lower %s or max_length%s"
                        .formatted(
                                fewer, recomputes ? "" : ", or set gradient_checkpointing: true");
        long optimizer = training.stateBytes(policy.parameters());
        return remedy + inTurnInstead(policy, optimizer, limit.orElseThrow(), rows);
    }

    /// Says so where fewer gradients at a time would be enough. It is not done unasked: such a run
    /// can't clip.
    private static String inTurnInstead(
            Policy policy, long optimizer, MemoryLimit limit, RowTokens rows) {
        StepMemory kept = StepMemory.of(policy);
        ParameterSpace parameters = policy.parameters();
        if (policy.adapter().isPresent()
                || parameters.sharesGradients()
                || parameters.takesTurns()) {
            return "";
        }
        StepMemory inTurn = kept.inTurn(parameters);
        int whole = Math.clamp(rows.wholeStep(), 1, Integer.MAX_VALUE);
        long bytes = optimizer + inTurn.pass(whole, MemoryPlan.most(kept.activations().layers()));
        long spared = kept.gradientBytes() - inTurn.gradientBytes();
        return bytes - spared > limit.bytes()
                ? ""
                : ", or set optimizer_in_bwd: true and max_grad_norm: 0, which keeps %s GiB less of gradients and would fit"
                        .formatted(gib(spared));
    }
}
