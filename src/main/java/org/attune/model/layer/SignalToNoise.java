package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Chooses matrices whose singular values stand out from noise, Spectrum's
/// ([Hartford et al. 2024](https://arxiv.org/abs/2406.06623)). With singular values `s` of a matrix
/// with the sides `n ≤ m`:
/// ```
/// σ     = (quartile₃(s) − quartile₁(s)) / 1.349
/// ε     = σ (1 + √(n/m))                         Marchenko and Pastur's upper bound of noise
/// ratio = Σ {s > ε} / Σ {s ≤ ε} / max s
/// ```
final class SignalToNoise {
    private static final double QUARTILES_OF_NORMAL = 1.349; // between them, in σ

    private SignalToNoise() {}

    private record Measured(String name, double ratio) {}

    /// Names of the weights to train: of each kind of matrix in the blocks the share with the
    /// highest ratio, rounded down, and the embedding and the output layer.
    ///
    /// @param share in (0, 1]
    static Set<String> best(Decoder decoder, double share) {
        Map<String, List<Measured>> kinds = new TreeMap<>();
        for (FusedLinear linear : decoder.blockLinears()) {
            for (int i = 0; i < linear.parts().size(); i++) {
                String path = linear.parts().get(i).path();
                double ratio = ratio(linear, i);
                kinds.computeIfAbsent(path.replaceAll("\\.\\d+", ""), _ -> new ArrayList<>())
                        .add(new Measured(path + ".weight", ratio));
            }
        }
        Set<String> names = new HashSet<>();
        names.add(decoder.embedding().name());
        names.add(decoder.output().weight().name());
        for (List<Measured> kind : kinds.values()) {
            kind.stream()
                    .sorted(Comparator.comparingDouble(Measured::ratio).reversed())
                    .limit((long) (kind.size() * share))
                    .forEach(measured -> names.add(measured.name()));
        }
        return names;
    }

    private static double ratio(FusedLinear linear, int part) {
        try (var _ = TensorScope.open("spectrum")) {
            return ratio(linear.weight(part));
        }
    }

    /// @param matrix `(out, in)`
    static double ratio(Tensor matrix) {
        try (var _ = TensorScope.open("svd")) {
            float[] s = matrix.to(DType.FLOAT32).svd()[1].toFloats();
            double sides = (double) Math.min(matrix.size(0), matrix.size(1));
            return ratio(s, sides / Math.max(matrix.size(0), matrix.size(1)));
        }
    }

    /// @param singular singular values
    /// @param sides the shorter side's length by the longer one's
    static double ratio(float[] singular, double sides) {
        float[] s = singular.clone();
        Arrays.sort(s);
        double sigma = (quantile(s, 0.75) - quantile(s, 0.25)) / QUARTILES_OF_NORMAL;
        double most = sigma * (1 + Math.sqrt(sides));
        double signal = 0;
        double noise = 0;
        for (float value : s) {
            if (value > most) {
                signal += value;
            } else {
                noise += value;
            }
        }
        return signal / noise / s[s.length - 1];
    }

    /// As PyTorch's `quantile`, linear between neighbours.
    ///
    /// @param sorted ascending
    private static double quantile(float[] sorted, double share) {
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
