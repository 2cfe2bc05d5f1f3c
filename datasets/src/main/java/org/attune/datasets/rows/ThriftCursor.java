package org.attune.datasets.rows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Reads Thrift's compact protocol, as Parquet's footer and page headers use it. Every length is
/// checked against the bytes that are left before it is believed.
final class ThriftCursor {
    static final int I32 = 5;
    static final int I64 = 6;
    static final int BINARY = 8;
    static final int LIST = 9;
    static final int STRUCT = 12;

    private static final int TRUE = 1;
    private static final int FALSE = 2;
    private static final int BYTE = 3;
    private static final int I16 = 4;
    private static final int DOUBLE = 7;
    private static final int SET = 10;
    private static final int MAP = 11;
    private static final int LONG_LIST = 15;
    private static final int DEEPEST = 32;
    private static final int VARINT_BITS = 63;

    private final ByteBuffer bytes;
    private int depth;
    private int current = STRUCT;

    ThriftCursor(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /// Takes a struct's fields.
    interface Fields {
        /// @return false if the value was not read, so that it is skipped
        boolean read(int field, int type) throws IOException;
    }

    /// An end of the bytes inside a value.
    static final class EndException extends IOException {
        private static final long serialVersionUID = 1L;

        EndException() {
            super("a header ends in the middle of a value");
        }
    }

    int position() {
        return bytes.position();
    }

    /// Reads a struct: the whole, the value of a field, or an element of a list.
    void struct(Fields fields) throws IOException {
        int outer = current;
        if (outer != STRUCT && outer != LIST) {
            throw otherType();
        }
        deeper();
        int last = 0;
        while (true) {
            int header = octet();
            if (header == 0) {
                depth--;
                current = outer;
                return;
            }
            int type = header & 0xf;
            int step = header >> 4;
            last = step == 0 ? (short) zigzag() : last + step;
            current = type;
            if (!fields.read(last, type)) {
                skip(type, false);
            }
        }
    }

    private void deeper() throws IOException {
        if (++depth > DEEPEST) {
            throw new IOException("a header is nested more than %d deep".formatted(DEEPEST));
        }
    }

    /// The header of a list.
    ///
    /// @param type what its elements must be
    /// @return how many follow
    int list(int type) throws IOException {
        require(LIST);
        int header = octet();
        int count = header >> 4;
        long size = count == LONG_LIST ? varint() : count;
        if ((header & 0xf) != type) {
            throw otherType();
        }
        return (int) fits(size);
    }

    /// A length or number of elements, each of a byte at least.
    private long fits(long size) throws IOException {
        if (size < 0 || size > bytes.remaining()) {
            throw new EndException();
        }
        return size;
    }

    long integer() throws IOException {
        if (current != I64) {
            require(I32);
        }
        return zigzag();
    }

    /// @throws IOException if it is negative
    long count(String what) throws IOException {
        long value = integer();
        if (value < 0) {
            throw new IOException("%s is said to be %d".formatted(what, value));
        }
        return value;
    }

    String text() throws IOException {
        require(BINARY);
        byte[] text = new byte[(int) fits(varint())];
        bytes.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private void require(int type) throws IOException {
        if (current != type) {
            throw otherType();
        }
    }

    private static IOException otherType() {
        return new IOException("a header holds a value of another type than it must");
    }

    private int octet() throws IOException {
        if (!bytes.hasRemaining()) {
            throw new EndException();
        }
        return bytes.get() & 0xff;
    }

    private long varint() throws IOException {
        long value = 0;
        for (int shift = 0; shift <= VARINT_BITS; shift += 7) {
            int octet = octet();
            value |= (long) (octet & 0x7f) << shift;
            if (octet < 0x80) {
                return value;
            }
        }
        throw new IOException("a header holds a number of more than ten bytes");
    }

    private long zigzag() throws IOException {
        long value = varint();
        return value >>> 1 ^ -(value & 1);
    }

    /// @param element whether it stands in a list, where truth values have a byte
    private void skip(int type, boolean element) throws IOException {
        switch (type) {
            case TRUE, FALSE -> advance(element ? 1 : 0);
            case BYTE -> advance(1);
            case I16, I32, I64 -> varint();
            case DOUBLE -> advance(Double.BYTES);
            case BINARY -> advance(varint());
            case LIST, SET -> skipList();
            case MAP -> skipMap();
            case STRUCT -> {
                current = STRUCT;
                struct((field, fieldType) -> false);
            }
            default -> throw new IOException("a header holds the unknown type " + type);
        }
    }

    private void skipList() throws IOException {
        deeper();
        int header = octet();
        int count = header >> 4;
        long size = fits(count == LONG_LIST ? varint() : count);
        for (long i = 0; i < size; i++) {
            skip(header & 0xf, true);
        }
        depth--;
    }

    private void skipMap() throws IOException {
        deeper();
        long size = fits(varint());
        int types = size == 0 ? 0 : octet();
        for (long i = 0; i < size; i++) {
            skip(types >> 4, true);
            skip(types & 0xf, true);
        }
        depth--;
    }

    private void advance(long count) throws IOException {
        bytes.position(bytes.position() + (int) fits(count));
    }
}
