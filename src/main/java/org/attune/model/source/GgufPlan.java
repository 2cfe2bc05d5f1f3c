package org.attune.model.source;

import org.attune.error.ModelException;
import org.attune.files.TensorRows;
import org.attune.files.gguf.GgufWriter;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.model.config.DecoderConfig;
import org.attune.model.source.GgufWeights.Made;
import org.attune.model.source.GgufWeights.Recipe;
import org.attune.model.source.GgufWeights.Rows;
import org.attune.tensor.DType;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Plans which tensors a GGUF file gets and which of the model's weights each of them is made of,
/// by the rules of [GgufRecipes] turned round.
final class GgufPlan implements GgufTable {
    /// What a tensor is made of.
    private sealed interface Piece {
        /// Neighbouring rows that are a weight's neighbouring numbers.
        record Copied(Source weight, long firstNumber, long row, long rows) implements Piece {}

        /// One of several tensors that are computed of one weight.
        record Computed(Source weight, UnaryOperator<float[][]> rule, int index) implements Piece {}
    }

    private final String where;
    private final Set<String> chosen;
    private final Map<String, List<Float>> lists;
    private final Map<String, Source> weights = new LinkedHashMap<>();
    private final Map<String, long[]> tensors = new LinkedHashMap<>();
    private final Map<String, List<Piece>> pieces = new LinkedHashMap<>();
    private final Set<String> filled = new HashSet<>();

    /// @param where   the file, for messages
    /// @param config  of the model
    /// @param weights of it by module, float32
    /// @param chosen  tensors that files of the architecture have, of which others have other ones
    /// @param lists   of the metadata
    GgufPlan(
            String where,
            DecoderConfig config,
            List<Source> weights,
            Set<String> chosen,
            Map<String, List<Float>> lists) {
        this.where = where;
        this.chosen = chosen;
        this.lists = lists;
        weights.forEach(w -> this.weights.put(w.name(), w));
        Map<String, Made> made = new GgufRecipes(this, config).all();
        made.forEach(this::turnRound);
        filled.forEach(this::fill);
        for (Source weight : weights) {
            if (!made.containsKey(weight.name())) {
                throw new ModelException(
                        "%s: the model has the weight \"%s\", for which GGUF files of its architecture have no place; nothing is written"
                                .formatted(where, weight.name()));
            }
        }
    }

    private void turnRound(String name, Made made) {
        Source weight = weights.get(name);
        if (weight == null) {
            throw new ModelException(
                    "%s: the model has no weight \"%s\", which GGUF files of its architecture need; nothing is written"
                            .formatted(where, name));
        }
        switch (made.recipe()) {
            case Recipe.Joined(List<Rows> parts) -> {
                long at = 0;
                for (Rows part : parts) {
                    add(part.tensor(), new Piece.Copied(weight, at, part.first(), part.count()));
                    at += part.count() * columns(part.tensor());
                }
            }
            case Recipe.Computed(List<String> several, _, UnaryOperator<float[][]> back) -> {
                for (int i = 0; i < several.size(); i++) {
                    add(several.get(i), new Piece.Computed(weight, back, i));
                }
            }
        }
    }

    private void add(String tensor, Piece piece) {
        pieces.computeIfAbsent(tensor, _ -> new ArrayList<>()).add(piece);
    }

    /// Path of the module whose weight a tensor is made of, the first of several.
    String module(String tensor) {
        if (pieces(tensor).isEmpty()) {
            return "";
        }
        Source weight =
                switch (pieces(tensor).getFirst()) {
                    case Piece.Copied copied -> copied.weight();
                    case Piece.Computed computed -> computed.weight();
                };
        return weight.name().replaceFirst("\\.weight$", "");
    }

    /// Whether a tensor is one weight in the order of the model, but for heads that are reordered.
    ///
    /// @param turned whether the model's files have matrices the other way round
    boolean isWhole(String tensor, boolean turned) {
        List<Piece> all = pieces(tensor);
        return all.size() == 1
                && switch (all.getFirst()) {
                    case Piece.Copied copied ->
                            copied.firstNumber() == 0
                                    && copied.rows() * columns(tensor)
                                            == Arrays.stream(copied.weight().shape())
                                                    .reduce(1, (a, b) -> a * b);
                    case Piece.Computed _ -> turned;
                };
    }

