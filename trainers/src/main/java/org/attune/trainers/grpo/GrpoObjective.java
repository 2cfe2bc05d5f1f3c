package org.attune.trainers.grpo;

import org.attune.trainers.grpo.CompletionLogProbs.Divergence;

import java.util.Arrays;

/// A completion's loss, token by token: the policy's term and the pull to the reference.
///
/// Tokens that were not chosen have no policy term and keep their pull, as in TRL. With
/// [PolicyLoss.KlCov] they are the ones without a penalty.
///
/// @param loss the policy's term
/// @param level whose ratio a token's term has
/// @param beta `β`, weight of the KL estimate `k3 = exp(r) − r − 1`, `r = log π_ref − log π`
///     ([Shao et al. 2024, Eq. 4](https://arxiv.org/abs/2402.03300)); ≥ 0
/// @param correctsKl whether the KL estimate is multiplied by the importance ratio
///     ([DeepSeek-V3.2, 2025](https://arxiv.org/abs/2512.02556))
record GrpoObjective(
        PolicyLoss loss, ImportanceSamplingLevel level, double beta, boolean correctsKl)
        implements CompletionLoss {

    /// @return `Σ mask · (term + β KL)`
    @Override
    public Result evaluate(CompletionLogProbs row) {
        double[] mask = row.mask();
        double counted = Math.max(1, row.counted());
        double[] logRatios = row.logRatios();
        double[] used = used(logRatios, mask, counted); // (T)
        double[] ofTerm = ofTerm(row, logRatios, used); // (T)
        double[] slopes = new double[row.tokens()];
        var sums = new Sums();
        for (int t = 0; t < slopes.length; t++) {
            PolicyLoss.Term term = term(row, t, ofTerm[t]);
            double byLogRatio = term.byLogRatio();
            double byLogProb = term.byLogProb();
            double value = term.loss();
            if (beta != 0) {
                Divergence k3 = row.divergence(t);
                double ratio = correctsKl ? Math.exp(used[t]) : 1;
                sums.kl += mask[t] * ratio * k3.value();
                value += beta * ratio * k3.value();
                byLogProb += beta * ratio * k3.slope();
                byLogRatio += correctsKl ? beta * ratio * k3.value() : 0;
            }
            sums.loss += mask[t] * value;
            sums.byShared += mask[t] * byLogRatio;
            slopes[t] = mask[t] * (byLogProb + (isShared() ? 0 : byLogRatio));
            sums.low += term.low() ? mask[t] : 0;
            sums.high += term.high() ? mask[t] : 0;
        }
        for (int t = 0; isShared() && t < slopes.length; t++) {
            slopes[t] += sums.byShared * mask[t] / counted;
        }
        if (isShared()) { // also where no token counts, and the ratio is 1
            PolicyLoss.Term one = loss.term(mean(logRatios, mask, counted), 0, row.advantage());
            sums.low = one.low() ? 1 : 0;
            sums.high = one.high() ? 1 : 0;
        }
        return new Result(sums.loss, slopes, sums.kl, sums.low, sums.high);
    }

    private static final class Sums {
        double loss;
        double kl;
        double low;
        double high;
        double byShared;
    }

    private boolean isShared() {
        return level == ImportanceSamplingLevel.SEQUENCE;
    }

    @Override
    public boolean countsCompletions() {
        return isShared();
    }

    /// Logarithms of the ratios by the level, `(T)`.
    private double[] used(double[] logRatios, double[] mask, double counted) {
        if (level == ImportanceSamplingLevel.TOKEN) {
            return logRatios;
        }
        double[] shared = new double[logRatios.length];
        Arrays.fill(shared, mean(logRatios, mask, counted));
        return shared;
    }

    private static double mean(double[] logRatios, double[] mask, double counted) {
        double sum = 0;
        for (int t = 0; t < logRatios.length; t++) {
            sum += mask[t] * logRatios[t];
        }
        return sum / counted;
    }

    private double[] ofTerm(CompletionLogProbs row, double[] logRatios, double[] used) {
        if (!(loss instanceof PolicyLoss.Vespo)) {
            return used;
        }
        double[] product = new double[used.length];
        Arrays.fill(product, PolicyLoss.Vespo.logProduct(row, logRatios));
        return product;
    }

    private PolicyLoss.Term term(CompletionLogProbs row, int t, double logRatio) {
        double advantage = row.advantage(t);
        if (loss instanceof PolicyLoss.KlCov cov) {
            PolicyLoss.Term term =
                    row.isChosen(t)
                            ? cov.penalised(logRatio, advantage)
                            : cov.term(logRatio, row.policy()[t], advantage);
            return term.times(row.weight(t));
        }
        return loss.term(logRatio, row.policy()[t], advantage)
                .times(row.isChosen(t) ? row.weight(t) : 0);
    }
}
