package org.attune.text.vocab;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/// Fields of a message in Protocol Buffers' wire format, one after the other.
final class ProtobufFields {
    private final ByteBuffer bytes;

    ProtobufFields(ByteBuffer bytes) {
        this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    /// A field.
    ///
    /// @param number its number
    /// @param value  a whole number or the bits of a float
    /// @param bytes  content of a text or message; empty for numbers
    record Field(int number, long value, ByteBuffer bytes) {
        boolean isTrue() {
            return value != 0;
        }

        float asFloat() {
            return Float.intBitsToFloat((int) value);
        }
    }

    /// The next field; empty at the end.
    ///
    /// @throws IllegalArgumentException if the bytes are no message
    Optional<Field> next() {
        if (!bytes.hasRemaining()) {
            return Optional.empty();
        }
        try {
            long key = varint();
            int number = (int) (key >>> 3);
            var nothing = ByteBuffer.allocate(0);
            return Optional.of(
                    switch ((int) (key & 7)) {
                        case 0 -> new Field(number, varint(), nothing);
                        case 1 -> new Field(number, bytes.getLong(), nothing);
                        case 2 -> new Field(number, 0, part());
                        case 5 -> new Field(number, bytes.getInt(), nothing);
                        default -> throw new IllegalArgumentException("wire type " + (key & 7));
                    });
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("the end is missing", e);
        }
    }

    private ByteBuffer part() {
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw new IllegalArgumentException("the end is missing");
        }
        ByteBuffer part = bytes.slice(bytes.position(), (int) length);
        bytes.position(bytes.position() + (int) length);
        return part;
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte part = bytes.get();
            value |= (long) (part & 0x7f) << shift;
            if (part >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number has more than ten bytes");
    }
}
