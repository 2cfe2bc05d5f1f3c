package org.attune.datasets.rows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Unpacks frames of LZ4 (format 1.6) whose length is known. Arrow's blocks reach back into earlier
/// ones, which lz4-java refuses. Checksums are passed over.
final class Lz4Frame {
    private static final int MAGIC = 0x184D2204;
    private static final int SHORTEST_MATCH = 4;
    private static final int MORE = 15;

    private final ByteBuffer in;
    private final byte[] out;
    private int at;

    private Lz4Frame(byte[] packed, int length) {
        in = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
        out = new byte[length];
    }

    /// Unpacks `packed`.
    ///
    /// @param length bytes of the result
    /// @throws IOException if it has another length
    /// @throws RuntimeException if the frame is damaged
    static byte[] unpack(byte[] packed, int length) throws IOException {
        var frame = new Lz4Frame(packed, length);
        frame.read();
        return frame.out;
    }

    private void read() throws IOException {
        if (in.getInt() != MAGIC) {
            throw new IOException("a buffer is no LZ4 frame");
        }
        int flags = in.get();
        boolean blockChecksums = (flags & 0x10) != 0;
        boolean contentSize = (flags & 0x08) != 0;
        if ((flags & 0xC0) != 0x40 || (flags & 0x01) != 0) {
            throw new IOException("an LZ4 frame of an unknown version, or with a dictionary");
        }
        in.position(in.position() + 2 + (contentSize ? Long.BYTES : 0)); // sizes, checksum
        for (int size; (size = in.getInt()) != 0; ) {
            int length = size & Integer.MAX_VALUE;
            if (size < 0) {
                in.get(out, at, length);
                at += length;
            } else {
                block(Math.addExact(in.position(), length));
            }
            if (blockChecksums) {
                in.getInt();
            }
        }
        if (at != out.length) {
            throw new IOException(
                    "an LZ4 frame holds %d bytes, %d are said".formatted(at, out.length));
        }
    }

    /// A block is a row of literals, each followed by a copy of what came before.
    private void block(int end) throws IOException {
        while (in.position() < end) {
            int token = in.get() & 0xff;
            int literals = length(token >>> 4);
            in.get(out, at, literals);
            at += literals;
            if (in.position() >= end) {
                break; // the last literals have no copy behind them
            }
            int back = Short.toUnsignedInt(in.getShort());
            int length = Math.addExact(length(token & MORE), SHORTEST_MATCH);
            if (back == 0 || back > at || length > out.length - at) {
                throw new IOException("a copy in an LZ4 frame lies outside of it");
            }
            for (int i = 0; i < length; i++) { // may overlap with itself
                out[at] = out[at - back];
                at++;
            }
        }
        if (in.position() != end) {
            throw new IOException("a block of an LZ4 frame is damaged");
        }
    }

    private int length(int nibble) {
        int length = nibble;
        if (nibble == MORE) {
            int next;
            do {
                next = in.get() & 0xff;
                length = Math.addExact(length, next);
            } while (next == 0xff);
        }
        return length;
    }
}
