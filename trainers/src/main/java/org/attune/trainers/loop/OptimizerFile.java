package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.optim.Optimizer;

import java.io.IOException;
import java.nio.file.Path;

/// An optimizer's state in a checkpoint.
public final class OptimizerFile {
    private OptimizerFile() {}

    public static void write(Optimizer optimizer, Path folder) throws IOException {
        SafeTensorsWriter.write(folder.resolve(Checkpoint.OPTIMIZER), optimizer.state());
    }

    /// @throws org.attune.error.CheckpointException if it is of other parameters
    public static void read(Optimizer optimizer, Checkpoint checkpoint) {
        try (var file = checkpoint.optimizer()) {
            optimizer.restore(file);
        }
    }
}
