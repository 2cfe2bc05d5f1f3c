package org.attune.trainers.grpo;

/// A token's whole loss: the policy's term and the pull to the reference. Aggregation over tokens
/// and rows is [Normaliser]'s.
///
/// @param loss the policy's term
/// @param sequenceLevel whether all tokens of a completion share one ratio, the exponential of
///     their mean log-ratio ([GSPO, 2025](https://arxiv.org/abs/2507.18071)); else each has its
///     own
/// @param beta `β`, weight of the KL estimate `k3 = exp(r) − r − 1`, `r = log π_ref − log π`
///     ([Shao et al. 2024, Eq. 4](https://arxiv.org/abs/2402.03300)); ≥ 0
/// @param correctsKl whether the KL estimate is multiplied by the importance ratio
///     ([DeepSeek-V3.2, 2025](https://arxiv.org/abs/2512.02556))
public record GrpoObjective(
        PolicyLoss loss, boolean sequenceLevel, double beta, boolean correctsKl) {

    /// What a completion adds.
    ///
    /// @param loss `Σ mask · (term + β KL)`
    /// @param slopes derivative of `loss` by each token's log-probability, `(T)`
    /// @param kl `Σ mask · KL`
    /// @param low number of counted tokens whose ratio was clipped from below
    /// @param high number of counted tokens whose ratio was clipped from above
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Result(double loss, double[] slopes, double kl, double low, double high) {}

    /// Evaluates one completion.
    public Result evaluate(CompletionScores row) {
        int tokens = row.tokens();
        double[] mask = row.mask();
        double counted = Math.max(1, row.counted());
        double[] logRatios = row.logRatios();
        double shared = sequenceLevel ? mean(logRatios, mask, counted) : 0;
        PolicyLoss form = this.loss;
        boolean ofProduct = form instanceof PolicyLoss.Vespo;
        double product = ofProduct ? PolicyLoss.Vespo.logProduct(logRatios, mask) : 0;
        double[] slopes = new double[tokens];
        double byShared = 0;
        double loss = 0;
        double klSum = 0;
        double low = 0;
        double high = 0;
        for (int t = 0; t < tokens; t++) {
            double logRatio = sequenceLevel ? shared : logRatios[t];
            PolicyLoss.Term term =
                    form.term(ofProduct ? product : logRatio, row.policy()[t], row.advantage());
            double weight = row.weights().isPresent() ? row.weights().get()[t] : 1;
            double byLogRatio = weight * term.byLogRatio();
            double byLogProb = weight * term.byLogProb();
            double value = weight * term.loss();
            if (beta != 0) {
                double r = row.reference().orElseThrow()[t] - row.policy()[t];
                double k3 = Math.expm1(r) - r;
                double ratio = correctsKl ? Math.exp(logRatio) : 1;
                double kl = ratio * k3;
                klSum += mask[t] * kl;
                value += beta * kl;
                byLogProb -= beta * ratio * Math.expm1(r);
                byLogRatio += correctsKl ? beta * kl : 0;
            }
            loss += mask[t] * value;
            slopes[t] += mask[t] * byLogProb;
            if (sequenceLevel) {
                byShared += mask[t] * byLogRatio;
            } else {
                slopes[t] += mask[t] * byLogRatio;
            }
            low += term.low() ? mask[t] : 0;
            high += term.high() ? mask[t] : 0;
        }
        if (sequenceLevel) {
            for (int t = 0; t < tokens; t++) {
                slopes[t] += byShared * mask[t] / counted;
            }
        }
        return new Result(loss, slopes, klSum, low, high);
    }

    private static double mean(double[] values, double[] mask, double counted) {
        double sum = 0;
        for (int t = 0; t < values.length; t++) {
            sum += mask[t] * values[t];
        }
        return sum / counted;
    }
}
