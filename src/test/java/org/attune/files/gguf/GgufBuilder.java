package org.attune.files.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes small GGUF files for tests.
public final class GgufBuilder {
    private static final int ALIGNMENT = 32;

    private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
    private final List<Tensor> tensors = new ArrayList<>();
    private int pairCount;

    public GgufBuilder() {}

    private record Tensor(String name, int type, long[] shape, byte[] data) {}

    public GgufBuilder text(String key, String value) {
        key(key, 8);
        writeText(pairs, value);
        return this;
    }

    public GgufBuilder uint32(String key, int value) {
        key(key, 4);
        write(pairs, buffer(4).putInt(value));
        return this;
    }

    public GgufBuilder float32(String key, float value) {
        key(key, 6);
        write(pairs, buffer(4).putFloat(value));
        return this;
    }

    public GgufBuilder flag(String key, boolean value) {
        key(key, 7);
        pairs.write(value ? 1 : 0);
        return this;
    }

    public GgufBuilder texts(String key, String... values) {
        list(key, 8, values.length);
        for (String value : values) {
            writeText(pairs, value);
        }
        return this;
    }

    public GgufBuilder int32s(String key, int... values) {
        list(key, 5, values.length);
        for (int value : values) {
            write(pairs, buffer(4).putInt(value));
        }
        return this;
    }

    public GgufBuilder float32s(String key, float... values) {
        list(key, 6, values.length);
        for (float value : values) {
            write(pairs, buffer(4).putFloat(value));
        }
        return this;
    }

    /// @param shape row-major
    public GgufBuilder tensor(String name, int type, byte[] data, long... shape) {
        tensors.add(new Tensor(name, type, shape, data));
        return this;
    }

    public GgufBuilder floats(String name, float[] values, long... shape) {
        var data = new ByteArrayOutputStream();
        for (float value : values) {
            write(data, buffer(4).putFloat(value));
        }
        return tensor(name, 0, data.toByteArray(), shape);
    }

    public byte[] bytes() {
        var out = new ByteArrayOutputStream();
        ByteBuffer start = buffer(24);
        start.put("GGUF".getBytes(StandardCharsets.US_ASCII)).putInt(3);
        write(out, start.putLong(tensors.size()).putLong(pairCount));
        out.writeBytes(pairs.toByteArray());
        long offset = 0;
        for (Tensor t : tensors) {
            writeText(out, t.name);
            write(out, buffer(4).putInt(t.shape.length));
            for (int i = t.shape.length - 1; i >= 0; i--) {
                write(out, buffer(8).putLong(t.shape[i]));
            }
            write(out, buffer(12).putInt(t.type).putLong(offset));
            offset += padded(t.data.length);
        }
        out.writeBytes(new byte[padded(out.size()) - out.size()]);
        for (Tensor t : tensors) {
            out.writeBytes(t.data);
            out.writeBytes(new byte[padded(t.data.length) - t.data.length]);
        }
        return out.toByteArray();
    }

    GgufFile open(Path file) throws IOException {
        Files.write(file, bytes());
        return GgufFile.open(file);
    }

    private void key(String key, int type) {
        writeText(pairs, key);
        write(pairs, buffer(4).putInt(type));
        pairCount++;
    }

    private void list(String key, int type, long count) {
        key(key, 9);
        write(pairs, buffer(12).putInt(type).putLong(count));
    }

    private static int padded(int size) {
        return Math.ceilDiv(size, ALIGNMENT) * ALIGNMENT;
    }

    private static void writeText(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        write(out, buffer(8).putLong(bytes.length));
        out.writeBytes(bytes);
    }

    private static void write(ByteArrayOutputStream out, ByteBuffer buffer) {
        buffer.flip();
        while (buffer.hasRemaining()) {
            out.write(buffer.get());
        }
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