    private long columns(String tensor) {
        long[] shape = tensors.get(tensor);
        return shape.length < 2 ? 1 : shape[shape.length - 1];
    }

    /// The planned tensors in the order of the file.
    Map<String, long[]> tensors() {
        return tensors;
    }

    /// Gives a tensor's rows.
    ///
    /// @param order in which a file has rows that the model has in another one
    void give(String tensor, TensorRows order, GgufWriter.Rows to) {
        for (Piece piece : pieces(tensor)) {
            try (Arena arena = Arena.ofConfined()) {
                switch (piece) {
                    case Piece.Copied(Source weight, long first, long row, long rows) -> {
                        long bytes = rows * columns(tensor) * Float.BYTES;
                        MemorySegment values =
                                weight.data().apply(arena).asSlice(first * Float.BYTES, bytes);
                        to.put(row, ordered(values, columns(tensor), order));
                    }
                    case Piece.Computed(Source weight, UnaryOperator<float[][]> rule, int i) -> {
                        float[] values = weight.data().apply(arena).toArray(ValueLayout.JAVA_FLOAT);
                        float[] own = rule.apply(new float[][] {values})[i];
                        to.put(0, ordered(MemorySegment.ofArray(own), columns(tensor), order));
                    }
                }
            }
        }
    }

    private List<Piece> pieces(String tensor) {
        return pieces.getOrDefault(tensor, List.of());
    }

    /// Adds the rows that no weight makes.
    private void fill(String tensor) {
        long[] shape = tensors.get(tensor);
        List<Piece> own = pieces(tensor);
        if (own.isEmpty()) {
            int numbers = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
            var zeros =
                    new Source(
                            tensor,
                            DType.FLOAT32,
                            shape,
                            _ -> MemorySegment.ofArray(new float[numbers]));
            add(tensor, new Piece.Copied(zeros, 0, 0, numbers / columns(tensor)));
            return;
        }
        var first = (Piece.Copied) own.getFirst();
        for (long row = first.rows(); row < shape[0]; row++) {
            add(tensor, new Piece.Copied(first.weight(), 0, row, 1));
        }
    }

    /// Rows as a file has them.
    static MemorySegment ordered(MemorySegment values, long columns, TensorRows order) {
        if (order.isIdentity()) {
            return values;
        }
        long bytes = columns * Float.BYTES;
        MemorySegment result =
                MemorySegment.ofArray(new float[Math.toIntExact(values.byteSize() / Float.BYTES)]);
        for (long row = 0; row * bytes < values.byteSize(); row++) {
            MemorySegment.copy(values, order.target(row) * bytes, result, row * bytes, bytes);
        }
        return result;
    }

    @Override
    public boolean plans() {
        return true;
    }

    @Override
    public String where() {
        return where;
    }

    @Override
    public boolean has(String tensor) {
        return tensors.containsKey(tensor);
    }

    @Override
    public long[] shape(String tensor) {
        return tensors.getOrDefault(tensor, new long[0]);
    }

    @Override
    public boolean chooses(String tensor) {
        return chosen.contains(tensor.replaceFirst("^blk\\.\\d+\\.", ""));
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public Optional<List<Float>> floats(String key) {
        return Optional.ofNullable(lists.get(key));
    }

    @Override
    public long[] weight(String name) {
        Source weight = weights.get(name);
        return weight == null ? new long[0] : weight.shape();
    }

    @Override
    public void plan(String tensor, long... shape) {
        tensors.putIfAbsent(tensor, shape);
    }

    @Override
    public void fill(String tensor, long... shape) {
        plan(tensor, shape);
        filled.add(tensor);
    }

    @Override
    public void planRows(String tensor, long rows, long columns) {
        long[] shape = columns == 0 ? new long[] {rows} : new long[] {rows, columns};
        tensors.merge(tensor, shape, (a, b) -> a[0] >= b[0] ? a : b);
    }
}
