package org.attune.trainers.grpo;

import org.attune.trainers.grpo.CompletionLogProbs.Divergence;

/// A completion's loss by the geometric mean of its tokens' clipped ratios
/// ([Zhao et al. 2025, GMPO](https://arxiv.org/abs/2507.20673)).
/// ```
/// L = −A exp(1/|y| Σ_t c_t) + β 1/|y| Σ_t k3_t
/// c_t = min(log ρ_t, ε_high) for A > 0,   max(log ρ_t, −ε) otherwise
/// ```
/// Bounds are of logarithms. `|y|` of the first sum are the chosen tokens that count, of the second
/// all that count. As in TRL's trainer, weights of tokens have no place here.
///
/// @param epsilon `ε`, ≥ 0
/// @param epsilonHigh `ε_high`, ≥ 0
/// @param beta `β`, weight of the KL estimate; ≥ 0
record GeometricMean(double epsilon, double epsilonHigh, double beta) implements CompletionLoss {
    @Override
    public Result evaluate(CompletionLogProbs row) {
        double[] mask = row.mask();
        double advantage = row.advantage();
        double[] logRatios = row.logRatios();
        double chosen = 0;
        double sum = 0;
        double low = 0;
        double high = 0;
        for (int t = 0; t < mask.length; t++) {
            double counts = row.isChosen(t) ? mask[t] : 0;
            chosen += counts;
            sum += counts * clipped(logRatios[t], advantage);
            low += logRatios[t] < -epsilon && advantage < 0 ? mask[t] : 0;
            high += logRatios[t] > epsilonHigh && advantage > 0 ? mask[t] : 0;
        }
        double ratio = Math.exp(sum / Math.max(1, chosen));
        double[] slopes = new double[mask.length];
        for (int t = 0; t < mask.length; t++) {
            boolean moves = row.isChosen(t) && moves(logRatios[t], advantage);
            slopes[t] = moves ? -ratio * advantage * mask[t] / Math.max(1, chosen) : 0;
        }
        double kl = beta == 0 ? 0 : pull(row, slopes);
        double loss = -ratio * advantage + beta * kl / Math.max(1, row.counted());
        return new Result(loss, slopes, kl, low, high);
    }

    private double clipped(double logRatio, double advantage) {
        return advantage > 0 ? Math.min(logRatio, epsilonHigh) : Math.max(logRatio, -epsilon);
    }

    private boolean moves(double logRatio, double advantage) {
        return advantage > 0 ? logRatio <= epsilonHigh : logRatio >= -epsilon;
    }

    /// Adds the pull's slopes and returns the sum of its estimates.
    private double pull(CompletionLogProbs row, double[] slopes) {
        double sum = 0;
        double counted = Math.max(1, row.counted());
        for (int t = 0; t < slopes.length; t++) {
            Divergence k3 = row.divergence(t);
            sum += row.mask()[t] * k3.value();
            slopes[t] += beta * row.mask()[t] * k3.slope() / counted;
        }
        return sum;
    }

    @Override
    public boolean countsCompletions() {
        return false;
    }
}
