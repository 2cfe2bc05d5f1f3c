package org.attune.model.source;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.NormConfig;
import org.attune.model.config.TensorNames;
import org.attune.model.source.GgufWeights.Made;
import org.attune.model.source.GgufWeights.Recipe;
import org.attune.model.source.GgufWeights.Rows;

import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Collects of which tensors of a GGUF file each weight of a model is made. What is said here once
/// is read in both directions: each rule can be turned round.
final class GgufRules {
    /// Tensors that the configuration is made of.
    private static final Set<String> POSITIONS =
            Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

    private final GgufTable table;
    private final DecoderConfig config;
    private final TensorNames names;
    private final Map<String, Made> made = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>(POSITIONS);

    GgufRules(GgufTable table, DecoderConfig config) {
        this.table = table;
        this.config = config;
        this.names = config.names();
    }

    GgufTable table() {
        return table;
    }

    Map<String, Made> made() {
        return made;
    }

    boolean uses(String tensor) {
        return used.contains(tensor);
    }

    boolean has(String tensor) {
        return table.has(tensor);
    }

    long[] shape(String tensor) {
        return table.shape(tensor);
    }

    /// Gives a weight that is there another shape of as many numbers.
    void reshape(String name, long... shape) {
        made.computeIfPresent(name, (_, m) -> new Made(m.recipe(), shape));
    }

    /// A tensor with which nothing is computed, though files may have it.
    ///
    /// @param shape of zeros in files that are written; empty: they don't have it
    void unused(String tensor, long... shape) {
        used.add(tensor);
        if (shape.length > 0) {
            table.fill(tensor, shape);
        }
    }

    /// A matrix of which a file that is written has another number of rows: fewer, or copies of the
    /// first one behind the others.
    void rows(String name, String tensor, long inFile) {
        long[] own = table.weight(name);
        if (own.length == 2) {
            table.fill(tensor, inFile, own[1]);
            rows(name, List.of(new Rows(tensor, 0, Math.min(own[0], inFile))));
        } else {
            same(name, tensor);
        }
    }

    /// All rows of a tensor.
    Rows whole(String tensor) {
        long[] shape = shape(tensor);
        long columns = shape.length < 2 ? 1 : shape[shape.length - 1];
        long count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        return new Rows(tensor, 0, columns == 0 ? 0 : count / columns);
    }

    /// Whether a file that is read has a tensor of so many rows; a file to be written will.
    boolean fits(String tensor, long rows) {
        return table.plans() || whole(tensor).count() == rows;
    }

    /// A linear layer or an embedding, with its bias.
    void module(String path, String tensor) {
        if (names.transposed() && path.startsWith(names.trunk() + "." + names.layers() + ".")) {
            turned(path + ".weight", tensor + ".weight");
        } else {
            same(path + ".weight", tensor + ".weight");
        }
        same(path + ".bias", tensor + ".bias");
    }

    /// A matrix that the family's files hold as `(in, out)`.
    private void turned(String name, String tensor) {
        long[] own = table.weight(name);
        long[] shape = own.length == 2 ? new long[] {own[1], own[0]} : shape(tensor);
        if (shape.length == 2 && shape[0] * shape[1] > 0) {
            int rows = Math.toIntExact(shape[0]);
            int columns = Math.toIntExact(shape[1]);
            computed(
                    name,
                    List.of(tensor),
                    new long[][] {shape},
                    new long[] {columns, rows},
                    all -> new float[][] {transposed(all[0], rows, columns)},
                    all -> new float[][] {transposed(all[0], columns, rows)});
        }
    }

