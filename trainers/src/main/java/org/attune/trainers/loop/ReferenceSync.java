package org.attune.trainers.loop;

import org.attune.error.CheckpointException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.policy.MovingReference;
import org.attune.policy.Scorer;
import org.attune.trainers.config.RefSyncConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// Has a reference follow the policy after every so many steps. Checkpoints hold it as it is then.
///
/// @param reference borrowed
/// @param share how far it moves, in `[0, 1]`
/// @param every steps, ≥ 1
public record ReferenceSync(MovingReference reference, double share, int every)
        implements CheckpointPart {
    private static final String FILE = "reference.safetensors";

    /// What a configuration asks for.
    ///
    /// @param scorer the run's reference
    /// @throws IllegalArgumentException if it should move and can't
    public static Optional<ReferenceSync> of(RefSyncConfig config, Scorer scorer) {
        if (!config.syncRefModel()) {
            return Optional.empty();
        }
        if (!(scorer instanceof MovingReference moving)) {
            throw new IllegalArgumentException(
                    "sync_ref_model is true, but the reference can't move; make it with"
                            + " Policy.movingAdapter or Policy.movingModel");
        }
        return Optional.of(
                new ReferenceSync(moving, config.refModelMixupAlpha(), config.refModelSyncSteps()));
    }

    @Override
    public void updated(int step) {
        if ((step + 1) % every == 0) {
            reference.move(share);
        }
    }

    /// Writes the reference's values.
    @Override
    public void save(Path folder) throws IOException {
        SafeTensorsWriter.write(folder.resolve(FILE), reference.state());
    }

    /// Restores what [#save] wrote.
    ///
    /// @throws CheckpointException if the file is missing or of other weights
    @Override
    public void restore(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.exists(file)) {
            throw new CheckpointException(
                    "%s has no %s with the reference as it was; resume from another checkpoint"
                            .formatted(folder, FILE));
        }
        try (TensorFile tensors = SafeTensorsFile.open(file)) {
            reference.restore(tensors);
        }
    }
}
