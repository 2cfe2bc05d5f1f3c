package org.attune.model.layer;

/// How the routers of all layers divide the tokens of a sequence among `E` experts.
///
/// @param chosen how many times each expert is among the best by the routers' logits, `(E)`
/// @param probabilities sums of the experts' probabilities by a softmax of the logits, `(E)`
/// @param rows tokens times layers with a router
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record ExpertLoad(double[] chosen, double[] probabilities, long rows) {
    /// Adds two loads, of which one may have no experts yet.
    public ExpertLoad plus(ExpertLoad other) {
        return new ExpertLoad(
                sum(chosen, other.chosen()),
                sum(probabilities, other.probabilities()),
                rows + other.rows());
    }

    /// No tokens.
    public static ExpertLoad none() {
        return new ExpertLoad(new double[0], new double[0], 0);
    }

    private static double[] sum(double[] a, double[] b) {
        double[] sum = new double[Math.max(a.length, b.length)];
        for (int e = 0; e < sum.length; e++) {
            sum[e] = (e < a.length ? a[e] : 0) + (e < b.length ? b[e] : 0);
        }
        return sum;
    }

    /// The loss that balances experts, `E Σ_e f_e P_e` ([Fedus et al. 2021, Eq.
    /// 4–6](https://arxiv.org/abs/2101.03961)), where `f` is how many times an expert is chosen and
    /// `P` its probability, both means over rows. It is `k` where all experts are equal.
    ///
    /// @return 0 without rows
    public double loss() {
        double sum = 0;
        for (int e = 0; e < chosen.length; e++) {
            sum += chosen[e] * probabilities[e];
        }
        return rows == 0 ? 0 : chosen.length * sum / rows / rows;
    }

    /// Derivatives of [#loss] by `probabilities`, `(E)`. The choice has none.
    public double[] slopes() {
        double[] slopes = chosen.clone();
        for (int e = 0; e < slopes.length; e++) {
            slopes[e] *= rows == 0 ? 0 : (double) slopes.length / rows / rows;
        }
        return slopes;
    }
}