    private static float[] transposed(float[] matrix, int rows, int columns) {
        float[] result = new float[matrix.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                result[column * rows + row] = matrix[row * columns + column];
            }
        }
        return result;
    }

    void same(String name, String tensor) {
        long[] own = table.weight(name);
        if (own.length > 0) {
            shaped(name, tensor, own, own);
        } else if (has(tensor)) {
            shaped(name, tensor, shape(tensor), shape(tensor));
        }
    }

    /// A tensor with another shape of as many numbers.
    ///
    /// @param inFile what files that are written have
    /// @param shape  of the weight
    void shaped(String name, String tensor, long[] inFile, long... shape) {
        if (table.weight(name).length > 0) {
            table.plan(tensor, inFile);
        }
        if (has(tensor) && (!table.plans() || table.weight(name).length > 0)) {
            used.add(tensor);
            made.put(name, new Made(new Recipe.Joined(List.of(whole(tensor))), shape));
        }
    }

    /// Rows of a linear layer, with those of its bias.
    void split(String path, String tensor, long first, long count) {
        rows(path + ".weight", List.of(new Rows(tensor + ".weight", first, count)));
        if (has(tensor + ".bias") || table.weight(path + ".bias").length > 0) {
            rows(path + ".bias", List.of(new Rows(tensor + ".bias", first, count)));
        }
    }

    /// Rows of matrices with as many columns, or of vectors.
    void rows(String name, List<Rows> parts) {
        long[] own = table.weight(name);
        if (table.plans()) {
            if (own.length == 0) {
                return;
            }
            long columns = own.length < 2 ? 0 : own[own.length - 1];
            parts.forEach(p -> table.planRows(p.tensor(), p.first() + p.count(), columns));
        }
        long count = 0;
        for (Rows part : parts) {
            if (!has(part.tensor()) || part.first() + part.count() > whole(part.tensor()).count()) {
                return; // the loader names the missing weight
            }
            used.add(part.tensor());
            count += part.count();
        }
        long[] first = shape(parts.getFirst().tensor());
        long[] shape =
                first.length < 2 ? new long[] {count} : new long[] {count, first[first.length - 1]};
        made.put(name, new Made(new Recipe.Joined(List.copyOf(parts)), shape));
    }

    /// One matrix of a tensor that holds a list of them.
    ///
    /// @param part  of the `parts` of each matrix that the tensor holds
    void ofStack(String path, String tensor, int count, int index, int part, int parts) {
        long[] own = table.weight(path + ".weight");
        if (own.length == 2) {
            table.plan(tensor + ".weight", count, own[0] * parts, own[1]);
        }
        long[] ownBias = table.weight(path + ".bias");
        if (ownBias.length == 1) {
            table.plan(tensor + ".bias", count, ownBias[0]);
        }
        long[] shape = shape(tensor + ".weight");
        if (shape.length == 3 && shape[0] == count && shape[1] % parts == 0) {
            long rows = shape[1] / parts;
            long first = index * shape[1] + part * rows;
            List<Rows> weight = List.of(new Rows(tensor + ".weight", first, rows));
            ofStack(path + ".weight", tensor + ".weight", weight, rows, shape[2]);
            long[] bias = shape(tensor + ".bias");
            if (parts == 1 && bias.length == 2 && bias[0] == count) {
                List<Rows> one = List.of(new Rows(tensor + ".bias", index, 1));
                ofStack(path + ".bias", tensor + ".bias", one, bias[1]);
            }
        }
    }

    private void ofStack(String name, String tensor, List<Rows> rows, long... shape) {
        used.add(tensor);
        made.put(name, new Made(new Recipe.Joined(rows), shape));
    }

    /// Numbers that are computed, if the file's tensors have the expected shapes.
    ///
    /// @param rule the weight's of the tensors'
    /// @param back the tensors' of the weight's
    void computed(
            String name,
            List<String> tensors,
            long[][] shapes,
            long[] shape,
            UnaryOperator<float[][]> rule,
            UnaryOperator<float[][]> back) {
        boolean there = table.weight(name).length > 0;
        for (int i = 0; i < shapes.length; i++) {
            if (there) {
                table.plan(tensors.get(i), shapes[i]);
            }
            if (!Arrays.equals(shape(tensors.get(i)), shapes[i])) {
                return; // the loader names the missing weight
            }
        }
        used.addAll(tensors);
        made.put(name, new Made(new Recipe.Computed(tensors, rule, back), shape));
    }

    /// Numbers that metadata have.
    void said(String name, float number, long... shape) {
        UnaryOperator<float[][]> none = _ -> new float[0][];
        made.put(
                name,
                new Made(
                        new Recipe.Computed(List.of(), _ -> new float[][] {{number}}, none),
                        shape));
    }

    /// A norm of the kind that blocks have: llama.cpp's converters add to weights what is added
    /// where others compute.
    void norm(String path, String tensor) {
        float offset =
                switch (config.block().norm()) {
                    case NormConfig.Rms rms -> (float) rms.offset();
                    case NormConfig.Layer layer -> (float) layer.offset();
                    case NormConfig.Bare _ -> 0;
                };
        if (offset == 0) {
            plainNorm(path, tensor);
            return;
        }
        String weight = tensor + ".weight";
        long[] own = table.weight(path + ".weight");
        long[] shape = own.length > 0 ? own : shape(weight);
        if (own.length > 0 || !table.plans() && has(weight)) {
            computed(
                    path + ".weight",
                    List.of(weight),
                    new long[][] {shape},
                    shape,
                    all -> added(all, -offset),
                    all -> added(all, offset));
        }
        same(path + ".bias", tensor + ".bias");
    }

    private static float[][] added(float[][] all, float number) {
        for (int i = 0; i < all[0].length; i++) {
            all[0][i] += number;
        }
        return all;
    }

    void plainNorm(String path, String tensor) {
        // Falcon-H1's files call some without an ending.
        same(path + ".weight", table.chooses(tensor) ? tensor : tensor + ".weight");
        same(path + ".bias", tensor + ".bias");
    }
}
