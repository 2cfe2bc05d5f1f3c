package org.attune.datasets.rows;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Unpacks gzip data (RFC 1952), of one member or several. Unlike `GZIPInputStream` it doesn't
/// take a damaged later member, or other bytes after the first one, for the end of the file.
final class GzipStream extends InputStream {
    private static final int MAGIC = 0x8b1f;
    private static final int DEFLATE = 8;
    private static final int HEADER_CHECKSUM = 2;
    private static final int EXTRA = 4;
    private static final int NAME = 8;
    private static final int COMMENT = 16;
    private static final int RESERVED = 0xe0;

    private final InputStream in;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 checksum = new CRC32();
    private final byte[] buffer = new byte[1 << 16];
    private final byte[] one = new byte[1];
    private int next;
    private int end;
    private boolean inMember;
    private boolean any;

    /// @param in closed with this stream
    GzipStream(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (inMember || beginMember()) {
            int count = inflate(bytes, offset, length);
            if (count > 0) {
                checksum.update(bytes, offset, count);
                return count;
            }
            if (inflater.finished()) {
                next = end - inflater.getRemaining();
                endMember();
            } else if (inflater.needsDictionary()) {
                throw new IOException("the gzip data is damaged (it wants a dictionary)");
            } else if (inflater.needsInput()) {
                fill();
                inflater.setInput(buffer, next, end - next);
            }
        }
        return -1;
    }

    private int inflate(byte[] bytes, int offset, int length) throws IOException {
        try {
            return inflater.inflate(bytes, offset, length);
        } catch (DataFormatException e) {
            throw new IOException("the gzip data is damaged (" + e.getMessage() + ")", e);
        }
    }

    /// @return false at the end of the file
    private boolean beginMember() throws IOException {
        int first = peek();
        if (first < 0 && any) {
            return false;
        }
        if (first == 0 && any) {
            padding();
            return false;
        }
        if (first != (MAGIC & 0xff) || word() != MAGIC) {
            throw new IOException(
                    any
                            ? "after the gzip data come bytes that are no gzip; the file is damaged"
                            : "the file is not in gzip's format");
        }
        int method = take();
        int flags = take();
        if (method != DEFLATE || (flags & RESERVED) != 0) {
            throw new IOException("the gzip data is damaged (its header says nothing known)");
        }
        skip(6); // time, level, system
        if ((flags & EXTRA) != 0) {
            skip(word());
        }
        for (int text : new int[] {NAME, COMMENT}) {
            while ((flags & text) != 0 && take() != 0) {
                // of no use here
            }
        }
        if ((flags & HEADER_CHECKSUM) != 0) {
            skip(2);
        }
        inflater.reset();
        inflater.setInput(buffer, next, end - next);
        checksum.reset();
        inMember = true;
        any = true;
        return true;
    }

    private void endMember() throws IOException {
        long expected = word() | (long) word() << 16;
        long length = word() | (long) word() << 16;
        if (expected != checksum.getValue()
                || length != (inflater.getBytesWritten() & 0xffffffffL)) {
            throw new IOException("the gzip data is damaged (its checksum differs)");
        }
        inMember = false;
    }

    /// Archives fill their last block with zeros.
    private void padding() throws IOException {
        while (peek() >= 0) {
            if (take() != 0) {
                throw new IOException(
                        "after the gzip data come bytes that are no gzip; the file is damaged");
            }
        }
    }

    private int word() throws IOException {
        int low = take();
        return low | take() << 8;
    }

    private void skip(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            take();
        }
    }

    private int take() throws IOException {
        if (next == end) {
            fill();
        }
        return buffer[next++] & 0xff;
    }

    private int peek() throws IOException {
        if (next == end) {
            next = 0;
            end = Math.max(0, in.read(buffer));
            if (end == 0) {
                return -1;
            }
        }
        return buffer[next] & 0xff;
    }

    private void fill() throws IOException {
        next = 0;
        end = Math.max(0, in.read(buffer));
        if (end == 0) {
            throw new EOFException(
                    "the gzip data ends too early; the file was probably not copied whole");
        }
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        in.close();
    }
}
