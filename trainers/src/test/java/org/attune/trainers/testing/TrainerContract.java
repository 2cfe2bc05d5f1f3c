package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.checkpoint.Checkpoint;
import org.attune.error.CheckpointException;
import org.attune.error.TrainingDivergedException;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.BatchConfig;
import org.attune.trainers.config.LrSchedulerType;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.ResumePoint;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.testing.ContractRun.End;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/// What every method keeps to, as properties of whole runs. A method's test class implements
/// [RowTrainerContract] or [RoundTrainerContract] and gives a case.
///
/// @param <R> a row
public interface TrainerContract<R> {
    TrainerCase<R> trainerCase();

    /// Forms of the method, by name, whose losses join rows in different ways.
    default Map<String, TrainerCase<R>> forms() {
        return Map.of("", trainerCase());
    }

    private ContractRun<R> run(Path output) {
        return new ContractRun<>(trainerCase(), output);
    }

    /// Checkpoints are saved when due, the newest alone is kept, and a run goes on from there.
    @Test
    default void killedAndResumedGivesEveryBit(@TempDir Path folder) throws IOException {
        UnaryOperator<TrainingConfig> saving =
                t -> t.withSave(s -> s.withSaveSteps(3).withSaveTotalLimit(1));
        Path undisturbed = folder.resolve("whole");
        End whole = run(undisturbed).with(saving).end();
        assertEquals(List.of(3, 4), whole.told().saves);
        assertFalse(Files.exists(undisturbed.resolve("checkpoint-3")));
        assertTrue(Files.exists(undisturbed.resolve("model.txt")));
        assertTrue(Files.exists(undisturbed.resolve("checkpoint-4/trainer_state.json")));
        TrainingListener killer =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        if (step == 4) {
                            throw new IllegalStateException("killed");
                        }
                    }
                };
        Path parts = folder.resolve("parts");
        assertThrows(
                IllegalStateException.class, () -> run(parts).with(saving).listening(killer).end());
        End rest = run(parts).with(saving).resumed().end();
        assertEquals(3, rest.told().info.firstStep());
        assertArrayEquals(whole.weights(), rest.weights(), 0);
        assertEquals(whole.told().logs.subList(3, 4), rest.told().logs);
        assertSameState(undisturbed.resolve("checkpoint-4"), parts.resolve("checkpoint-4"));
    }

    /// Optimizer, running means, generators and rounds; the rest has times in it.
    private static void assertSameState(Path whole, Path parts) throws IOException {
        assertTrue(Files.exists(whole.resolve("optimizer.safetensors")));
        for (String name : List.of("optimizer.safetensors", "running.json", "rollouts.jsonl")) {
            assertEquals(Files.exists(whole.resolve(name)), Files.exists(parts.resolve(name)));
            if (Files.exists(whole.resolve(name))) {
                assertEquals(-1, Files.mismatch(whole.resolve(name), parts.resolve(name)), name);
            }
        }
    }

    /// Between two logs, and where rounds serve two steps in the middle of one.
    @Test
    default void stoppedAndResumedGivesEveryBit(@TempDir Path folder) {
        UnaryOperator<TrainingConfig> pairs = t -> t.withLog(l -> l.withLoggingSteps(2));
        End whole = run(folder.resolve("whole")).with(pairs).end();
        Path parts = folder.resolve("parts");
        End first = run(parts).with(pairs).stoppedAfter(3).end();
        assertEquals(3, first.told().summary.steps());
        whole.assertJoined(first, run(parts).with(pairs).resumed().end());
    }

    /// Nothing of a step that was cut off is kept.
    @Test
    default void stoppedInAStepItIsMadeAgain(@TempDir Path folder) {
        UnaryOperator<TrainingConfig> rowByRow =
                t -> t.withBatch(b -> b.withTokensPerMicroBatch(1));
        var passes = new AtomicInteger();
        End whole =
                run(folder.resolve("whole"))
                        .with(rowByRow)
                        .timing(new PhaseClock((phase, _) -> count(phase, passes)))
                        .end();
        int late = passes.get() / 2 + 1; // the first of the third step
        passes.set(0);
        var stop = new StopSignal();
        PhaseClock stopping =
                new PhaseClock(
                        (phase, _) -> {
                            if (count(phase, passes) && passes.get() == late) {
                                stop.request();
                            }
                        });
        Path parts = folder.resolve("parts");
        End first = run(parts).with(rowByRow).stopping(stop).timing(stopping).end();
        assertEquals(2, first.told().summary.steps());
        Path round = parts.resolve("checkpoint-2/round.txt"); // of methods with one a step
        if (Files.exists(round)) {
            assertEquals("2\n", assertDoesNotThrow(() -> Files.readString(round)));
        }
        whole.assertJoined(first, run(parts).with(rowByRow).resumed().end());
    }

    private static boolean count(String phase, AtomicInteger passes) {
        return phase.equals("backward") && passes.incrementAndGet() > 0;
    }

    /// Neither what is computed at once nor what rows share, and where losses are sums over rows,
    /// not how a step is cut either.
    @Test
    default void howAStepIsComputedChangesNothing(@TempDir Path folder) {
        forms().forEach((name, form) -> assertComputedAlike(form, folder.resolve("form " + name)));
        End whole = run(folder.resolve("whole")).unsaved().steps(2).end();
        for (UnaryOperator<BatchConfig> cut : trainerCase().cuts()) {
            End other =
                    run(folder.resolve("cut")).unsaved().steps(2).with(t -> t.withBatch(cut)).end();
            assertArrayEquals(whole.weights(), other.weights(), 1e-5f);
            assertNear(whole, other, MetricKeys.LOSS);
            assertNear(whole, other, MetricKeys.GRAD_NORM);
        }
    }

    private static <R> void assertComputedAlike(TrainerCase<R> form, Path folder) {
        End whole = new ContractRun<>(form, folder.resolve("whole")).unsaved().steps(2).end();
        List<ContractRun<R>> others =
                List.of(
                        new ContractRun<>(form, folder.resolve("rows")).with(budget(1)),
                        new ContractRun<>(form, folder.resolve("some")).with(budget(9)),
                        new ContractRun<>(form, folder.resolve("alone")).alone());
        for (ContractRun<R> another : others) {
            End other = another.unsaved().steps(2).end();
            assertArrayEquals(whole.weights(), other.weights(), 1e-5f, folder.toString());
            for (String key : whole.told().logs.getFirst().keySet()) {
                assertNear(whole, other, key);
            }
        }
    }

    private static UnaryOperator<TrainingConfig> budget(int tokens) {
        return t -> t.withBatch(b -> b.withTokensPerMicroBatch(tokens));
    }

    private static void assertNear(End whole, End other, String key) {
        for (int i = 0; i < whole.told().logs.size(); i++) {
            if (whole.told().logs.get(i).get(key) instanceof Number want) {
                double got = ((Number) other.told().logs.get(i).get(key)).doubleValue();
                double tolerance = 1e-5 * (1 + Math.abs(want.doubleValue()));
                assertEquals(want.doubleValue(), got, tolerance, key + " of step " + (i + 1));
            }
        }
    }

    /// Other groups could round otherwise, so a run goes on with those it began with.
    @Test
    default void anotherRunCannotGoOn(@TempDir Path folder) {
        TrainerCase<R> own = trainerCase();
        run(folder).steps(1).with(budget(9)).end();
        var checkpoint = Checkpoint.open(folder.resolve("checkpoint-1"));
        assertEquals(OptionalInt.of(9), ResumePoint.tokensPerMicroBatch(checkpoint));
        ContractRun<R> rate =
                resumed(folder).with(t -> t.withOptimizer(o -> o.withLearningRate(0.125)));
        assertRefused("learning_rate: ", rate);
        assertRefused(own.told(), resumed(folder).starting(own.other()));
        assertRefused("training rows", resumed(folder).rows(own.rows().reversed()));
        assertRefused(
                "tokens_per_micro_batch: 9 in the checkpoint, now 5",
                run(folder).steps(1).with(budget(5)).resumed());
        End anew = run(folder).steps(1).with(budget(5)).end();
        assertEquals(0, anew.told().info.firstStep(), "who doesn't resume starts anew");
    }

    private ContractRun<R> resumed(Path folder) {
        return run(folder).steps(1).with(budget(9)).resumed();
    }

    private static void assertRefused(String told, ContractRun<?> run) {
        String message = run.failure(CheckpointException.class).getMessage();
        assertTrue(message.contains(told), message);
    }

    @Test
    default void resumedRunsMayBecomeLonger(@TempDir Path folder) {
        UnaryOperator<TrainingConfig> constant =
                t -> t.withSchedule(s -> s.withLrSchedulerType(LrSchedulerType.CONSTANT));
        Path grows = folder.resolve("grows");
        run(grows).with(constant).steps(1).end();
        assertArrayEquals(
                run(folder.resolve("long")).with(constant).steps(3).end().weights(),
                run(grows).with(constant).steps(3).resumed().end().weights(),
                0);
        assertRefused("has 3 steps, more than the 2", run(grows).with(constant).steps(2).resumed());
    }

    /// A finished run says again what it found, and nothing more.
    @Test
    default void finishedRunsAreNotTrainedAgain(@TempDir Path folder) {
        End whole = run(folder).steps(2).end();
        End again = run(folder).steps(2).resumed().end();
        assertArrayEquals(whole.weights(), again.weights(), 0);
        assertEquals(List.of(), again.told().logs);
        assertEquals(whole.told().summary.heldout(), again.told().summary.heldout());
    }

    @Test
    default void divergedRunsStopBeforeTheWeightsChange(@TempDir Path folder) {
        String message =
                run(folder)
                        .starting(trainerCase().diverging())
                        .failure(TrainingDivergedException.class)
                        .getMessage();
        assertTrue(message.contains(trainerCase().named()), message);
    }

    @Test
    default void stepsLeaveNoTensorsBehind(@TempDir Path folder) {
        List<Long> live = new ArrayList<>();
        TrainingListener counting =
                new TrainingListener() {
                    @Override
                    public void onLog(int step, Map<String, Object> metrics) {
                        live.add(TensorScope.liveTensors());
                    }
                };
        run(folder).unsaved().listening(counting).end();
        assertEquals(live.get(1), live.getLast());
    }
}
