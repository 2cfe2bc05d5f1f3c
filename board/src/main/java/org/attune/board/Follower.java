package org.attune.board;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Reads the lines that are added to a file. Looks at its size, since notices of changes don't come
/// through file systems of a network.
final class Follower {
    private static final int MOST_BYTES = 1 << 20; // at a time
    private static final int LAST_BYTES = 1 << 16;

    private final Path file;
    private long offset;
    private boolean isGone;
    private Object key; // which file it was: a resumed run puts another in its place

    /// @param offset of the first line that is wanted, in bytes
    Follower(Path file, long offset) {
        this.file = file;
        this.offset = offset;
    }

    /// Lines, and where those after them begin.
    ///
    /// @param isAnew whether the file is another than before, so that these are its first lines
    record Lines(List<String> lines, long next, boolean isAnew) {}

    /// The whole lines that were added since the last call, a part of them if there are many.
    Lines next() throws IOException {
        BasicFileAttributes now;
        try {
            now = Files.readAttributes(file, BasicFileAttributes.class);
        } catch (NoSuchFileException e) {
            isGone = offset > 0; // moved aside
            return new Lines(List.of(), offset, false);
        }
        boolean isAnew =
                isGone || now.size() < offset || key != null && !Objects.equals(key, now.fileKey());
        isGone = false;
        key = now.fileKey();
        offset = isAnew ? 0 : offset;
        if (now.size() == offset) {
            return new Lines(List.of(), offset, isAnew);
        }
        byte[] bytes = read(offset, (int) Math.min(MOST_BYTES, now.size() - offset));
        List<String> lines = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                lines.add(new String(bytes, start, i - start, StandardCharsets.UTF_8));
                start = i + 1;
            }
        }
        boolean isTooLong = start == 0 && bytes.length == MOST_BYTES; // no line of a run's
        offset += isTooLong ? bytes.length : start;
        return new Lines(lines, offset, isAnew);
    }

    private byte[] read(long from, int length) throws IOException {
        try (var channel = FileChannel.open(file)) {
            ByteBuffer buffer = ByteBuffer.allocate(length);
            long at = from;
            while (buffer.hasRemaining()) {
                int count = channel.read(buffer, at);
                if (count < 0) {
                    break; // cut short this moment
                }
                at += count;
            }
            byte[] bytes = new byte[buffer.position()];
            buffer.flip().get(bytes);
            return bytes;
        }
    }

    /// Where the last whole line of a file ends; 0 if there is no file.
    static long end(Path file) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        long size = Files.size(file);
        long from = Math.max(0, size - LAST_BYTES);
        byte[] last = new Follower(file, 0).read(from, (int) (size - from));
        for (int i = last.length - 1; i >= 0; i--) {
            if (last[i] == '\n') {
                return from + i + 1;
            }
        }
        return from;
    }
}
