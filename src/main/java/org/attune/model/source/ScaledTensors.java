package org.attune.model.source;

import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
import org.attune.model.source.GroupedTensors.Filling;
import org.attune.model.source.GroupedTensors.Matrix;
import org.attune.model.source.GroupedTensors.Piece;
import org.attune.model.source.GroupedTensors.Shares;
import org.attune.tensor.DType;
import org.attune.tensor.vector.GroupRows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Makes matrices of folders in which a matrix has scales beside it, for all of it, its rows,
/// groups of its columns, or blocks: FP8 as DeepSeek has it, and compressed-tensors. What their
/// libraries do to activations is not done.
final class ScaledTensors {
    private static final String WEIGHT = ".weight";
    private static final String PACKED = ".weight_packed";
    private static final List<String> SCALES = List.of("_scale_inv", "_scale");

    /// Of activations and of caches.
    private static final List<String> OTHERS =
            List.of(
                    ".input_scale",
                    ".activation_scale",
                    ".output_scale",
                    ".input_zero_point",
                    ".output_zero_point",
                    ".k_scale",
                    ".v_scale",
                    ".k_zero_point",
                    ".v_zero_point");

    private final CodedTensors tensors;
    private final GroupedTensors grouped;
    private final List<Integer> block; // sides; empty: none

    private ScaledTensors(CodedTensors tensors, List<Integer> block) {
        this.tensors = tensors;
        grouped = new GroupedTensors(tensors);
        this.block = block;
    }

    /// Adds all matrices of a folder of FP8.
    ///
    /// @param json its `quantization_config`
    static void addFloats(JsonFields json, CodedTensors tensors) {
        if (!json.text("fmt", "e4m3").equals("e4m3")) {
            throw json.invalid("fmt", "e4m3");
        }
        if (!json.text("expert_dtype", "fp8").equals("fp8")) {
            throw json.invalid("expert_dtype", "fp8");
        }
        new ScaledTensors(tensors, block(json, "weight_block_size")).addAll();
    }

    /// Adds all matrices of a folder of compressed-tensors.
    ///
    /// @param json its `quantization_config`
    static void addCompressed(JsonFields json, CodedTensors tensors) {
        new ScaledTensors(tensors, CompressedKeys.block(json)).addAll();
    }

    /// Sides of blocks that share a scale; empty: there are none.
    static List<Integer> block(JsonFields json, String key) {
        List<Integer> sides = json.integers(key);
        if (!sides.isEmpty() && (sides.size() != 2 || sides.stream().anyMatch(s -> s < 1))) {
            throw json.invalid(key, "two sides of at least 1, or null");
        }
        return sides;
    }

    private void addAll() {
        for (TensorFile.Entry entry : tensors.stored().values()) {
            String name = entry.name();
            if (name.endsWith(PACKED)) {
                addPacked(name.substring(0, name.length() - PACKED.length()) + WEIGHT, entry);
            } else if (entry.dtype() == DType.FLOAT8) {
                addPlain(entry, GroupRows.Codes.FLOAT8);
            } else if (entry.dtype() == DType.INT8 && name.endsWith(WEIGHT)) {
                addPlain(entry, GroupRows.Codes.WHOLE8);
            }
            if (OTHERS.stream().anyMatch(name::endsWith)) {
                tensors.leave(name);
            }
        }
    }

    private void addPlain(TensorFile.Entry codes, GroupRows.Codes kind) {
        int[] sides = tensors.sides(codes);
        String name = codes.name();
        Optional<Piece> zeros = Optional.empty();
        TensorFile.Entry zero = tensors.stored().get(name + "_zero_point");
        if (zero != null && kind == GroupRows.Codes.WHOLE8) {
            tensors.stored(zero.name(), DType.INT8);
            zeros = Optional.of(new Piece(zero.name(), zero.bytes(), Filling.PLAIN));
        } else if (zero != null) {
            requireZeros(zero);
        }
        String what = kind == GroupRows.Codes.FLOAT8 ? "FP8" : "int8 of compressed-tensors";
        var numbers = new Piece(name, codes.bytes(), Filling.PLAIN);
        put(name, what, sides[0], sides[1], kind, numbers, zeros, 0);
    }

