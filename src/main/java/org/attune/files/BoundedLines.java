package org.attune.files;

import java.io.BufferedReader;
import java.io.IOException;

/// Lines of a text from elsewhere, of which no more is kept than is asked for.
public final class BoundedLines implements AutoCloseable {
    private final BufferedReader in;
    private boolean cut;

    /// @param in closed with this
    public BoundedLines(BufferedReader in) {
        this.in = in;
    }

    /// The next line.
    ///
    /// @param limit characters that are kept of it; where it has more, reading stops there and
    ///     the next call leaves out the rest
    /// @return null at the end
    public String next(int limit) throws IOException {
        if (cut) {
            skipRest();
        }
        var line = new StringBuilder();
        int c = in.read();
        if (c < 0) {
            return null;
        }
        while (c >= 0 && c != '\n' && line.length() < limit) {
            line.append((char) c);
            c = in.read();
        }
        cut = c >= 0 && c != '\n';
        int length = line.length();
        if (length > 0 && line.charAt(length - 1) == '\r') {
            line.setLength(length - 1);
        }
        return line.toString();
    }

    /// Whether the line given last goes on.
    public boolean wasCut() {
        return cut;
    }

    private void skipRest() throws IOException {
        int c;
        do {
            c = in.read();
        } while (c >= 0 && c != '\n');
        cut = false;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
