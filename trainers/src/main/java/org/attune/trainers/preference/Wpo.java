package org.attune.trainers.preference;

/// Weighted preference optimisation (arXiv 2406.11827): pairs that the policy itself would hardly
/// have sampled count less.
final class Wpo {
    private Wpo() {}

    /// Weight of a pair, a constant for the gradient: the product over its two completions of
    /// ```
    /// exp( mean_t ( log π(y_t) - log Σ_v π(v)² ) )
    /// ```
    ///
    /// @param chosen log-probabilities of the chosen tokens
    /// @param chosenLogSumSquares `log Σ_v π(v)²` at each chosen token
    /// @param rejected log-probabilities of the rejected tokens
    /// @param rejectedLogSumSquares `log Σ_v π(v)²` at each rejected token
    public static double weight(
            double[] chosen,
            double[] chosenLogSumSquares,
            double[] rejected,
            double[] rejectedLogSumSquares) {
        return Math.exp(mean(chosen, chosenLogSumSquares) + mean(rejected, rejectedLogSumSquares));
    }

    private static double mean(double[] logProbs, double[] logSumSquares) {
        double sum = 0;
        for (int t = 0; t < logProbs.length; t++) {
            sum += logProbs[t] - logSumSquares[t];
        }
        return sum / Math.max(1, logProbs.length);
    }
}
