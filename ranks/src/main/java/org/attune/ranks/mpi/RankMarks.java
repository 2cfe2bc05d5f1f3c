package org.attune.ranks.mpi;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;

/// Files by which ranks say that they wait, one each, in a folder that all of them see. A rank
/// without one has something else to do, hangs, or is out of reach.
final class RankMarks {
    private static final Logger LOG = LoggerFactory.getLogger(RankMarks.class);

    private final Path folder;
    private final Instant begun = Instant.now();

    /// @param folder need not exist
    public RankMarks(Path folder) {
        this.folder = folder;
    }

    void write(int rank, String place) {
        try {
            Files.createDirectories(folder);
            Files.writeString(file(rank), place);
        } catch (IOException e) {
            LOG.debug("{} can't be written", file(rank), e); // the disk may be why ranks wait
        }
    }

    void remove(int rank) {
        try {
            Files.deleteIfExists(file(rank));
            Files.deleteIfExists(folder); // unless it holds others
        } catch (IOException e) {
            LOG.debug("{} can't be removed", file(rank), e);
        }
    }

    /// Where a rank waits, if it does.
    Optional<String> read(int rank) {
        Path file = file(rank);
        try {
            return isCurrent(file) ? Optional.of(Files.readString(file)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // it has just gone on
        }
    }

    /// Whether no rank with a smaller number waits.
    boolean isFirst(int rank) {
        return Stream.iterate(0, other -> other < rank, other -> other + 1)
                .noneMatch(other -> read(other).isPresent());
    }

    /// Whether a mark is of this run, not one that a killed run left.
    private boolean isCurrent(Path file) throws IOException {
        return Files.exists(file)
                && !Files.getLastModifiedTime(file).toInstant().isBefore(begun.minusSeconds(1));
    }

    private Path file(int rank) {
        return folder.resolve("rank-" + rank);
    }
}
