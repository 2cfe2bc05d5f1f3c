package org.attune.files.gguf;

import org.attune.error.ModelException;
import org.attune.files.DataChannel;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Reads a GGUF header from front to back. Every length is checked against what is left of the
/// file before memory is taken for it.
final class GgufCursor {
    private static final int WINDOW = 1 << 20;
    private static final int MAX_STRING = 64 << 20;
    private static final int MAX_DEPTH = 4;

    private final DataChannel channel;
    private final ByteBuffer window;
    private long windowStart;

    GgufCursor(DataChannel channel) {
        this.channel = channel;
        this.window = ByteBuffer.allocate((int) Math.min(WINDOW, channel.size())).limit(0);
    }

    void order(ByteOrder order) {
        window.order(order);
    }

    /// Position in the file.
    long position() {
        return windowStart + window.position();
    }

    int int32() {
        require(4);
        return window.getInt();
    }

    /// An unsigned 64-bit count of things that take at least `bytesEach` bytes of the file.
    long count(String what, long bytesEach) {
        require(8);
        long count = window.getLong();
        long left = channel.size() - position();
        if (count < 0 || count > left / bytesEach) {
            throw damaged(
                    "claims %s %s at byte %d, but only %d bytes follow"
                            .formatted(Long.toUnsignedString(count), what, position() - 8, left));
        }
        return count;
    }

    long int64() {
        require(8);
        return window.getLong();
    }

    String text() {
        long length = count("bytes of text", 1);
        if (length > MAX_STRING) {
            throw damaged(
                    "has a text of %d bytes; at most %d are read".formatted(length, MAX_STRING));
        }
        var bytes = new byte[(int) length];
        if (length <= window.capacity()) {
            require((int) length);
            window.get(bytes);
        } else {
            channel.read(position(), ByteBuffer.wrap(bytes));
            windowStart = position() + length;
            window.position(0).limit(0);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /// A metadata value with its type before it.
    Object typedValue() {
        return value(int32(), 0);
    }

    private Object value(int type, int depth) {
        return switch (type) {
            case 0 -> (long) (int8() & 0xFF);
            case 1 -> (long) int8();
            case 2 -> (long) (int16() & 0xFFFF);
            case 3 -> (long) int16();
            case 4 -> int32() & 0xFFFF_FFFFL;
            case 5 -> (long) int32();
            case 6 -> Float.intBitsToFloat(int32());
            case 7 -> bool();
            case 8 -> text();
            case 9 -> list(depth);
            case 10 -> unsigned64();
            case 11 -> int64();
            case 12 -> Double.longBitsToDouble(int64());
            default ->
                    throw damaged(
                            "has a value of unknown type %d at byte %d"
                                    .formatted(type, position() - 4));
        };
    }

    private List<Object> list(int depth) {
        if (depth >= MAX_DEPTH) {
            throw damaged("nests lists deeper than " + MAX_DEPTH);
        }
        int type = int32();
        // A text takes at least its 8-byte length, a list its type and count.
        long bytesEach =
                type == 8 ? 8 : type == 9 ? 12 : type >= 10 ? 8 : type >= 4 && type < 7 ? 4 : 1;
        long count = count("list entries", bytesEach);
        if (count > Integer.MAX_VALUE / 64) {
            throw damaged("has a list of " + count + " entries");
        }
        var result = new ArrayList<>((int) count);
        for (long i = 0; i < count; i++) {
            result.add(value(type, depth + 1));
        }
        return result;
    }

    private boolean bool() {
        byte value = int8();
        if (value != 0 && value != 1) {
            throw damaged("has a boolean %d at byte %d".formatted(value, position() - 1));
        }
        return value == 1;
    }

    private Object unsigned64() {
        long value = int64();
        return value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
    }

    private byte int8() {
        require(1);
        return window.get();
    }

    private short int16() {
        require(2);
        return window.getShort();
    }

    /// Makes at least `bytes` available in the window.
    private void require(int bytes) {
        if (window.remaining() >= bytes) {
            return;
        }
        windowStart = position();
        long left = channel.size() - windowStart;
        if (left < bytes) {
            throw damaged("ends at byte %d in the middle of its header".formatted(channel.size()));
        }
        window.clear().limit((int) Math.min(window.capacity(), left));
        channel.read(windowStart, window);
        window.flip();
    }

    ModelException damaged(String what) {
        return new ModelException(
                "%s %s; it is no GGUF file or is damaged: download or write it again"
                        .formatted(channel.file(), what));
    }
}
