package org.attune.cli.serve;

import org.attune.serve.ApiException;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A message of Protocol Buffers, field by field.
///
/// @param fields in the order of the bytes
record Protobuf(List<Field> fields) {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;
    private static final int MOST_SHIFTS = 63;

    /// A field.
    ///
    /// @param value of a number: a varint, or the bits of one of fixed size
    /// @param bytes of a text, of bytes or of a message; empty for numbers
    record Field(int number, long value, ByteBuffer bytes) {
        /// @throws ApiException if it is no message
        Protobuf message() {
            return read(bytes);
        }

        String text() {
            return StandardCharsets.UTF_8.decode(bytes.duplicate()).toString();
        }

        /// Its bytes as varints, one behind the other.
        ///
        /// @throws ApiException if they are none
        List<Long> varints() {
            List<Long> values = new ArrayList<>();
            ByteBuffer in = bytes.duplicate();
            try {
                while (in.hasRemaining()) {
                    values.add(varint(in));
                }
            } catch (BufferUnderflowException | IllegalArgumentException e) {
                throw noMessage();
            }
            return values;
        }

        /// Its bytes as numbers of fixed size, the lowest byte first.
        ByteBuffer numbers() {
            return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /// @throws ApiException if the bytes are no message
    static Protobuf read(ByteBuffer bytes) {
        ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        List<Field> fields = new ArrayList<>();
        try {
            while (in.hasRemaining()) {
                fields.add(field(in));
            }
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            throw noMessage();
        }
        return new Protobuf(fields);
    }

    private static ApiException noMessage() {
        return ApiException.bad(null, "the body is no message of tinker_public.proto");
    }

    private static Field field(ByteBuffer in) {
        long key = varint(in);
        int number = Math.toIntExact(Math.min(key >>> 3, Integer.MAX_VALUE));
        ByteBuffer none = ByteBuffer.allocate(0);
        return switch ((int) (key & 7)) {
            case VARINT -> new Field(number, varint(in), none);
            case FIXED64 -> new Field(number, in.getLong(), none);
            case FIXED32 -> new Field(number, in.getInt(), none);
            case BYTES -> {
                long length = varint(in);
                if (length < 0 || length > in.remaining()) {
                    throw new BufferUnderflowException();
                }
                ByteBuffer own = in.slice(in.position(), (int) length);
                in.position(in.position() + (int) length);
                yield new Field(number, 0, own);
            }
            default -> throw new IllegalArgumentException("a field of an unknown type");
        };
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; shift <= MOST_SHIFTS; shift += 7) {
            byte b = in.get();
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number is too long");
    }

    /// Fields of a number, in order.
    List<Field> all(int number) {
        return fields.stream().filter(f -> f.number() == number).toList();
    }

    /// The last field of a number, which is the one that counts.
    Optional<Field> last(int number) {
        List<Field> all = all(number);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    String text(int number) {
        return last(number).map(Field::text).orElse("");
    }

    long value(int number) {
        return last(number).map(Field::value).orElse(0L);
    }

    /// Writes a message.
    static final class Writer {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Writer number(int field, long value) {
            varint((long) field << 3 | VARINT);
            varint(value);
            return this;
        }

        Writer real(int field, double value) {
            varint((long) field << 3 | FIXED64);
            byte[] bits = new byte[Long.BYTES];
            little(bits).putDouble(value);
            out.writeBytes(bits);
            return this;
        }

        Writer text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Writer message(int field, Writer value) {
            return bytes(field, value.bytes());
        }

        Writer floats(int field, float[] values) {
            byte[] bytes = new byte[Float.BYTES * values.length];
            little(bytes).asFloatBuffer().put(values);
            return bytes(field, bytes);
        }

        Writer ints(int field, int[] values) {
            byte[] bytes = new byte[Integer.BYTES * values.length];
            little(bytes).asIntBuffer().put(values);
            return bytes(field, bytes);
        }

        Writer longs(int field, long... values) {
            byte[] bytes = new byte[Long.BYTES * values.length];
            little(bytes).asLongBuffer().put(values);
            return bytes(field, bytes);
        }

        Writer bytes(int field, byte[] value) {
            varint((long) field << 3 | BYTES);
            varint(value.length);
            out.writeBytes(value);
            return this;
        }

        private static ByteBuffer little(byte[] bytes) {
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }

        private void varint(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                out.write((int) (rest & 0x7f | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
        }

        byte[] bytes() {
            return out.toByteArray();
        }
    }
}
