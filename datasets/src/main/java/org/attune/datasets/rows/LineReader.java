package org.attune.datasets.rows;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/// Cuts a stream of bytes at `\n`. The bytes of a line are overwritten by the next one.
final class LineReader implements AutoCloseable {
    private final RowFile file;
    private final InputStream in;
    private final byte[] buffer = new byte[1 << 16];
    private int next;
    private int end;
    private byte[] line = new byte[1 << 12];
    private int length;
    private long number;

    LineReader(RowFile file) throws IOException {
        this.file = file;
        this.in = file.open();
    }

    /// Moves to the next line.
    ///
    /// @return false at the end of the stream
    /// @throws org.attune.error.DatasetException if the line is longer than a row may be
    boolean advance() throws IOException {
        length = 0;
        boolean any = false;
        while (true) {
            if (next == end) {
                end = in.read(buffer);
                next = 0;
                if (end <= 0) {
                    end = 0;
                    number += any ? 1 : 0;
                    return any;
                }
            }
            any = true;
            int stop = next;
            while (stop < end && buffer[stop] != '\n') {
                stop++;
            }
            append(stop - next);
            boolean complete = stop < end;
            next = complete ? stop + 1 : stop;
            if (complete) {
                number++;
                return true;
            }
        }
    }

    private void append(int count) {
        if (count > line.length - length) {
            long needed = (long) length + count;
            if (needed > file.limits().row()) {
                throw file.limits().tooLong("%s:%d: the line".formatted(file.name(), number + 1));
            }
            line =
                    Arrays.copyOf(
                            line,
                            (int) Math.min(file.limits().row(), Math.max(needed, 2L * length)));
        }
        System.arraycopy(buffer, next, line, length, count);
        length += count;
    }

    /// Bytes of the line, without its `\n`; `[0, length())` counts.
    byte[] bytes() {
        return line;
    }

    int length() {
        return length;
    }

    /// Number of the line, from 1.
    long number() {
        return number;
    }

    /// Whether the line holds nothing but spaces, tabs and carriage returns.
    boolean isBlank() {
        for (int i = 0; i < length; i++) {
            if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
                return false;
            }
        }
        return true;
    }

    /// Drops a UTF-8 byte order mark at the start of the line.
    void dropByteOrderMark() {
        if (length >= 3
                && (line[0] & 0xff) == 0xef
                && (line[1] & 0xff) == 0xbb
                && (line[2] & 0xff) == 0xbf) {
            length -= 3;
            System.arraycopy(line, 3, line, 0, length);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
