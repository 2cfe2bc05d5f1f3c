package org.attune.files.gguf;

import org.attune.error.ModelException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Writes GGUF files, version 3, little endian. Tensors are asked for one by one, and of each some
/// rows at a time are encoded.
public final class GgufWriter {
    private static final int MAGIC = 0x46554747;
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;

    /// Values that one core encodes at a time.
    private static final int GROUP_VALUES = 1 << 16;

    private GgufWriter() {}

    /// Takes rows of a tensor in any order.
    @FunctionalInterface
    public interface Rows {
        /// @param first  row, of those of all matrices of the tensor; rows of a vector are numbers
        /// @param values float32, whole rows
        void put(long first, MemorySegment values);
    }

    /// A tensor to write.
    ///
    /// @param type    whose blocks fit its rows
    /// @param shape   outermost first
    /// @param weights how much the squared error of each number of a row counts; empty: alike
    /// @param content gives all rows
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Tensor(
            String name, GgufType type, long[] shape, float[] weights, Consumer<Rows> content) {
        private long columns() {
            return shape.length < 2 ? 1 : shape[shape.length - 1];
        }

        private long count() {
            return Arrays.stream(shape).reduce(1, Math::multiplyExact);
        }
    }

    /// Writes a file. If that fails, what is there is no whole file: write into an `AtomicFolder`.
    ///
    /// @param file doesn't exist
    /// @param metadata `String`, `Boolean`, `Float`, `Long` (32 bits where it fits) and lists of
    ///     one of these
    /// @param check looks at what is written, when vectors are there and matrices are still zeros
    /// @throws ModelException if writing fails, or a tensor doesn't give all its rows
    public static void write(
            Path file, Map<String, Object> metadata, List<Tensor> tensors, Consumer<Path> check) {
        long[] offsets = new long[tensors.size() + 1];
        for (int i = 0; i < tensors.size(); i++) {
            Tensor t = tensors.get(i);
            offsets[i + 1] = aligned(offsets[i] + t.type().bytes(t.count()));
        }
        byte[] header = header(metadata, tensors, offsets);
        long start = aligned(header.length);
        try (var channel =
                FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            put(channel, ByteBuffer.wrap(header), 0);
            long end = start + offsets[tensors.size()];
            put(channel, ByteBuffer.allocate(1), end - 1); // as long as it will be
            write(channel, tensors, offsets, start, false);
            check.accept(file);
            write(channel, tensors, offsets, start, true);
            channel.force(true);
        } catch (IOException e) {
            throw new ModelException(
                    "%s can't be written: %s; free space or choose another folder"
                            .formatted(file, e.getMessage()),
                    e);
        }
    }

    private static void write(
            FileChannel channel, List<Tensor> tensors, long[] offsets, long start, boolean matrices)
            throws IOException {
        for (int i = 0; i < tensors.size(); i++) {
            Tensor tensor = tensors.get(i);
            if (tensor.shape().length > 1 == matrices) {
                new Encoder(channel, tensor, start + offsets[i]).encode();
            }
        }
    }

    private static long aligned(long position) {
        return Math.ceilDiv(position, ALIGNMENT) * ALIGNMENT;
    }

    private static void put(FileChannel channel, ByteBuffer bytes, long position)
            throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    private static byte[] header(
            Map<String, Object> metadata, List<Tensor> tensors, long[] offsets) {
        var out = new Bytes();
        out.int32(MAGIC);
        out.int32(VERSION);
        out.int64(tensors.size());
        out.int64(metadata.size());
        metadata.forEach(
                (key, value) -> {
                    out.text(key);
                    out.typed(value);
                });
        for (int i = 0; i < tensors.size(); i++) {
            Tensor t = tensors.get(i);
            out.text(t.name());
            out.int32(t.shape().length);
            for (int d = t.shape().length - 1; d >= 0; d--) {
                out.int64(t.shape()[d]);
            }
            out.int32(t.type().number());
            out.int64(offsets[i]);
        }
        return out.bytes.toByteArray();
    }

    /// Little-endian numbers and texts.
    private static final class Bytes {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        void int32(int value) {
            bytes.writeBytes(
                    ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
        }

        void int64(long value) {
            bytes.writeBytes(
                    ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
        }

        void text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            int64(utf8.length);
            bytes.writeBytes(utf8);
        }

        void typed(Object value) {
            if (value instanceof List<?> list) {
                int32(9);
                // Readers want lists of integers to be signed.
                int kind =
                        list.isEmpty()
                                ? 8
                                : list.getFirst() instanceof Long ? 5 : kind(list.getFirst());
                int32(kind);
                int64(list.size());
                list.forEach(item -> plain(item, kind));
            } else {
                int32(kind(value));
                plain(value, kind(value));
            }
        }

