package org.attune.tensor;

import org.attune.tensor.vector.PackedPlaces;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Finds out in what order oneDNN keeps the last columns of a packed matrix, which it doesn't tell:
/// a matrix whose only numbers say where they stand is packed, and these are looked for. That the
/// place of a number is the sum of its row's and its column's is tried on a whole matrix.
final class PackedLayout {
    /// The smallest normal bfloat16 number as bits, and how many larger ones are finite.
    private static final int FIRST = 0x0080;

    private static final int CODES = 0x7f00;

    private static final Map<Columns, Optional<PackedPlaces>> KNOWN = new HashMap<>();

    /// Which columns of what.
    ///
    /// @param rows of the matrix
    /// @param columns of the matrix
    /// @param from first of those columns
    private record Columns(int rows, int columns, int from) {
        int count() {
            return columns - from;
        }
    }

    private PackedLayout() {}

    /// Where the columns from `from` on lie. On the engine thread.
    ///
    /// @return empty if it is no simple order
    static Optional<PackedPlaces> of(int rows, int columns, int from) {
        return rows + columns - from <= CODES
                ? KNOWN.computeIfAbsent(new Columns(rows, columns, from), PackedLayout::find)
                : Optional.empty();
    }

    private static Optional<PackedPlaces> find(Columns wanted) {
        try (var _ = TensorScope.open("layout")) {
            Tensor matrix =
                    Tensor.zeros(Device.cpu(), DType.BFLOAT16, wanted.rows(), wanted.columns());
            // The first of the columns counts the rows, their first row goes on to count.
            int all = wanted.rows() + wanted.count() - 1;
            write(matrix, wanted, codes(wanted.rows(), 1), 0, wanted.rows(), 1);
            if (wanted.count() > 1) {
                float[] rest = codes(wanted.count() - 1, wanted.rows() + 1);
                write(matrix, wanted, rest, 1, 1, wanted.count() - 1);
            }
            Tensor packed = PackedMatrix.reordered(matrix);
            int[] places = places(memory(packed).toArray(ValueLayout.JAVA_SHORT), all);
            int[] rows = Arrays.copyOf(places, wanted.rows());
            int[] columns = new int[wanted.count()];
            for (int i = 1; i < columns.length; i++) {
                columns[i] = places[wanted.rows() + i - 1] - rows[0];
            }
            boolean found = Arrays.stream(places).allMatch(place -> place >= 0);
            var result = new PackedPlaces(rows, columns);
            return found && isRight(wanted, result, matrix, packed)
                    ? Optional.of(result)
                    : Optional.empty();
        }
    }

    private static float[] codes(int count, int first) {
        float[] codes = new float[count];
        for (int i = 0; i < count; i++) {
            codes[i] = Float.intBitsToFloat(FIRST + first - 1 + i << Short.SIZE);
        }
        return codes;
    }

    private static void write(
            Tensor matrix, Columns wanted, float[] values, int column, int rows, int columns) {
        matrix.narrow(0, 0, rows)
                .narrow(1, (long) wanted.from() + column, columns)
                .copyInPlace(Tensor.of(Device.cpu(), values, rows, columns));
    }

    /// Where each code is, -1 if nowhere.
    private static int[] places(short[] packed, int count) {
        int[] places = new int[count];
        Arrays.fill(places, -1);
        for (int place = 0; place < packed.length; place++) {
            if (packed[place] != 0) {
                int code = Short.toUnsignedInt(packed[place]) - FIRST;
                if (code >= 0 && code < count) {
                    places[code] = place;
                }
            }
        }
        return places;
    }

    /// Whether filling gives what packing does.
    ///
    /// @param matrix zero but for its last columns; changed
    /// @param packed of it; changed
    private static boolean isRight(
            Columns wanted, PackedPlaces places, Tensor matrix, Tensor packed) {
        MemorySegment filled = memory(packed);
        if (!places.isWithin(filled.byteSize() / Short.BYTES)) {
            return false;
        }
        float[] numbers = new float[wanted.rows() * wanted.count()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (i * 31 + i / 7) % 251 - 125;
        }
        write(matrix, wanted, numbers, 0, wanted.rows(), wanted.count());
        places.fill(VectorKernels.rows(matrix), wanted.from(), address(packed));
        return filled.mismatch(memory(PackedMatrix.reordered(matrix))) < 0;
    }

    private static MemorySegment memory(Tensor packed) {
        return Libtorch.memory(address(packed), Operators.PACKED_BYTES.with(packed).callLong());
    }

    /// Where a packed matrix has its numbers.
    static long address(Tensor packed) {
        return Operators.PACKED_ADDRESS.with(packed).callLong();
    }
}
