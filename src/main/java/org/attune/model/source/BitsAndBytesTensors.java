package org.attune.model.source;

import org.attune.files.JsonFields;
import org.attune.tensor.DType;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.ByteRows;
import org.attune.tensor.vector.CodedRows;
import org.attune.tensor.vector.LevelRows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// Makes matrices of a folder in which bitsandbytes brought them to 4 or 8 bits.
final class BitsAndBytesTensors {
    private static final String WEIGHT = "weight";
    private static final String SIZES = "SCB"; // of 8 bits
    private static final String FORMAT = "weight_format";
    private static final String STATE = ".quant_state.bitsandbytes__";
    private static final int MOST_SIDE = 1 << 24;
    private static final int LEVELS = 256; // of sizes that are in few bits

    private final CodedTensors tensors;

    private BitsAndBytesTensors(CodedTensors tensors) {
        this.tensors = tensors;
    }

    /// Adds all matrices.
    static void add(CodedTensors tensors) {
        var own = new BitsAndBytesTensors(tensors);
        for (String name : tensors.stored().keySet()) {
            int state = name.indexOf(STATE);
            if (state > 0) {
                own.add4(name.substring(0, state), name);
            } else if (name.endsWith("." + SIZES)) {
                own.add8(name.substring(0, name.length() - SIZES.length()), name);
            }
        }
    }

    private void add4(String name, String state) {
        JsonFields json = JsonFields.parse("tensor \"" + state + "\"", text(state));
        String kind = state.substring(name.length() + STATE.length());
        LevelRows.Levels levels =
                Arrays.stream(LevelRows.Levels.values())
                        .filter(l -> l.name().equalsIgnoreCase(kind))
                        .findFirst()
                        .orElseThrow(() -> tensors.invalid(state, "names that end in nf4 or fp4"));
        List<Integer> shape = shape(json, state);
        long numbers = (long) shape.get(0) * shape.get(1);
        int block = json.size("blocksize", MOST_SIDE);
        if (block < 2 || block % 2 != 0) {
            throw tensors.invalid(state, "an even blocksize");
        }
        long blocks = (numbers + block - 1) / block;
        tensors.require(name, numbers / 2);
        requireLevels(name + ".quant_map", levels);
        boolean nested = json.has("nested_offset");
        List<String> from = new ArrayList<>(List.of(name, name + ".absmax"));
        tensors.require(from.getLast(), nested ? blocks : blocks * Float.BYTES);
        Function<List<MemorySegment>, Optional<LevelRows.Nested>> sizes = _ -> Optional.empty();
        if (nested) {
            int outer = requireNested(name, json, blocks);
            float offset = (float) json.number("nested_offset");
            from.addAll(List.of(name + ".nested_absmax", name + ".nested_quant_map"));
            sizes = m -> Optional.of(new LevelRows.Nested(m.get(3), m.get(2), outer, offset));
        }
        var nesting = sizes;
        int in = shape.get(1);
        boolean vectors = VectorKernels.isAvailable();
        put(
                name,
                kind + " of bitsandbytes",
                shape,
                List.copyOf(from),
                m ->
                        new LevelRows(
                                m.get(0), m.get(1), nesting.apply(m), levels, in, block, vectors));
        Stream.of("absmax", "quant_map", "nested_absmax", "nested_quant_map")
                .forEach(part -> tensors.leave(name + "." + part));
        tensors.leave(state);
    }

    private List<Integer> shape(JsonFields json, String state) {
        List<Integer> shape = json.integers("shape");
        if (shape.size() != 2
                || shape.stream().anyMatch(s -> s < 1 || s > MOST_SIDE)
                || (long) shape.get(0) * shape.get(1) % 2 != 0) {
            throw tensors.invalid(state, "a shape of a matrix with an even number of numbers");
        }
        return shape;
    }

    /// Sizes of blocks that are coded themselves, in blocks of as many as returned.
    private int requireNested(String name, JsonFields json, long blocks) {
        int outer = json.size("nested_blocksize", MOST_SIDE);
        long outerBlocks = (blocks + outer - 1) / Math.max(1, outer);
        tensors.require(name + ".nested_absmax", outerBlocks * Float.BYTES);
        tensors.require(name + ".nested_quant_map", LEVELS * Float.BYTES);
        return outer;
    }

    private void add8(String path, String sizes) {
        String name = path + WEIGHT;
        int[] sides = tensors.sides(tensors.stored(name, DType.INT8));
        int out = sides[0];
        int in = sides[1];
        tensors.require(sizes, (long) out * Float.BYTES);
        put(
                name,
                "int8 of bitsandbytes",
                List.of(out, in),
                List.of(name, sizes),
                m -> new ByteRows(m.get(0), m.get(1), in, VectorKernels.isAvailable()));
        tensors.leave(path + FORMAT);
    }

    /// Says how to decode rows of pieces of memory.
    private interface Rows {
        CodedRows of(List<MemorySegment> memory);
    }

    private void put(String name, String kind, List<Integer> shape, List<String> parts, Rows rows) {
        List<Long> bytes = parts.stream().map(p -> tensors.stored().get(p).bytes()).toList();
        tensors.put(
                name,
                kind,
                shape.get(0),
                shape.get(1),
                parts,
                bytes,
                memory -> {
                    for (int i = 0; i < parts.size(); i++) {
                        tensors.copy(parts.get(i), memory.get(i));
                    }
                    return rows.of(memory);
                });
    }

    private void requireLevels(String name, LevelRows.Levels levels) {
        float[] own = levels.numbers();
        tensors.require(name, (long) own.length * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            if (!Arrays.equals(tensors.bytes(name, arena).toArray(ValueLayout.JAVA_FLOAT), own)) {
                throw tensors.invalid(name, "bitsandbytes' own levels");
            }
        }
    }

    private String text(String name) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = tensors.bytes(name, arena).toArray(ValueLayout.JAVA_BYTE);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }
}