        private static int kind(Object value) {
            return switch (value) {
                case Long n -> n < 0 ? n < Integer.MIN_VALUE ? 11 : 5 : n >> 32 == 0 ? 4 : 10;
                case Float _ -> 6;
                case Boolean _ -> 7;
                case String _ -> 8;
                default ->
                        throw new IllegalArgumentException(
                                value.getClass() + " is no type of metadata");
            };
        }

        private void plain(Object value, int kind) {
            switch (value) {
                case Long n when kind == 4 || kind == 5 -> int32(n.intValue());
                case Long n -> int64(n);
                case Float f -> int32(Float.floatToRawIntBits(f));
                case Boolean flag -> bytes.write(flag ? 1 : 0);
                default -> text((String) value);
            }
        }
    }

    /// Encodes one tensor.
    private static final class Encoder implements Rows {
        private final FileChannel channel;
        private final Tensor tensor;
        private final long position;
        private final long columns;
        private long given;

        Encoder(FileChannel channel, Tensor tensor, long position) {
            this.channel = channel;
            this.tensor = tensor;
            this.position = position;
            this.columns = tensor.columns();
            int block = tensor.type().block();
            if (columns % block != 0) {
                throw new ModelException(
                        "tensor \"%s\" has rows of %d values; %s has blocks of %d"
                                .formatted(tensor.name(), columns, tensor.type(), block));
            }
        }

        void encode() throws IOException {
            tensor.content().accept(this);
            if (given != tensor.count()) {
                throw new ModelException(
                        "tensor \"%s\" has %d values, of which %d were given"
                                .formatted(tensor.name(), tensor.count(), given));
            }
        }

        @Override
        public void put(long first, MemorySegment values) {
            long count = values.byteSize() / Float.BYTES;
            long group = Math.max(1, GROUP_VALUES / columns) * columns;
            long groups = Math.ceilDiv(count, group);
            int lanes =
                    Math.min(
                            Runtime.getRuntime().availableProcessors(), (int) Math.min(groups, 64));
            byte[][] encoded = new byte[lanes][];
            for (long done = 0; done < groups; done += lanes) {
                long start = done;
                int busy = (int) Math.min(lanes, groups - done);
                float[][] parts = new float[busy][];
                for (int lane = 0; lane < busy; lane++) { // the memory may be this thread's alone
                    long from = (start + lane) * group;
                    long size = Math.min(group, count - from);
                    parts[lane] =
                            values.asSlice(from * Float.BYTES, size * Float.BYTES)
                                    .toArray(ValueLayout.JAVA_FLOAT);
                }
                IntStream.range(0, busy)
                        .parallel()
                        .forEach(lane -> encoded[lane] = encoded(parts[lane]));
                for (int lane = 0; lane < busy; lane++) {
                    long at = first * columns + (start + lane) * group;
                    write(at, encoded[lane]);
                }
            }
            given += count;
        }

        private void write(long firstValue, byte[] bytes) {
            try {
                GgufWriter.put(
                        channel,
                        ByteBuffer.wrap(bytes),
                        position + tensor.type().bytes(firstValue));
            } catch (IOException e) {
                throw new ModelException("a GGUF file can't be written: " + e.getMessage(), e);
            }
        }

        private byte[] encoded(float[] values) {
            GgufType type = tensor.type();
            byte[] result = new byte[Math.toIntExact(type.bytes(values.length))];
            ByteBuffer buffer = ByteBuffer.wrap(result).order(ByteOrder.LITTLE_ENDIAN);
            switch (type) {
                case F32 -> buffer.asFloatBuffer().put(values);
                case F16 -> {
                    for (float value : values) {
                        buffer.putShort(Float.floatToFloat16(value));
                    }
                }
                case BF16 -> {
                    short[] halves = new short[values.length];
                    Bfloat16.round(values, halves, values.length);
                    buffer.asShortBuffer().put(halves);
                }
                default -> {
                    int blocks = values.length / type.block();
                    type.encoder().encode(values, weights(values.length), result, blocks);
                }
            }
            return result;
        }

        private float[] weights(int count) {
            float[] own = tensor.weights();
            if (own.length == 0) {
                return null;
            }
            float[] all = new float[count];
            for (int at = 0; at < count; at += own.length) {
                System.arraycopy(own, 0, all, at, own.length);
            }
            return all;
        }
    }
}
