package org.attune.trainers;

import org.attune.checkpoint.Checkpoint;
import org.attune.files.SafeTensorsWriter;
import org.attune.optim.Optimizer;

import java.io.IOException;
import java.nio.file.Path;

/// An optimizer's state in a checkpoint.
final class OptimizerFile {
    private OptimizerFile() {}

    static void write(Optimizer optimizer, Path folder) throws IOException {
        SafeTensorsWriter.write(folder.resolve(Checkpoint.OPTIMIZER), optimizer.state());
    }

    /// @throws org.attune.error.CheckpointException if it is of other parameters
    static void read(Optimizer optimizer, Checkpoint checkpoint) {
        try (var file = checkpoint.optimizer()) {
            optimizer.restore(file);
        }
    }
}
