package org.attune.trainers.grpo;

/// A completion's loss by the product of its tokens' ratios, clipped
/// ([Ahmadian et al. 2024](https://arxiv.org/abs/2402.14740), with PPO's bounds as in TRL).
/// ```
/// L = −min(ρ A, clip(ρ, 1 − ε, 1 + ε_high) A),     log ρ = Σ_t (log π_t − log π_old,t)
/// ```
/// The divergence from the reference is in the reward, so there is no KL term. The first term's
/// ratio overflows at log-ratios above 709; the loss is then not finite where `A < 0`, and the run
/// ends.
///
/// @param epsilon `ε`, ≥ 0
/// @param epsilonHigh `ε_high`, ≥ 0
record SequenceRatio(double epsilon, double epsilonHigh) implements CompletionLoss {
    @Override
    public Result evaluate(CompletionLogProbs row) {
        double[] mask = row.mask();
        double[] logRatios = row.logRatios();
        double sum = 0;
        for (int t = 0; t < mask.length; t++) {
            sum += mask[t] * logRatios[t];
        }
        return of(sum, row.advantage(), mask);
    }

    /// @param logRatio `log ρ`
    Result of(double logRatio, double advantage, double[] mask) {
        var clip = new PolicyLoss.Clipped(epsilon, epsilonHigh, Double.POSITIVE_INFINITY);
        PolicyLoss.Term term = clip.term(logRatio, 0, advantage);
        double[] slopes = new double[mask.length];
        for (int t = 0; t < mask.length; t++) {
            slopes[t] = mask[t] * term.byLogRatio();
        }
        return new Result(term.loss(), slopes, 0, term.low() ? 1 : 0, term.high() ? 1 : 0);
    }

    @Override
    public boolean countsCompletions() {
        return true;
    }

    @Override
    public double beta() {
        return 0;
    }
}
