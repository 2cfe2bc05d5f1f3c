package org.attune.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.error.CheckpointException;
import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

class CheckpointStoreTest {
    @TempDir private Path output;

    @Test
    void stateComesBackAsItWas() {
        RunState state =
                new RunState(
                        7,
                        1234,
                        0.1 + 0.2,
                        Map.of("entropy", new RunState.Mean(1.0 / 3, 3)),
                        Map.of("eval_loss", 2.5),
                        Map.of("learning_rate", "1.0E-5"),
                        List.of(Map.of("step", 5, "loss", 0.25)));
        Checkpoint saved = store(OptionalInt.empty()).save(state, 10, 0.7, this::model);
        assertEquals(state, saved.state());
        assertEquals(7, Checkpoint.open(saved.folder()).step());
        assertTrue(Files.exists(saved.folder().resolve("trainer_state.json")));
    }

    @Test
    void onlyTheNewestAreKept() throws IOException {
        CheckpointStore store = store(OptionalInt.of(2));
        for (int step : List.of(9, 10, 100)) {
            store.save(state(step, Map.of()), 200, 0, this::model);
        }
        try (Stream<Path> left = Files.list(output)) {
            assertEquals(
                    List.of("checkpoint-10", "checkpoint-100"),
                    left.map(p -> p.getFileName().toString()).sorted().toList());
        }
        assertEquals(100, store.newest().orElseThrow().step());
    }

    @Test
    void damagedCheckpointIsPassedOver() throws IOException {
        CheckpointStore store = store(OptionalInt.empty());
        store.save(state(1, Map.of()), 3, 0, this::model);
        Path second = store.save(state(2, Map.of()), 3, 0, this::model).folder();
        Files.writeString(second.resolve("adapter.txt"), "cut");
        Files.createDirectory(output.resolve("checkpoint-3"));
        assertEquals(1, store.newest().orElseThrow().step());
        var error = assertThrows(CheckpointException.class, () -> Checkpoint.open(second));
        assertTrue(error.getMessage().contains("adapter.txt has 3 bytes, not 5"));
    }

    @Test
    void failureWhileWritingLeavesNothing() throws IOException {
        CheckpointStore store = store(OptionalInt.empty());
        assertThrows(
                CheckpointException.class,
                () ->
                        store.save(
                                state(1, Map.of()),
                                3,
                                0,
                                folder -> {
                                    model(folder);
                                    throw new IOException("disk full");
                                }));
        try (Stream<Path> left = Files.list(output)) {
            assertEquals(List.of(), left.toList());
        }
        assertFalse(store.newest().isPresent());
    }

    /// Weights are written by code that knows no checkpoints.
    @Test
    void fullDiskIsToldByTheCheckpointsName() {
        var full = new ModelException("hidden can't be written", new IOException("disk full"));
        var damaged = new ModelException("the model is damaged");
        for (ModelException failure : List.of(full, damaged)) {
            var told =
                    assertThrows(
                            AttuneException.class,
                            () ->
                                    store(OptionalInt.empty())
                                            .save(
                                                    state(1, Map.of()),
                                                    3,
                                                    0,
                                                    _ -> {
                                                        throw failure;
                                                    }));
            boolean isDisk = failure == full;
            assertEquals(isDisk, told instanceof CheckpointException);
            assertEquals(isDisk, told.getMessage().contains("checkpoint-1 can't be written"));
            assertEquals(isDisk, told.getMessage().contains("free space"));
        }
    }

    @Test
    void anotherRunIsRefusedByItsDifferences() {
        Checkpoint saved =
                store(OptionalInt.empty())
                        .save(
                                state(1, Map.of("learning_rate", "1.0E-5", "seed", "42")),
                                3,
                                0,
                                this::model);
        assertEquals(
                List.of(),
                saved.requireSameRun(Map.of("seed", "42", "learning_rate", "1.0E-5"), Set.of()));
        var error =
                assertThrows(
                        CheckpointException.class,
                        () ->
                                saved.requireSameRun(
                                        Map.of("learning_rate", "2.0E-5", "seed", "42"),
                                        Set.of("max_steps")));
        assertTrue(
                error.getMessage().contains("learning_rate: 1.0E-5 in the checkpoint, now 2.0E-5"));
        assertFalse(error.getMessage().contains("seed"));
        assertTrue(
                error.getMessage().contains("adapter_name_or_path: " + saved.folder()),
                error.getMessage());
    }

    @Test
    void whatMayDifferIsTold() {
        Checkpoint saved =
                store(OptionalInt.empty())
                        .save(
                                state(1, Map.of("max_steps", "OptionalInt.empty", "seed", "1")),
                                3,
                                0,
                                this::model);
        assertEquals(
                List.of("max_steps: unset in the checkpoint, now 9"),
                saved.requireSameRun(
                        Map.of("max_steps", "OptionalInt[9]", "seed", "1"), Set.of("max_steps")));
    }

    private CheckpointStore store(OptionalInt limit) {
        return new CheckpointStore(output, limit);
    }

    private void model(Path folder) throws IOException {
        Files.writeString(folder.resolve("adapter.txt"), "model");
    }

    private static RunState state(int step, Map<String, String> identity) {
        return new RunState(step, 0, 0, Map.of(), Map.of(), identity, List.of());
    }
}
