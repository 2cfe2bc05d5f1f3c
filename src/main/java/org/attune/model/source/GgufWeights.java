package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.FewBits;
import org.attune.files.TensorFile;
import org.attune.files.gguf.GgufFile;
import org.attune.files.gguf.GgufType;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.vector.BlockRows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Weights of a GGUF file as the family's Hugging Face files have them: with their names, shapes,
/// row orders and values. `read` may be called from several threads.
final class GgufWeights implements TensorFile {
    /// Neighbouring rows of a tensor of the file. Rows of a vector are its numbers.
    record Rows(String tensor, long first, long count) {}

    /// What a weight is made of.
    sealed interface Recipe {
        /// Rows, one after the other.
        record Joined(List<Rows> parts) implements Recipe {}

        /// Numbers that are computed of whole tensors, in float32.
        ///
        /// @param rule the weight's of the tensors'
        /// @param back the tensors' of the weight's
        record Computed(
                List<String> tensors, UnaryOperator<float[][]> rule, UnaryOperator<float[][]> back)
                implements Recipe {}
    }

    /// A weight.
    ///
    /// @param shape as in the family's own files
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Made(Recipe recipe, long[] shape) {}

    /// Tensors of a file that is read.
    private record Read(GgufFile file) implements GgufTable {
        @Override
        public String where() {
            return file.path().toString();
        }

        @Override
        public boolean has(String tensor) {
            return file.entries().containsKey(tensor);
        }

        @Override
        public long[] shape(String tensor) {
            return has(tensor) ? file.entries().get(tensor).shape() : new long[0];
        }

        @Override
        public boolean chooses(String tensor) {
            return has(tensor);
        }

        @Override
        public Set<String> names() {
            return file.entries().keySet();
        }

        @Override
        public Optional<List<Float>> floats(String key) {
            return file.metadata().floats(key);
        }
    }

    private final GgufFile file;
    private final Map<String, Made> recipes;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private GgufWeights(GgufFile file, Map<String, Made> recipes) {
        this.file = file;
        this.recipes = recipes;
        recipes.forEach(
                (name, made) -> entries.put(name, new Entry(name, dtype(made), made.shape())));
    }

    /// The weights of a file.
    ///
    /// @param config of its model
    /// @throws ModelException if it holds a tensor with which such a model computes nothing
    static GgufWeights of(GgufFile file, DecoderConfig config) {
        return new GgufWeights(file, new GgufRecipes(new Read(file), config).all());
    }

    private DType dtype(Made made) {
        return switch (made.recipe()) {
            case Recipe.Computed _ -> DType.FLOAT32;
            case Recipe.Joined(List<Rows> parts) -> {
                DType first = file.entries().get(parts.getFirst().tensor()).dtype();
                boolean alike =
                        parts.stream()
                                .allMatch(p -> file.entries().get(p.tensor()).dtype() == first);
                yield alike ? first : DType.FLOAT32;
            }
        };
    }

    @Override
    public Map<String, Entry> entries() {
        return Collections.unmodifiableMap(entries);
    }

    @Override
    public MemorySegment read(String name, Arena arena) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new ModelException(
                    "%s holds no tensor \"%s\"; it has %d, e.g. %s"
                            .formatted(
                                    file.path(),
                                    name,
                                    entries.size(),
                                    entries.keySet().stream().limit(5).toList()));
        }
        MemorySegment target = arena.allocate(entry.bytes(), 64);
        read(name, entry.dtype(), target);
        return target;
    }

    @Override
    public boolean gives(String name, DType as) {
        Made made = recipes.get(name);
        return made != null
                && switch (made.recipe()) {
                    case Recipe.Computed _ -> as == DType.FLOAT32;
                    case Recipe.Joined(List<Rows> parts) ->
                            parts.stream().allMatch(p -> file.gives(p.tensor(), as));
                };
    }

    @Override
    public void read(String name, DType as, MemorySegment target) {
        switch (recipes.get(name).recipe()) {
            case Recipe.Joined(List<Rows> parts) -> {
                long at = 0;
                for (Rows part : parts) {
                    long bytes = part.count() * columns(part.tensor()) * as.bytes();
                    read(part, as, target.asSlice(at, bytes));
                    at += bytes;
                }
            }
            case Recipe.Computed(List<String> tensors, UnaryOperator<float[][]> rule, _) -> {
                float[][] values = new float[tensors.size()][];
                for (int i = 0; i < values.length; i++) {
                    values[i] = floats(tensors.get(i));
                }
                target.copyFrom(MemorySegment.ofArray(rule.apply(values)[0]));
            }
        }
    }

    @Override
    public Optional<FewBits> bits(String name) {
        Made made = recipes.get(name);
        if (made == null
                || made.shape().length != 2
                || !(made.recipe() instanceof Recipe.Joined(List<Rows> parts))) {
            return Optional.empty();
        }
        GgufType type = file.type(parts.getFirst().tensor());
        boolean kept =
                parts.stream()
                        .allMatch(
                                p ->
                                        file.type(p.tensor()) == type
                                                && columns(p.tensor()) == made.shape()[1]
                                                && file.hasBlocks(p.tensor(), p.count()));
        return kept ? Optional.of(blocks(type, parts, made.shape())) : Optional.empty();
    }

    private FewBits blocks(GgufType type, List<Rows> parts, long[] shape) {
        int in = Math.toIntExact(shape[1]);
        return new FewBits(
                type.toString(),
                List.of(type.bytes(shape[0] * in)),
                memory -> {
                    MemorySegment all = memory.getFirst();
                    long at = 0;
                    for (Rows part : parts) {
                        long bytes = type.bytes(part.count() * in);
                        file.readBlocks(part.tensor(), part.first(), all.asSlice(at, bytes));
                        at += bytes;
                    }
                    return new BlockRows(all, in, type.block(), type.blockBytes(), type.decoder());
                });
    }

    private void read(Rows part, DType as, MemorySegment target) {
        if (file.gives(part.tensor(), as)) {
            file.readRows(part.tensor(), part.first(), part.count(), as, target);
            return;
        }
        // Of parts of several types, which come out as float32.
        int columns = Math.toIntExact(columns(part.tensor()));
        float[] all = floats(part.tensor());
        int from = Math.toIntExact(part.first() * columns);
        int to = from + Math.toIntExact(part.count() * columns);
        target.copyFrom(MemorySegment.ofArray(Arrays.copyOfRange(all, from, to)));
    }

    private long columns(String tensor) {
        long[] shape = file.entries().get(tensor).shape();
        return shape.length < 2 ? 1 : shape[shape.length - 1];
    }

    private float[] floats(String tensor) {
        Entry entry = file.entries().get(tensor);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(entry.bytes(), 64);
            file.readRows(tensor, 0, entry.count() / columns(tensor), entry.dtype(), all);
            return StoredFloats.of(all, entry.dtype());
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
