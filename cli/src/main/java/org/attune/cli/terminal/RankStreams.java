package org.attune.cli.terminal;

import org.attune.cli.command.RankOptions;
import org.attune.error.CollectiveException;
import org.attune.ranks.HostName;
import org.attune.ranks.Launched;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/// What ranks say: rank 0 as one process does, the others warnings and failures only, with
/// `[rank 2 on node1]` before each line.
public final class RankStreams {
    private RankStreams() {}

    /// Whether a launcher started this process.
    static boolean isRank(Map<String, String> environment) {
        return RankOptions.started(environment) || follower(environment).isPresent();
    }

    /// This process's number, if there are others and it isn't the first of them.
    public static Optional<Launched> follower(Map<String, String> environment) {
        try {
            return Launched.by(environment).filter(launched -> launched.rank() > 0);
        } catch (CollectiveException e) {
            return Optional.empty(); // said when the others are looked for
        }
    }

    /// Sets this process's streams.
    public static void apply(Map<String, String> environment) {
        follower(environment)
                .ifPresent(
                        launched -> {
                            String prefix =
                                    "[rank %d on %s] ".formatted(launched.rank(), HostName.own());
                            System.setOut(new PrintStream(OutputStream.nullOutputStream()));
                            System.setErr(prefixed(System.err, prefix));
                        });
    }

    /// A stream to another with words before each line.
    static PrintStream prefixed(PrintStream stream, String prefix) {
        return new PrintStream(new Prefixed(stream, prefix), true, StandardCharsets.UTF_8);
    }

    /// Writes whole lines at once, so that those of several ranks don't mix.
    private static final class Prefixed extends OutputStream {
        private final PrintStream stream;
        private final byte[] prefix;
        private byte[] line = new byte[256];
        private int length;

        Prefixed(PrintStream stream, String prefix) {
            this.stream = stream;
            this.prefix = prefix.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public synchronized void write(int b) {
            if (length == 0) {
                System.arraycopy(prefix, 0, line, 0, prefix.length);
                length = prefix.length;
            }
            if (length == line.length) {
                line = java.util.Arrays.copyOf(line, 2 * length);
            }
            line[length++] = (byte) b;
            if (b == '\n') {
                stream.write(line, 0, length);
                stream.flush();
                length = 0;
            }
        }

        @Override
        public synchronized void close() {
            stream.write(line, 0, length);
            stream.flush();
            length = 0;
        }
    }
}
