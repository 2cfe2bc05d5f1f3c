package org.attune.reports.tensorboard;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// A message of Protocol Buffers under construction, in their wire format. Fields stand in the
/// order in which they are added.
public final class ProtoMessage {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /// Adds an integer, an enum or a boolean.
    public ProtoMessage varint(int field, long value) {
        number((long) field << 3 | VARINT);
        number(value);
        return this;
    }

    /// Adds the bits of a double.
    public ProtoMessage fixed64(int field, long bits) {
        number((long) field << 3 | FIXED64);
        little(bits, Long.BYTES);
        return this;
    }

    /// Adds the bits of a float.
    public ProtoMessage fixed32(int field, int bits) {
        number((long) field << 3 | FIXED32);
        little(bits, Integer.BYTES);
        return this;
    }

    /// Adds bytes.
    public ProtoMessage bytes(int field, byte[] value) {
        number((long) field << 3 | BYTES);
        number(value.length);
        out.writeBytes(value);
        return this;
    }

    /// Adds text, as UTF-8.
    public ProtoMessage text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    /// Adds a message.
    public ProtoMessage message(int field, ProtoMessage value) {
        return bytes(field, value.toByteArray());
    }

    /// Adds doubles, packed.
    public ProtoMessage doubles(int field, double[] values) {
        number((long) field << 3 | BYTES);
        number((long) values.length * Double.BYTES);
        for (double value : values) {
            little(Double.doubleToRawLongBits(value), Double.BYTES);
        }
        return this;
    }

    private void number(long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    private void little(long bits, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (bits >>> 8 * i));
        }
    }

    /// What was added so far.
    public byte[] toByteArray() {
        return out.toByteArray();
    }
}
