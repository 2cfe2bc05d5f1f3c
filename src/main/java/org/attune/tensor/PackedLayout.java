package org.attune.tensor;

import org.attune.tensor.vector.PackedPlaces;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Finds out in what order oneDNN keeps the last columns of a packed matrix, which it doesn't tell:
/// matrices whose numbers say in which row and column they stand are packed, and read.
final class PackedLayout {
    /// bfloat16 has eight bits for whole numbers: a row and a column are two digits each.
    private static final int BASE = 256;

    private static final int DIGITS = 4;

    private static final Map<Columns, Optional<PackedPlaces>> KNOWN = new HashMap<>();

    /// Which columns of what.
    ///
    /// @param rows of the matrix
    /// @param columns of the matrix
    /// @param from first of those columns
    private record Columns(int rows, int columns, int from) {
        /// A digit of where each number stands, bfloat16; the last is 0 outside these columns.
        private Tensor matrix(int digit) {
            boolean ofRow = digit < 2;
            float[] digits = new float[ofRow ? rows : columns];
            for (int i = 0; i < digits.length; i++) {
                digits[i] = digit(digit, ofRow ? i : i - from);
            }
            Tensor once = Tensor.of(Device.cpu(), digits, ofRow ? rows : 1, ofRow ? 1 : columns);
            return once.to(DType.BFLOAT16).expand(rows, columns).contiguous();
        }

        private static int digit(int which, int number) {
            return switch (which) {
                case 0 -> number % BASE;
                case 1 -> number / BASE;
                case 2 -> number < 0 ? 0 : number % BASE;
                default -> number < 0 ? 0 : number / BASE + 1;
            };
        }
    }

    private PackedLayout() {}

    /// Where the columns from `from` on lie. On the engine thread.
    ///
    /// @return empty if it is no simple order
    static Optional<PackedPlaces> of(int rows, int columns, int from) {
        boolean countable = rows < BASE * BASE && columns - from < BASE * (BASE - 1);
        return countable
                ? KNOWN.computeIfAbsent(new Columns(rows, columns, from), PackedLayout::find)
                : Optional.empty();
    }

    private static Optional<PackedPlaces> find(Columns wanted) {
        byte[][] digits = new byte[DIGITS][];
        for (int i = 0; i < DIGITS; i++) {
            digits[i] = packed(wanted, i);
        }
        int[] rowPlaces = new int[wanted.rows()];
        int[] columnPlaces = new int[wanted.columns() - wanted.from()];
        Arrays.fill(rowPlaces, -1);
        Arrays.fill(columnPlaces, -1);
        for (int place = 0; place < digits[0].length; place++) {
            if (digits[3][place] != 0) {
                int row = at(digits[1], place) * BASE + at(digits[0], place);
                int column = (at(digits[3], place) - 1) * BASE + at(digits[2], place);
                if (column == 0) {
                    rowPlaces[row] = place;
                }
                if (row == 0) {
                    columnPlaces[column] = place;
                }
            }
        }
        int first = rowPlaces[0];
        for (int i = 0; i < columnPlaces.length; i++) {
            columnPlaces[i] -= first;
        }
        var places = new PackedPlaces(rowPlaces, columnPlaces);
        return isRight(places, digits) ? Optional.of(places) : Optional.empty();
    }

    private static int at(byte[] digits, int place) {
        return Byte.toUnsignedInt(digits[place]);
    }

    private static boolean isRight(PackedPlaces places, byte[][] digits) {
        int[] rows = places.rows();
        int[] columns = places.columns();
        long own = 0;
        for (byte digit : digits[3]) {
            own += digit == 0 ? 0 : 1;
        }
        if (own != (long) rows.length * columns.length) {
            return false;
        }
        for (int row = 0; row < rows.length; row++) {
            for (int column = 0; column < columns.length; column++) {
                int place = rows[row] + columns[column];
                if (place < 0
                        || place >= digits[0].length
                        || at(digits[0], place) != row % BASE
                        || at(digits[1], place) != row / BASE
                        || at(digits[2], place) != column % BASE
                        || at(digits[3], place) != column / BASE + 1) {
                    return false;
                }
            }
        }
        return true;
    }

    /// A digit of every number in the order of the packed matrix.
    private static byte[] packed(Columns wanted, int digit) {
        try (var _ = TensorScope.open("layout")) {
            Tensor packed = PackedMatrix.reordered(wanted.matrix(digit));
            long bytes = Operators.PACKED_BYTES.with(packed).callLong();
            MemorySegment numbers = Libtorch.memory(address(packed), bytes);
            byte[] all = new byte[Math.toIntExact(bytes / Short.BYTES)];
            for (int i = 0; i < all.length; i++) {
                int bits = numbers.getAtIndex(ValueLayout.JAVA_SHORT, i) << Short.SIZE;
                all[i] = (byte) Float.intBitsToFloat(bits);
            }
            return all;
        }
    }

    /// Where a packed matrix has its numbers.
    static long address(Tensor packed) {
        return Operators.PACKED_ADDRESS.with(packed).callLong();
    }
}
