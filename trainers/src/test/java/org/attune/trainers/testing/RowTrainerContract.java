package org.attune.trainers.testing;

import static org.attune.trainers.testing.RecordingListener.number;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.TrainingDivergedException;
import org.attune.trainers.config.IntervalStrategy;
import org.attune.trainers.config.SamplingStrategy;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.testing.ContractRun.End;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// What every method keeps to that learns from given rows. Its case has held-out rows, takes its
/// rows in random order, and an epoch of it ends within a step.
///
/// @param <R> a row
public interface RowTrainerContract<R extends TrainingRow> extends TrainerContract<R> {
    private ContractRun<R> run(Path output) {
        return new ContractRun<>(trainerCase(), output);
    }

    private static TrainingConfig evaluating(TrainingConfig t, int steps) {
        return t.withEval(e -> e.withEvalStrategy(IntervalStrategy.STEPS).withEvalSteps(steps));
    }

    private TrainingConfig together(TrainingConfig t, SamplingStrategy order) {
        return t.withBatch(
                b ->
                        b.withPerDeviceTrainBatchSize(trainerCase().rows().size())
                                .withGradientAccumulationSteps(1)
                                .withTrainSamplingStrategy(order));
    }

    /// A step is a set of rows. Reversed ones are in another order even where a seed's permutation
    /// of so few moves none.
    @Test
    default void theOrderWithinAStepChangesNothing(@TempDir Path folder) {
        List<R> rows = trainerCase().rows();
        Map<String, Object> file = first(folder.resolve("a"), rows, SamplingStrategy.SEQUENTIAL);
        for (SamplingStrategy order :
                List.of(SamplingStrategy.SEQUENTIAL, SamplingStrategy.RANDOM)) {
            Map<String, Object> other = first(folder.resolve("b"), rows.reversed(), order);
            assertEquals(file.keySet(), other.keySet());
            file.keySet().forEach(key -> assertEquals(number(file, key), number(other, key), 1e-5));
        }
    }

    private Map<String, Object> first(Path output, List<R> rows, SamplingStrategy order) {
        End end = run(output).unsaved().rows(rows).with(t -> together(t, order)).steps(1).end();
        return end.told().logs.getFirst();
    }

    /// After a step and before its evaluation, which the checkpoint then lacks.
    @Test
    default void stoppedBeforeAnEvaluationItIsMadeUpFor(@TempDir Path folder) {
        End whole = run(folder.resolve("whole")).with(t -> evaluating(t, 1)).end();
        Path parts = folder.resolve("parts");
        End first = run(parts).with(t -> evaluating(t, 1)).stoppedAfter(2).end();
        End second = run(parts).with(t -> evaluating(t, 1)).resumed().end();
        whole.assertJoined(first, second);
        assertEquals(
                whole.told().summary.heldout().orElseThrow(),
                second.told().summary.heldout().orElseThrow());
        End finished = run(parts).with(t -> evaluating(t, 1)).resumed().end();
        assertEquals(List.of(), finished.told().evaluations, "its log has each once");
    }

    @Test
    default void evaluationsAreMadeWhenDueAndChangeNothing(@TempDir Path folder) {
        End end = run(folder.resolve("often")).with(t -> evaluating(t, 3)).end();
        assertEquals(
                List.of(0, 3, 4), end.told().evaluations.stream().map(e -> e.get("step")).toList());
        assertTrue(end.told().evaluations.getFirst().containsKey("eval_loss"));
        assertTrue(end.told().summary.heldout().orElseThrow().n() > 0);
        End plain = run(folder.resolve("plain")).end();
        assertArrayEquals(plain.weights(), end.weights(), 0);
        assertEquals(plain.told().logs, end.told().logs);
    }

    /// The error names the row, and no other of its step.
    @Test
    @Override
    default void divergedRunsStopBeforeTheWeightsChange(@TempDir Path folder) {
        String message =
                run(folder)
                        .with(t -> together(t, SamplingStrategy.SEQUENTIAL))
                        .starting(trainerCase().diverging())
                        .failure(TrainingDivergedException.class)
                        .getMessage();
        List<String> named =
                trainerCase().rows().stream()
                        .flatMap(row -> row.origins().stream())
                        .filter(message::contains)
                        .toList();
        assertEquals(List.of(trainerCase().named()), named, message);
    }
}
