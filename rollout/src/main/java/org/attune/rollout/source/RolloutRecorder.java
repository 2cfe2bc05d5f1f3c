package org.attune.rollout.source;

import org.attune.error.RolloutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/// Writes the rounds of a run into a file that [RecordedRollouts] reads, each round at once. A run
/// that resumes cuts off what it will generate again. For one thread.
public final class RolloutRecorder {
    private static final Logger LOG = LoggerFactory.getLogger(RolloutRecorder.class);

    private final Path file;
    private final boolean replaces;
    private boolean begun;

    /// @param replaces whether a run that begins anew may write over the file, as one that is
    ///     started again before its first checkpoint does; else what is there is moved aside
    public RolloutRecorder(Path file, boolean replaces) {
        this.file = file.toAbsolutePath();
        this.replaces = replaces;
    }

    /// Keeps the rounds before `round`, which comes next.
    ///
    /// @throws RolloutException if the file doesn't hold them all
    public void continueAt(long round) {
        begun = true;
        try {
            long last = -1;
            long kept = 0;
            if (Files.exists(file)) {
                try (var lines = new Lines(file)) {
                    while (lines.next() && lines.round() < round) {
                        last = lines.round();
                        kept = lines.end;
                    }
                }
            }
            if (last != round - 1) {
                throw new RolloutException(
                        "record_rollouts: %s ends with round %d, the resumed run continues with"
                                        .formatted(file, last)
                                + " round %d; give the file of the interrupted run, or none"
                                        .formatted(round));
            }
            if (Files.exists(file)) {
                try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(kept);
                }
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// Appends a whole round.
    ///
    /// @param completions all of the same round, in the order in which they were asked for
    public void append(List<RecordedCompletion> completions) {
        var text = new StringBuilder();
        completions.forEach(completion -> text.append(completion.line()).append('\n'));
        try {
            if (!begun) {
                begin();
            }
            try (var channel =
                    FileChannel.open(
                            file,
                            Set.of(
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE,
                                    StandardOpenOption.APPEND))) {
                var bytes = ByteBuffer.wrap(text.toString().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(false);
            }
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void begin() throws IOException {
        begun = true;
        Files.createDirectories(file.getParent());
        if (!Files.exists(file) || Files.size(file) == 0) {
            return;
        }
        if (replaces) {
            Files.delete(file);
            return;
        }
        int n = 1;
        while (Files.exists(aside(n))) {
            n++;
        }
        Files.move(file, aside(n));
        LOG.info("record_rollouts: what stood in {} was moved to {}", file, aside(n));
    }

    private Path aside(int n) {
        return file.resolveSibling(file.getFileName() + ".earlier-" + n);
    }

    private RolloutException unwritable(IOException e) {
        return new RolloutException(
                "record_rollouts: %s can't be written: %s; choose another file".formatted(file, e),
                e);
    }

    /// The whole lines of a file, with the offset at which each ends.
    private static final class Lines implements AutoCloseable {
        private final InputStream bytes;
        private final StringBuilder text = new StringBuilder();
        private final Path file;
        private long end;
        private int number;

        Lines(Path file) throws IOException {
            this.file = file;
            bytes = new BufferedInputStream(Files.newInputStream(file));
        }

        /// False at the end, and at a line that was cut short.
        boolean next() throws IOException {
            text.setLength(0);
            number++;
            long read = 0;
            for (int b = bytes.read(); b >= 0; b = bytes.read()) {
                read++;
                if (b == '\n') {
                    end += read;
                    return true;
                }
                text.append((char) b); // of the round's number, which is ASCII
            }
            return false;
        }

        long round() {
            try {
                return RecordedCompletion.parse(text.toString(), Set.of()).round();
            } catch (RolloutException e) {
                throw new RolloutException("%s:%d: %s".formatted(file, number, e.getMessage()), e);
            }
        }

        @Override
        public void close() throws IOException {
            bytes.close();
        }
    }
}
