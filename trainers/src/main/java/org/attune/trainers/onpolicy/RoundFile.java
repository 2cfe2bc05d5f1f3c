package org.attune.trainers.onpolicy;

import org.attune.error.CheckpointException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The number of the next round in a checkpoint, for runs of which nothing else of a round outlives
/// its step.
public final class RoundFile {
    private static final String NAME = "round.txt";

    private RoundFile() {}

    /// @param next round that the run makes
    public static void write(Path folder, long next) throws IOException {
        Files.writeString(folder.resolve(NAME), next + "\n");
    }

    /// The round that the run makes next.
    ///
    /// @throws CheckpointException if the file is missing or holds something else
    public static long read(Path folder) {
        Path file = folder.resolve(NAME);
        try {
            return Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
    }
}