    /// Symmetric numbers of 8 bits may have zeros that are 0.
    private void requireZeros(TensorFile.Entry zero) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = tensors.bytes(zero.name(), arena);
            if (own.mismatch(arena.allocate(own.byteSize())) >= 0) {
                throw tensors.invalid(zero.name(), "zeros with numbers in FP8");
            }
        }
        tensors.leave(zero.name());
    }

    private void addPacked(String name, TensorFile.Entry codes) {
        tensors.stored(codes.name(), DType.INT32);
        int[] sides = tensors.sides(codes);
        String shape = name + "_shape";
        tensors.stored(shape, DType.INT64, DType.INT32);
        long[] own = longs(shape);
        int bits = own.length == 2 && own[0] == sides[0] ? bits(sides[1], own[1]) : 0;
        if (bits == 0) {
            throw tensors.invalid(
                    shape, "rows and columns of \"%s\" by 4 or 8 bits".formatted(codes.name()));
        }
        tensors.leave(shape);
        int out = sides[0];
        int in = (int) own[1];
        Optional<Piece> zeros = Optional.empty();
        TensorFile.Entry zero = tensors.stored().get(name + "_zero_point");
        if (zero != null) {
            int count = tensors.sides(tensors.stored(zero.name(), DType.INT32))[1];
            int each = PackedInts.each(bits);
            tensors.require(zero.name(), (long) count * ((out + each - 1) / each) * Integer.BYTES);
            zeros =
                    Optional.of(
                            new Piece(
                                    zero.name(),
                                    (long) out * count,
                                    (from, to) ->
                                            PackedInts.zerosByColumn(from, to, out, count, bits)));
        }
        boolean four = bits == 4;
        put(
                name,
                "%d bits of compressed-tensors".formatted(bits),
                out,
                in,
                four ? GroupRows.Codes.WHOLE4 : GroupRows.Codes.WHOLE8,
                new Piece(
                        codes.name(), codes.bytes(), (from, to) -> PackedInts.rows(from, to, bits)),
                zeros,
                four && zero == null ? 1 << bits - 1 : 0);
    }

    /// Bits of numbers that are packed into int32; 0: neither 4 nor 8, or rows aren't whole int32.
    private static int bits(int packed, long in) {
        return in == 8L * packed ? 4 : in == 4L * packed ? 8 : 0;
    }

    private long[] longs(String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = tensors.bytes(name, arena);
            return tensors.stored().get(name).dtype() == DType.INT64
                    ? own.toArray(ValueLayout.JAVA_LONG)
                    : Arrays.stream(own.toArray(ValueLayout.JAVA_INT)).asLongStream().toArray();
        }
    }

    private void put(
            String name,
            String kind,
            int out,
            int in,
            GroupRows.Codes codes,
            Piece numbers,
            Optional<Piece> zeros,
            int zero) {
        String scale =
                SCALES.stream()
                        .map(name::concat)
                        .filter(tensors.stored()::containsKey)
                        .findFirst()
                        .orElseThrow(
                                () -> tensors.invalid(name + "_scale", "scales of the matrix"));
        TensorFile.Entry scales = grouped.scales(scale);
        Shares shares = shares(scales, out, in);
        if (zeros.isPresent() && zeros.get().bytes() != scales.count()) {
            throw tensors.invalid(zeros.get().from(), "one for each scale");
        }
        grouped.put(
                new Matrix(
                        name,
                        kind,
                        out,
                        in,
                        codes,
                        numbers,
                        shares,
                        new Piece(scale, scales.bytes(), Filling.PLAIN),
                        zeros,
                        zero,
                        grouped.groups(name + "_g_idx", in, shares.columns(), shares.count())));
    }

    private Shares shares(TensorFile.Entry scales, int out, int in) {
        GroupRows.Scales.Kind kind = GroupedTensors.kind(scales);
        long[] shape = scales.shape();
        if (scales.count() == 1) {
            return new Shares(out, in, 1, kind);
        }
        int count = shape.length == 2 ? (int) shape[1] : 1;
        if (shape.length == 2 && block.size() == 2) {
            int rows = block.get(0);
            int columns = block.get(1);
            if (shape[0] == (out + rows - 1) / rows && count == (in + columns - 1) / columns) {
                return new Shares(rows, columns, count, kind);
            }
        }
        boolean byRow = shape.length > 0 && shape.length < 3 && shape[0] == out;
        if (!byRow || in % count != 0) {
            throw tensors.invalid(
                    scales.name(),
                    "one, (%d, groups), or one for each block of %s".formatted(out, block));
        }
        return new Shares(1, in / count, count, kind);
    }
}
