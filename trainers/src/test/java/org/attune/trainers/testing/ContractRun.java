package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.policy.CausalPolicy;
import org.attune.rollout.RolloutSource;
import org.attune.tensor.Engine;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.TrainerCase.Given;
import org.attune.trainers.testing.TrainerCase.Start;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// A run of a case: everything is logged, and [#STEPS] steps are made, unless it is changed. So few
/// end in the middle of a second epoch, and of a round that serves two steps after an odd one.
final class ContractRun<R> {
    static final int STEPS = 4;

    private final TrainerCase<R> of;
    private final RecordingListener told = new RecordingListener();
    private final List<TrainingListener> listeners = new ArrayList<>(List.of(told));
    private UnaryOperator<TrainingConfig> training;
    private UnaryOperator<RolloutSource> writer = source -> source;
    private RunContext context =
            RunContext.of(path -> Files.writeString(path.resolve("model.txt"), "values"));
    private Start<R> start;
    private List<R> rows;

    ContractRun(TrainerCase<R> of, Path output) {
        this.of = of;
        start = of.start();
        rows = of.rows();
        training =
                t ->
                        t.withSchedule(s -> s.withMaxSteps(STEPS))
                                .withLog(l -> l.withLoggingSteps(1))
                                .withSave(s -> s.withOutputDir(output));
    }

    /// What a run ends with.
    ///
    /// @param weights of the policy, and what was trained beside it
    record End(float[] weights, RecordingListener told) {
        /// Requires the bits and logs of two runs, of which the second went on, to be this one's.
        void assertJoined(End first, End second) {
            assertTrue(first.told().summary.interrupted());
            assertEquals(first.told().summary.steps(), second.told().info.firstStep());
            assertArrayEquals(weights, second.weights(), 0);
            assertEquals(told.logs, joined(first.told().logs, second.told().logs));
            assertEquals(
                    told.evaluations, joined(first.told().evaluations, second.told().evaluations));
        }

        private static <T> List<T> joined(List<T> first, List<T> second) {
            return Stream.concat(first.stream(), second.stream()).toList();
        }
    }

    ContractRun<R> with(UnaryOperator<TrainingConfig> change) {
        UnaryOperator<TrainingConfig> before = training;
        training = t -> change.apply(before.apply(t));
        return this;
    }

    ContractRun<R> steps(int steps) {
        return with(t -> t.withSchedule(s -> s.withMaxSteps(steps)));
    }

    /// Without checkpoints, which take longer than the steps.
    ContractRun<R> unsaved() {
        return with(t -> t.withSave(s -> s.withSaveStrategy(SaveStrategy.NO)));
    }

    ContractRun<R> resumed() {
        return with(t -> t.withSave(s -> s.withResume(new Resume.Latest())));
    }

    ContractRun<R> starting(Start<R> another) {
        start = another;
        return this;
    }

    ContractRun<R> rows(List<R> others) {
        rows = others;
        return this;
    }

    ContractRun<R> writing(UnaryOperator<RolloutSource> change) {
        writer = change;
        return this;
    }

    ContractRun<R> listening(TrainingListener another) {
        listeners.add(another);
        return this;
    }

    ContractRun<R> stopping(StopSignal stop) {
        context = context.withStop(stop);
        return this;
    }

    /// Asked to stop after a step, before it is logged or evaluated.
    ContractRun<R> stoppedAfter(int last) {
        var stop = new StopSignal();
        listeners.add(
                new TrainingListener() {
                    @Override
                    public void onStep(int step, long tokens, PhaseClock clock) {
                        if (step == last) {
                            stop.request();
                        }
                    }
                });
        return stopping(stop);
    }

    ContractRun<R> timing(PhaseClock clock) {
        context = context.withClock(clock);
        return this;
    }

    ContractRun<R> alone() {
        context = context.withSharePrompts(false);
        return this;
    }

    End end() {
        return Engine.call(
                () -> {
                    try (var policy = of.policy().get()) {
                        float[] beside = train(policy);
                        float[] own = policy.parameters().values().toFloats();
                        float[] all = Arrays.copyOf(own, own.length + beside.length);
                        System.arraycopy(beside, 0, all, own.length, beside.length);
                        return new End(all, told);
                    }
                });
    }

    /// The error of a run that fails before it has changed a weight.
    <E extends RuntimeException> E failure(Class<E> type) {
        return Engine.call(
                () -> {
                    try (var policy = of.policy().get()) {
                        float[] before = policy.parameters().values().toFloats();
                        E error = assertThrows(type, () -> train(policy));
                        assertArrayEquals(before, policy.parameters().values().toFloats(), 0);
                        return error;
                    }
                });
    }

    private float[] train(CausalPolicy policy) {
        RunContext listened = context.withListeners(listeners);
        return start.train(new Given<>(training, rows, policy, writer, listened));
    }
}
