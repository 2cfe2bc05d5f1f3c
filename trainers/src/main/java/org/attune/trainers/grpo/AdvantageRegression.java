package org.attune.trainers.grpo;

/// A completion's loss by the optimal advantage that its log-ratio to the reference is to reach
/// ([A*-PO, Brantley et al. 2025, stage 2](https://arxiv.org/abs/2505.20686)):
/// ```
/// L = (β₂ Σ_t (log π_t − log π_ref,t) − A)²,    A = r − V*
/// ```
/// with `V*` of [OptimalValues]. The step's loss is the mean over completions. A completion of
/// which no token counts has no loss.
///
/// @param beta2 `β₂`, > 0
record AdvantageRegression(double beta2) implements CompletionLoss {
    /// How much better than the reference the policy takes a completion to be.
    double implicitReward(CompletionLogProbs row) {
        double[] reference = row.reference().orElseThrow();
        double sum = 0;
        for (int t = 0; t < reference.length; t++) {
            sum += row.mask()[t] * (row.policy()[t] - reference[t]);
        }
        return beta2 * sum;
    }

    @Override
    public Result evaluate(CompletionLogProbs row) {
        double apart = row.counted() == 0 ? 0 : implicitReward(row) - row.advantage();
        double[] slopes = new double[row.tokens()];
        for (int t = 0; t < slopes.length; t++) {
            slopes[t] = 2 * beta2 * apart * row.mask()[t];
        }
        return new Result(apart * apart, slopes, 0, 0, 0);
    }

    @Override
    public boolean countsCompletions() {
        return true;
    }

    /// The divergence counts in the square, not beside it.
    @Override
    public double beta() {
        return 0;
    }
}
