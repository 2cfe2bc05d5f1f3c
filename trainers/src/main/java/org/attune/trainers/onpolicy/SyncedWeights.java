package org.attune.trainers.onpolicy;

import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.policy.ParameterSpace;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The weights that write, where they follow those that are trained after some steps only: a copy
/// of the trained values, which takes their place while a round is written.
final class SyncedWeights {
    private static final String FILE = "writing-weights.bin";

    private final ParameterSpace weights;
    private final int every;
    private float[] values = {};
    private long version = -1;

    /// @param weights that are trained; borrowed
    /// @param every optimizer steps after which they write
    /// @return empty if the trained weights themselves write
    /// @throws ConfigException if they are held in parts
    static Optional<SyncedWeights> of(ParameterSpace weights, int every) {
        if (every > 1 && !weights.keepsValues()) {
            throw ConfigException.about(
                    "weight_sync_steps", "1 with zero_stage: 3, which keeps weights in parts");
        }
        return every > 1 ? Optional.of(new SyncedWeights(weights, every)) : Optional.empty();
    }

    private SyncedWeights(ParameterSpace weights, int every) {
        this.weights = weights;
        this.every = every;
    }

    /// Does something with the weights that write.
    ///
    /// @param steps optimizer steps done until now
    void during(int steps, Runnable work) {
        float[] present = weights.values().toFloats();
        if (steps / every > version) {
            version = steps / every;
            values = present;
            work.run();
            return;
        }
        put(values);
        try {
            work.run();
        } finally {
            put(present);
        }
    }

    private void put(float[] all) {
        weights.replaceValues(
                () -> {
                    try (var _ = TensorScope.open("weights that write")) {
                        Tensor held = weights.values();
                        held.copyInPlace(Tensor.of(held.device(), all, held.shape()));
                    }
                });
    }

    void save(Path folder) throws IOException {
        try (var out = new DataOutputStream(Files.newOutputStream(folder.resolve(FILE)))) {
            out.writeLong(version);
            out.writeInt(values.length);
            for (float value : values) {
                out.writeFloat(value);
            }
        }
    }

    void restore(Path folder) {
        Path file = folder.resolve(FILE);
        try (var in = new DataInputStream(Files.newInputStream(file))) {
            version = in.readLong();
            values = new float[in.readInt()];
            for (int i = 0; i < values.length; i++) {
                values[i] = in.readFloat();
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
    }
}
