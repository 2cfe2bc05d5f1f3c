package org.attune.datasets.rows;

import com.github.luben.zstd.Zstd;

import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.CompressionType;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.RecordBatch;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// The buffers of a record batch, in the order in which its columns take them, unpacked.
final class ArrowBody {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final RecordBatch batch;
    private final MemorySegment body;
    private final RowMeter meter;
    private int nodes;
    private int buffers;
    private int variadic;

    ArrowBody(RecordBatch batch, MemorySegment body, RowMeter meter) {
        this.batch = batch;
        this.body = body;
        this.meter = meter;
    }

    /// How many values the next column has, and how many of them are null.
    FieldNode node() {
        if (nodes >= batch.nodesLength()) {
            throw new IndexOutOfBoundsException("a batch has fewer columns than the schema");
        }
        return batch.nodes(nodes++);
    }

    /// How many further buffers the next column of views has.
    long variadicBuffers() {
        return batch.variadicBufferCounts(variadic++);
    }

    /// The next buffer.
    MemorySegment buffer() {
        if (buffers >= batch.buffersLength()) {
            throw new IndexOutOfBoundsException("a batch has fewer buffers than its columns need");
        }
        Buffer place = batch.buffers(buffers++);
        MemorySegment raw = body.asSlice(place.offset(), place.length());
        if (batch.compression() == null || raw.byteSize() == 0) {
            return raw;
        }
        long length = raw.get(LONG, 0);
        MemorySegment packed = raw.asSlice(Long.BYTES);
        if (length == -1) { // this one would not have become smaller
            return packed;
        }
        if (length < 0 || length > Integer.MAX_VALUE - 8 || packed.byteSize() > Integer.MAX_VALUE) {
            throw new UncheckedIOException(
                    new IOException(
                            "a buffer is said to unpack to %d bytes; 2 GiB are read"
                                    .formatted(length)));
        }
        meter.unpack(length);
        try {
            return MemorySegment.ofArray(
                    unpack(packed.toArray(ValueLayout.JAVA_BYTE), (int) length));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] unpack(byte[] packed, int length) throws IOException {
        return switch (batch.compression().codec()) {
            case CompressionType.LZ4_FRAME -> Lz4Frame.unpack(packed, length);
            case CompressionType.ZSTD -> {
                var plain = new byte[length];
                long count = Zstd.decompress(plain, packed);
                if (count != length) {
                    throw new IOException("a buffer packed with Zstandard is damaged");
                }
                yield plain;
            }
            default ->
                    throw new IOException(
                            "packed with an unknown codec; LZ4 and Zstandard are read");
        };
    }
}
