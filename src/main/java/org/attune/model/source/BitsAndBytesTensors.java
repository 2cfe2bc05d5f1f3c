package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.FewBits;
import org.attune.files.JsonFields;
import org.attune.files.TensorFile;
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
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// The tensors of a folder in which bitsandbytes brought matrices to 4 or 8 bits, by name and shape
/// of these matrices. [#read] gives them decoded. It may be called from several threads.
final class BitsAndBytesTensors implements TensorFile {
    private static final String WEIGHT = "weight";
    private static final String SIZES = "SCB"; // of 8 bits
    private static final String FORMAT = "weight_format";
    private static final String STATE = ".quant_state.bitsandbytes__";
    private static final int MOST_SIDE = 1 << 24;
    private static final int LEVELS = 256; // of sizes that are in few bits

    private final TensorFile file;
    private final Map<String, Entry> entries;
    private final Map<String, FewBits> coded = new HashMap<>();

    private BitsAndBytesTensors(TensorFile file) {
        this.file = file;
        entries = new LinkedHashMap<>(file.entries());
    }

    /// The tensors of a folder: the file itself, if all of its matrices are dense.
    ///
    /// @param file is the result's
    static TensorFile of(TensorFile file) {
        var own = new BitsAndBytesTensors(file);
        for (String name : file.entries().keySet()) {
            int state = name.indexOf(STATE);
            if (state > 0) {
                own.add4(name.substring(0, state), name);
            } else if (name.endsWith("." + SIZES)) {
                own.add8(name.substring(0, name.length() - SIZES.length()), name);
            }
        }
        return own.coded.isEmpty() ? file : own;
    }

    private void add4(String name, String state) {
        JsonFields json = JsonFields.parse("tensor \"" + state + "\"", text(state));
        String kind = state.substring(name.length() + STATE.length());
        LevelRows.Levels levels =
                Arrays.stream(LevelRows.Levels.values())
                        .filter(l -> l.name().equalsIgnoreCase(kind))
                        .findFirst()
                        .orElseThrow(() -> invalid(state, "names that end in nf4 or fp4"));
        List<Integer> shape = shape(json, state);
        long numbers = (long) shape.get(0) * shape.get(1);
        int block = json.size("blocksize", MOST_SIDE);
        if (block < 2 || block % 2 != 0) {
            throw invalid(state, "an even blocksize");
        }
        long blocks = (numbers + block - 1) / block;
        require(name, numbers / 2);
        requireLevels(name + ".quant_map", levels);
        boolean nested = json.has("nested_offset");
        List<String> from = new ArrayList<>(List.of(name, name + ".absmax"));
        require(from.getLast(), nested ? blocks : blocks * Float.BYTES);
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
                .forEach(part -> entries.remove(name + "." + part));
        entries.remove(state);
    }

    private List<Integer> shape(JsonFields json, String state) {
        List<Integer> shape = json.integers("shape");
        if (shape.size() != 2
                || shape.stream().anyMatch(s -> s < 1 || s > MOST_SIDE)
                || (long) shape.get(0) * shape.get(1) % 2 != 0) {
            throw invalid(state, "a shape of a matrix with an even number of numbers");
        }
        return shape;
    }

    /// Sizes of blocks that are coded themselves, in blocks of as many as returned.
    private int requireNested(String name, JsonFields json, long blocks) {
        int outer = json.size("nested_blocksize", MOST_SIDE);
        long outerBlocks = (blocks + outer - 1) / Math.max(1, outer);
        require(name + ".nested_absmax", outerBlocks * Float.BYTES);
        require(name + ".nested_quant_map", LEVELS * Float.BYTES);
        return outer;
    }

    private void add8(String path, String sizes) {
        String name = path + WEIGHT;
        Entry entry = file.entries().get(name);
        if (entry == null || entry.dtype() != DType.INT8 || entry.shape().length != 2) {
            throw invalid(sizes, "a matrix of I8 beside it");
        }
        int out = Math.toIntExact(entry.shape()[0]);
        int in = Math.toIntExact(entry.shape()[1]);
        require(sizes, (long) out * Float.BYTES);
        put(
                name,
                "int8 of bitsandbytes",
                List.of(out, in),
                List.of(name, sizes),
                m -> new ByteRows(m.get(0), m.get(1), in, VectorKernels.isAvailable()));
        entries.remove(sizes);
        entries.remove(path + FORMAT);
    }

    /// Says how to decode rows of pieces of memory.
    private interface Rows {
        CodedRows of(List<MemorySegment> memory);
    }

    private void put(String name, String kind, List<Integer> shape, List<String> parts, Rows rows) {
        long[] sides = shape.stream().mapToLong(Integer::longValue).toArray();
        entries.put(name, new Entry(name, DType.FLOAT32, sides));
        List<Long> bytes = parts.stream().map(p -> file.entries().get(p).bytes()).toList();
        coded.put(
                name,
                new FewBits(
                        kind,
                        bytes,
                        memory -> {
                            for (int i = 0; i < parts.size(); i++) {
                                copy(parts.get(i), memory.get(i));
                            }
                            return rows.of(memory);
                        }));
    }

    private void copy(String part, MemorySegment target) {
        file.read(part, file.entries().get(part).dtype(), target);
    }

    private void require(String name, long bytes) {
        Entry entry = file.entries().get(name);
        if (entry == null || entry.bytes() != bytes) {
            throw invalid(name, bytes + " bytes");
        }
    }

    private void requireLevels(String name, LevelRows.Levels levels) {
        float[] own = levels.numbers();
        require(name, (long) own.length * Float.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            if (!Arrays.equals(file.read(name, arena).toArray(ValueLayout.JAVA_FLOAT), own)) {
                throw invalid(name, "bitsandbytes' own levels");
            }
        }
    }

    private static ModelException invalid(String name, String accepted) {
        return new ModelException(
                "tensor \"%s\" of weights that bitsandbytes quantised: expected %s"
                        .formatted(name, accepted));
    }

    private String text(String name) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = file.read(name, arena).toArray(ValueLayout.JAVA_BYTE);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    @Override
    public Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public Optional<FewBits> bits(String name) {
        return Optional.ofNullable(coded.get(name));
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        FewBits bits = coded.get(name);
        if (bits == null) {
            return file.read(name, arena);
        }
        Entry entry = entries.get(name);
        int out = (int) entry.shape()[0];
        int in = (int) entry.shape()[1];
        MemorySegment target = arena.allocate(entry.bytes(), Long.BYTES);
        try (Arena own = Arena.ofConfined()) {
            var memory = bits.bytes().stream().map(b -> own.allocate(b, Long.BYTES)).toList();
            CodedRows rows = bits.read().apply(memory);
            rows.decode(0, out, 0, in, target, (long) in * Float.BYTES, false, 1);
        }
        return target;
    }

    @Override
    public void close() {
        file.close();
    }
}
