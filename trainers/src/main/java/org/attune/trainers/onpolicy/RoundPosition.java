package org.attune.trainers.onpolicy;

import org.attune.error.CheckpointException;
import org.attune.trainers.loop.CheckpointPart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The number of the round that a run makes next, for runs of which nothing else of a round
/// outlives its step.
public final class RoundPosition implements CheckpointPart {
    private static final String NAME = "round.txt";

    private final Rounds rounds;
    private long next;

    /// @param rounds of the run; borrowed
    public RoundPosition(Rounds rounds) {
        this.rounds = rounds;
    }

    /// Hears that a round was learned from.
    public void used(long round) {
        next = round + 1;
    }

    @Override
    public void save(Path folder) throws IOException {
        Files.writeString(folder.resolve(NAME), next + "\n");
    }

    @Override
    public void restore(Path folder) {
        Path file = folder.resolve(NAME);
        try {
            next = Long.parseLong(Files.readString(file).strip());
        } catch (IOException | NumberFormatException e) {
            throw new CheckpointException(
                    "%s can't be read: %s; resume from another checkpoint".formatted(file, e), e);
        }
        rounds.continueAt(next);
    }
}
