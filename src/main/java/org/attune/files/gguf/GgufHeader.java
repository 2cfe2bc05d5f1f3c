package org.attune.files.gguf;

import org.attune.files.DataChannel;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/// Header of a GGUF file: version, metadata and where the tensors lie.
///
/// @param version  2 or 3
/// @param order    byte order of everything but the magic
/// @param metadata key-value pairs
/// @param tensors  name in the file → description, in file order
record GgufHeader(
        int version, ByteOrder order, GgufMetadata metadata, Map<String, Tensor> tensors) {
    private static final int MAGIC = 0x46554747; // "GGUF", little endian
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAX_DIMENSIONS = 4;

    /// @param shape    row-major, outermost first (the file has it the other way round)
    /// @param position first byte in the file
    record Tensor(String name, GgufType type, long[] shape, long position) {
        /// Bytes in the file.
        long bytes() {
            return type.bytes(count());
        }

        long count() {
            return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        }
    }

    static GgufHeader read(DataChannel channel) {
        return new Reader(channel).read();
    }

    private static final class Reader {
        private final DataChannel channel;
        private final GgufCursor cursor;

        Reader(DataChannel channel) {
            this.channel = channel;
            this.cursor = new GgufCursor(channel);
        }

        GgufHeader read() {
            cursor.order(ByteOrder.LITTLE_ENDIAN);
            if (cursor.int32() != MAGIC) {
                throw cursor.damaged("doesn't begin with \"GGUF\"");
            }
            int version = cursor.int32();
            ByteOrder order = ByteOrder.LITTLE_ENDIAN;
            // A small number read in the wrong order has its low half empty.
            if ((version & 0xFFFF) == 0) {
                version = Integer.reverseBytes(version);
                order = ByteOrder.BIG_ENDIAN;
                cursor.order(order);
            }
            if (version != 2 && version != 3) {
                throw cursor.damaged("has GGUF version " + version + "; 2 and 3 are supported");
            }
            long tensorCount = cursor.count("tensors", 24);
            long pairCount = cursor.count("metadata pairs", 13);
            GgufMetadata metadata = readMetadata(pairCount);
            return new GgufHeader(version, order, metadata, readTensors(tensorCount, metadata));
        }

        private GgufMetadata readMetadata(long count) {
            var values = new LinkedHashMap<String, Object>();
            for (long i = 0; i < count; i++) {
                String key = cursor.text();
                if (values.put(key, cursor.typedValue()) != null) {
                    throw cursor.damaged("has the key \"" + key + "\" twice");
                }
            }
            return new GgufMetadata(channel.file().toString(), values);
        }

        private Map<String, Tensor> readTensors(long count, GgufMetadata metadata) {
            var relative = new LinkedHashMap<String, Tensor>();
            for (long i = 0; i < count; i++) {
                Tensor tensor = readTensor();
                if (relative.put(tensor.name(), tensor) != null) {
                    throw cursor.damaged("has the tensor \"" + tensor.name() + "\" twice");
                }
            }
            int alignment = alignment(metadata);
            long dataStart = Math.ceilDiv(cursor.position(), (long) alignment) * alignment;
            var tensors = new LinkedHashMap<String, Tensor>();
            for (Tensor t : relative.values()) {
                tensors.put(t.name(), place(t, dataStart, alignment));
            }
            refuseOverlaps(tensors);
            return tensors;
        }

        private int alignment(GgufMetadata metadata) {
            OptionalInt alignment = metadata.optionalInteger("general.alignment");
            int value = alignment.orElse(DEFAULT_ALIGNMENT);
            if (value <= 0 || Integer.bitCount(value) != 1 || value > 1 << 20) {
                throw metadata.invalid("general.alignment", "a power of two up to 2^20");
            }
            return value;
        }

        /// The tensor with its position still relative to the data.
        private Tensor readTensor() {
            String name = cursor.text();
            int dimensions = cursor.int32();
            if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
                throw cursor.damaged(
                        "gives tensor \"%s\" %d dimensions; at most %d exist"
                                .formatted(name, dimensions, MAX_DIMENSIONS));
            }
            var shape = new long[dimensions];
            long elements = 1;
            for (int i = dimensions - 1; i >= 0; i--) {
                shape[i] = cursor.int64();
                if (shape[i] < 0 || Math.multiplyHigh(elements, shape[i]) != 0) {
                    throw cursor.damaged("has an impossible shape in tensor \"" + name + "\"");
                }
                elements *= shape[i];
                if (elements < 0) {
                    throw cursor.damaged("has an impossible shape in tensor \"" + name + "\"");
                }
            }
            int number = cursor.int32();
            GgufType type =
                    GgufType.ofNumber(number)
                            .orElseThrow(
                                    () ->
                                            cursor.damaged(
                                                    "has the unknown type %d in tensor \"%s\""
                                                            .formatted(number, name)));
            return new Tensor(name, type, shape, cursor.int64());
        }

        private Tensor place(Tensor t, long dataStart, int alignment) {
            long row = t.shape().length == 0 ? 1 : t.shape()[t.shape().length - 1];
            if (row % t.type().block() != 0) {
                throw cursor.damaged(
                        "has rows of %d in tensor \"%s\", but %s comes in blocks of %d"
                                .formatted(row, t.name(), t.type(), t.type().block()));
            }
            long offset = t.position();
            long available = channel.size() - dataStart;
            if (offset < 0 || offset % alignment != 0 || offset > available) {
                throw cursor.damaged(
                        "places tensor \"%s\" at %d of %d data bytes with alignment %d"
                                .formatted(t.name(), offset, available, alignment));
            }
            // In units of blocks, so that absurd shapes don't overflow.
            if (t.count() / t.type().block() > (available - offset) / t.type().blockBytes()) {
                throw cursor.damaged(
                        ("needs more than the %d bytes left for tensor \"%s\" of shape %s; it is "
                                        + "probably truncated")
                                .formatted(
                                        available - offset, t.name(), Arrays.toString(t.shape())));
            }
            return new Tensor(t.name(), t.type(), t.shape(), dataStart + offset);
        }

        private void refuseOverlaps(Map<String, Tensor> tensors) {
            long end = 0;
            for (Tensor t :
                    tensors.values().stream()
                            .sorted(Comparator.comparingLong(Tensor::position))
                            .toList()) {
                if (t.position() < end && t.bytes() > 0) {
                    throw cursor.damaged("has a tensor \"" + t.name() + "\" that overlaps another");
                }
                end = Math.max(end, t.position() + t.bytes());
            }
        }
    }
}
