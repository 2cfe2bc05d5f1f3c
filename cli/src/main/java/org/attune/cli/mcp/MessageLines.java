package org.attune.cli.mcp;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Lines of a client, each a message. One that is longer than a message may be is passed over, so
/// that it takes no memory.
final class MessageLines {
    private final InputStream in;
    private final int most;

    /// @param most bytes of a line
    MessageLines(InputStream in, int most) {
        this.in = new BufferedInputStream(in, 1 << 16);
        this.most = most;
    }

    /// A line.
    ///
    /// @param text empty if the line was too long
    record Line(Optional<String> text) {}

    /// @return empty at the end of the input
    Optional<Line> next() throws IOException {
        var bytes = new ByteArrayOutputStream();
        boolean tooLong = false;
        int b = in.read();
        if (b < 0) {
            return Optional.empty();
        }
        for (; b >= 0 && b != '\n'; b = in.read()) {
            tooLong |= bytes.size() >= most;
            if (!tooLong) {
                bytes.write(b);
            }
        }
        return Optional.of(
                new Line(
                        tooLong
                                ? Optional.empty()
                                : Optional.of(bytes.toString(StandardCharsets.UTF_8))));
    }
}
