package org.attune.model.source;

import org.attune.files.TensorFile;
import org.attune.tensor.DType;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.GroupRows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Puts matrices together whose groups of columns have scales: codes, scales, zeros, and the group
/// of each column are pieces of memory, each filled from one tensor.
final class GroupedTensors {
    private static final DType[] SCALES = {
        DType.FLOAT32, DType.FLOAT16, DType.BFLOAT16, DType.UINT8
    };

    private final CodedTensors tensors;

    GroupedTensors(CodedTensors tensors) {
        this.tensors = tensors;
    }

    /// Fills a piece of memory from a tensor as the folder has it.
    interface Filling {
        void fill(MemorySegment stored, MemorySegment target);

        /// Takes the bytes as they are.
        Filling PLAIN = (stored, target) -> target.copyFrom(stored);
    }

    /// A piece of memory.
    ///
    /// @param from name of the tensor that fills it
    record Piece(String from, long bytes, Filling filling) {}

    /// A matrix.
    ///
    /// @param kind of the format, for messages
    /// @param zero added to all zeros
    record Matrix(
            String name,
            String kind,
            int out,
            int in,
            GroupRows.Codes codes,
            Piece numbers,
            Shares shares,
            Piece scales,
            Optional<Piece> zeros,
            int zero,
            Optional<Piece> groups) {}

    /// Which numbers share a scale.
    ///
    /// @param rows neighbouring rows
    /// @param columns neighbouring columns
    /// @param count scales of a row
    record Shares(int rows, int columns, int count, GroupRows.Scales.Kind kind) {}

    /// Adds a matrix.
    void put(Matrix matrix) {
        List<Piece> pieces = new ArrayList<>(List.of(matrix.numbers(), matrix.scales()));
        matrix.zeros().ifPresent(pieces::add);
        matrix.groups().ifPresent(pieces::add);
        tensors.put(
                matrix.name(),
                matrix.kind(),
                matrix.out(),
                matrix.in(),
                pieces.stream().map(Piece::from).toList(),
                pieces.stream().map(Piece::bytes).toList(),
                memory -> {
                    for (int i = 0; i < pieces.size(); i++) {
                        fill(pieces.get(i), memory.get(i));
                    }
                    return rows(matrix, memory);
                });
    }

    private void fill(Piece piece, MemorySegment target) {
        if (piece.filling() == Filling.PLAIN) {
            tensors.copy(piece.from(), target);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            piece.filling().fill(tensors.bytes(piece.from(), arena), target);
        }
    }

    private static GroupRows rows(Matrix matrix, List<MemorySegment> memory) {
        Shares s = matrix.shares();
        return new GroupRows(
                memory.get(0),
                matrix.codes(),
                new GroupRows.Scales(memory.get(1), s.kind(), s.rows(), s.columns(), s.count()),
                matrix.zeros().map(_ -> memory.get(2)),
                matrix.zero(),
                matrix.groups().map(_ -> memory.getLast()),
                matrix.in(),
                VectorKernels.isAvailable());
    }

    /// The scales of a matrix.
    TensorFile.Entry scales(String name) {
        return tensors.stored(name, SCALES);
    }

    static GroupRows.Scales.Kind kind(TensorFile.Entry scales) {
        return switch (scales.dtype()) {
            case FLOAT32 -> GroupRows.Scales.Kind.FLOAT32;
            case FLOAT16 -> GroupRows.Scales.Kind.FLOAT16;
            case BFLOAT16 -> GroupRows.Scales.Kind.BFLOAT16;
            default -> GroupRows.Scales.Kind.POWER;
        };
    }

    /// The group of each column, where groups aren't neighbours.
    ///
    /// @param name of int32 `(in)`; may be missing
    Optional<Piece> groups(String name, int in, int columns, int count) {
        if (!tensors.stored().containsKey(name)) {
            return Optional.empty();
        }
        tensors.leave(name);
        tensors.stored(name, DType.INT32);
        long bytes = (long) in * Integer.BYTES;
        tensors.require(name, bytes);
        int[] own;
        try (Arena arena = Arena.ofConfined()) {
            own = tensors.bytes(name, arena).toArray(ValueLayout.JAVA_INT);
        }
        boolean neighbours = true;
        for (int i = 0; i < in; i++) {
            if (own[i] == -1) {
                return Optional.empty(); // compressed-tensors': never set
            }
            if (own[i] < 0 || own[i] >= count) {
                throw tensors.invalid(name, "groups from 0 to " + (count - 1) + ", not " + own[i]);
            }
            neighbours &= own[i] == i / columns;
        }
        return neighbours ? Optional.empty() : Optional.of(new Piece(name, bytes, Filling.PLAIN));
    }
}
