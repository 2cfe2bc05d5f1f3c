package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.pass.Recomputation;
import org.attune.policy.TokenForest;
import org.attune.tensor.Device;
import org.attune.tensor.OperatorTimes;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// Wall time by phase, and the rows that passed through a model in it. A phase inside another
/// counts for itself only. For one thread.
/// ```
/// try (var _ = clock.enter("evaluate")) { … }
/// ```
/// A GPU may compute after the end of the phase that asked for it. In exact steps, which are
/// logged, the clock waits for the GPU before it is read. In others nobody waits, and the time of
/// phases that compute is split as in exact steps. Outside of steps the clock always waits.
@Api(EXPERIMENTAL)
public final class PhaseClock {
    /// Not a phase: the passes that are repeated in `backward`.
    public static final String RECOMPUTED = "recomputed";

    /// Not a phase: the passes through the blocks of those in `forward` that were taken from what
    /// generation had computed.
    public static final String REUSED = "reused";

    private static final String EVALUATE = "evaluate";

    /// Phases of a step that ask a GPU for more than they wait for.
    private static final Set<String> COMPUTING =
            Set.of(
                    "train",
                    "forward",
                    "backward",
                    "critic_forward",
                    "critic_backward",
                    "reference",
                    "teacher",
                    "optimizer");

    /// Phases that are rare, or that wait all the time, so that one wait before them is nothing.
    private static final Set<String> WAITED_FOR = Set.of(EVALUATE, "rollout", "save");

    private final Map<String, Long> nanos = new LinkedHashMap<>();
    private final Map<String, Long> askedNanos = new LinkedHashMap<>(); // where nobody waited
    private final Map<String, Long> exactNanos = new LinkedHashMap<>(); // of steps, where one did
    private final Map<String, Long> wholeNanos = new LinkedHashMap<>();
    private final Map<String, PassWork> passes = new LinkedHashMap<>();
    private final Watch watch;
    private String current = "";
    private boolean evaluating;
    private Optional<Device> device = Optional.empty();
    private Times times = Times.BEFORE_STEPS;
    private final LongSupplier time;
    private long since;

    /// What times are of: work that is done or, in steps that aren't exact, asked for.
    private enum Times {
        BEFORE_STEPS,
        EXACT,
        ASKED
    }

    /// Hears what a run is doing, on the thread that does it, so it returns at once.
    public interface Watch {
        /// Hears nothing.
        Watch NONE = (_, _) -> {};

        /// A phase began, or the one around it goes on.
        ///
        /// @param phase its name, empty for none
        /// @param evaluating whether it is part of an evaluation
        void phase(String phase, boolean evaluating);

        /// A forward pass begins.
        ///
        /// @param tokens that it computes
        default void pass(int tokens) {}

        /// Some of a list of completions have ended.
        default void completed(int done, int total) {}
    }

    /// A clock that nobody watches.
    public PhaseClock() {
        this(Watch.NONE);
    }

    /// @param watch borrowed
    public PhaseClock(Watch watch) {
        this(watch, System::nanoTime);
    }

    /// @param time now, in nanoseconds
    PhaseClock(Watch watch, LongSupplier time) {
        this.watch = watch;
        this.time = time;
        since = time.getAsLong();
    }

    /// Names the device that computes: a processor is never behind.
    public void follow(Device computing) {
        device = Optional.of(computing).filter(Device::isGpu);
    }

    /// A step begins, within its phase.
    ///
    /// @param exact whether the times of its phases are to be exact
    void step(boolean exact) {
        if (device.isEmpty()) {
            return;
        }
        if (exact) {
            device.get().finish();
            switchTo(current, time.getAsLong());
        }
        times = exact ? Times.EXACT : Times.ASKED;
    }

    /// Starts a phase, which ends when the result is closed.
    public Phase enter(String phase) {
        String outer = current;
        if (outer.equals(phase)) {
            return () -> {};
        }
        boolean wasEvaluating = evaluating;
        evaluating |= phase.equals(EVALUATE);
        long began = switchTo(phase);
        watch.phase(phase, evaluating);
        return () -> {
            wholeNanos.merge(phase, switchTo(outer) - began, Long::sum);
            evaluating = wasEvaluating;
            watch.phase(outer, evaluating);
        };
    }

    /// Ends a phase.
    public interface Phase extends AutoCloseable {
        @Override
        void close();
    }

    /// Does `work` in its own phase.
    public <T> T timed(String phase, Supplier<T> work) {
        try (var _ = enter(phase)) {
            return work.get();
        }
    }

    /// Seconds of each phase so far, in the order of their first start.
    public Map<String, Double> seconds() {
        switchTo(current, time.getAsLong());
        double exact = 0;
        double asked = 0;
        for (var phase : exactNanos.entrySet()) {
            exact += phase.getValue();
            asked += askedNanos.getOrDefault(phase.getKey(), 0L);
        }
        Map<String, Double> seconds = new LinkedHashMap<>();
        for (var phase : nanos.entrySet()) {
            String name = phase.getKey();
            double split =
                    exact > 0 && exactNanos.containsKey(name)
                            ? asked * exactNanos.get(name) / exact
                            : askedNanos.getOrDefault(name, 0L);
            seconds.put(name, (phase.getValue() + split) / 1e9);
        }
        return seconds;
    }

    /// Seconds of one phase so far.
    public double seconds(String phase) {
        return seconds().getOrDefault(phase, 0.0);
    }

    /// Seconds of a phase that has ended, with the phases inside of it.
    public double wholeSeconds(String phase) {
        return wholeNanos.getOrDefault(phase, 0L) / 1e9;
    }

    /// Counts a forward pass over `forest` to the running phase.
    public void pass(TokenForest forest) {
        passes.merge(current, PassWork.of(forest), PassWork::plus);
        watch.pass(forest.size());
    }

    /// Tells of completions that have ended.
    public void completed(int done, int total) {
        watch.completed(done, total);
    }

    /// Counts a forward pass that the backward pass repeats in part.
    void passAgain(TokenForest forest, Recomputation.Shares shares) {
        passes.merge(RECOMPUTED, PassWork.of(forest).times(shares), PassWork::plus);
    }

    /// Counts a forward pass whose part through the blocks was made before.
    ///
    /// @param logits whether those of its targets were too
    void passReused(TokenForest forest, boolean logits) {
        PassWork work = PassWork.of(forest);
        passes.merge(REUSED, logits ? work : work.withoutTargets(), PassWork::plus);
    }

    /// What passed forward through a model, by phase; under [#RECOMPUTED] what the backward pass
    /// repeated, under [#REUSED] what of `forward` was made before.
    public Map<String, PassWork> passes() {
        return Map.copyOf(passes);
    }

    private long switchTo(String phase) {
        if (times != Times.ASKED || evaluating || WAITED_FOR.contains(phase)) {
            device.ifPresent(Device::finish);
        }
        return switchTo(phase, time.getAsLong());
    }

    private long switchTo(String phase, long now) {
        if (!current.isEmpty()) {
            boolean computes = device.isPresent() && !evaluating && COMPUTING.contains(current);
            if (computes && times == Times.ASKED) {
                askedNanos.merge(current, now - since, Long::sum);
            } else {
                nanos.merge(current, now - since, Long::sum);
            }
            if (computes && times == Times.EXACT) {
                exactNanos.merge(current, now - since, Long::sum);
            }
        }
        if (!phase.isEmpty()) {
            nanos.putIfAbsent(phase, 0L);
        }
        since = now;
        current = phase;
        OperatorTimes.phase(phase);
        return now;
    }
}
