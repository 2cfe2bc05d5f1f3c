package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraOptions;
import org.attune.adapter.LoraTarget;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How LoRA begins by the gradient of its module's weight ([Wang et al. 2024, Theorem 3.1 and
/// Algorithm 1](https://arxiv.org/abs/2407.05000)): of the gradient's largest `2r` singular
/// directions `A` gets `r` on the right and `B` others on the left, and the base is without `s B A`
/// ([StartingUpdates]).
final class GradientStart {
    private static final int ITERATIONS = 4;

    private final Map<String, Matrices> starts;

    /// @param a `(r, in)`, row by row
    /// @param b `(out, r)`
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Matrices(float[] a, float[] b) {}

    private GradientStart(Map<String, Matrices> starts) {
        this.starts = starts;
    }

    /// Takes gradients of the loss of all tokens, and their directions.
    ///
    /// @param decoder whose base learns nothing; has no adapter yet
    /// @param batches token ids of sequences
    /// @throws ConfigException if a weight has fewer than `2r` directions
    static GradientStart of(
            Decoder decoder,
            LoraConfig asked,
            List<List<int[]>> batches,
            UniformRandomProvider random) {
        List<String> paths =
                decoder.linears().stream()
                        .flatMap(l -> l.parts().stream())
                        .map(FusedLinear.Part::path)
                        .toList();
        Map<String, LoraTarget> targets = new LinkedHashMap<>();
        for (AdapterTarget target : asked.matchAll(paths)) {
            targets.put(target.path(), (LoraTarget) target);
        }
        try (var _ = TensorScope.open("gradients")) {
            Map<String, Tensor> gradients = WeightGradients.of(decoder, targets, batches);
            Map<String, Matrices> starts = new HashMap<>();
            for (FusedLinear linear : decoder.linears()) {
                for (int i = 0; i < linear.parts().size(); i++) {
                    LoraTarget target = targets.get(linear.parts().get(i).path());
                    if (target != null) {
                        try (var _ = TensorScope.open("start")) {
                            Tensor weight = decoder.weight(linear, i);
                            Tensor gradient = gradients.get(target.path());
                            starts.put(
                                    target.path(),
                                    start(
                                            target,
                                            asked.options().loraGa(),
                                            gradient,
                                            weight,
                                            random));
                        }
                    }
                }
            }
            return new GradientStart(starts);
        }
    }

    private static Matrices start(
            LoraTarget target,
            LoraOptions.LoraGa how,
            Tensor gradient,
            Tensor weight,
            UniformRandomProvider random) {
        int r = target.rank();
        Tensor g = onHost(gradient);
        long most = Math.min(g.size(0), g.size(1));
        StartingUpdates.requireDirections(target, g, LoraInitialisation.LORA_GA);
        Tensor[] usv = decomposed(g, Math.min(4L * r, most), random);
        float[] singular = usv[1].toFloats();
        int[] left = how.direction().left(r, random);
        int[] right = how.direction().right(r, left);
        double factor = factor(target, how, singular[left[0]], weight, random);
        boolean steps = how.scale() == LoraOptions.LoraGa.Scale.GD_SCALE;
        float[] a = rows(usv[2].t(), right, steps ? 1 / target.scaling() : 1);
        double[] factors = new double[r];
        for (int k = 0; k < r; k++) {
            factors[k] = factor * singular[left[k]];
        }
        return new Matrices(a, columns(usv[0], left, factors));
    }

    private static double factor(
            LoraTarget target,
            LoraOptions.LoraGa how,
            double largest,
            Tensor weight,
            UniformRandomProvider random) {
        return switch (how.scale()) {
            case STABLE -> Math.pow(weight.size(0), 0.25) / Math.sqrt(how.gamma());
            case GD_SCALE -> 1 / target.scaling();
            case UNIT -> 1;
            case WEIGHT_SVD ->
                    largest > 0
                            ? decomposed(onHost(weight), target.rank(), random)[1].toFloats()[0]
                                    / largest
                            : 1;
        };
    }

    private static Tensor onHost(Tensor matrix) {
        return Tensor.empty(Device.cpu(), DType.FLOAT32, matrix.shape()).copyInPlace(matrix);
    }

    private static Tensor[] decomposed(Tensor matrix, long count, UniformRandomProvider random) {
        long most = Math.min(matrix.size(0), matrix.size(1));
        return count >= most
                ? matrix.svd()
                : SingularDirections.of(matrix, (int) count, ITERATIONS, random);
    }

    private static float[] rows(Tensor matrix, int[] chosen, double factor) {
        float[] all = matrix.contiguous().toFloats();
        int width = (int) matrix.size(1);
        float[] rows = new float[chosen.length * width];
        for (int k = 0; k < chosen.length; k++) {
            for (int i = 0; i < width; i++) {
                rows[k * width + i] = (float) (factor * all[chosen[k] * width + i]);
            }
        }
        return rows;
    }

    private static float[] columns(Tensor matrix, int[] chosen, double[] factors) {
        float[] all = matrix.contiguous().toFloats();
        int width = (int) matrix.size(1);
        int height = (int) matrix.size(0);
        float[] columns = new float[height * chosen.length];
        for (int i = 0; i < height; i++) {
            for (int k = 0; k < chosen.length; k++) {
                columns[i * chosen.length + k] = (float) (factors[k] * all[i * width + chosen[k]]);
            }
        }
        return columns;
    }

    /// Writes the first values of an adapter [without any][AdapterStart#unwritten].
    void begin(Policy policy) {
        FlatParameters flat = policy.parameters();
        StartingUpdates start = flat.start().orElseThrow();
        try (var _ = TensorScope.open("start")) {
            for (ParameterSpace.Parameter p : flat.parameters()) {
                starts.forEach(
                        (path, own) -> {
                            boolean isA = p.name().endsWith("." + path + ".lora_A.weight");
                            if (isA || p.name().endsWith("." + path + ".lora_B.weight")) {
                                flat.write(p, isA ? own.a() : own.b());
                                start.of(p).copyInPlace(flat.value(p));
                            }
                        });
            }
        }
        flat.valuesChanged();
    }
}
