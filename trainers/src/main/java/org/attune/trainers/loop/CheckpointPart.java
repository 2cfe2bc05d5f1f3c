package org.attune.trainers.loop;

import java.io.IOException;
import java.nio.file.Path;

/// A part of a checkpoint beside model, optimizer and counters. Whatever outlives a step registers
/// itself as one: a moving reference, a round of completions, a controller.
public interface CheckpointPart {
    /// Hears that a step has changed the weights.
    ///
    /// @param step from 0
    default void updated(int step) {}

    /// Hears, on every process, that a checkpoint is about to be written.
    default void saving() {}

    /// Writes its files.
    void save(Path folder) throws IOException;

    /// Restores what [#save] wrote.
    ///
    /// @throws org.attune.error.CheckpointException if a file is missing or holds something else
    void restore(Path folder);
}
