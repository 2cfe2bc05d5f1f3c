package org.attune.trainers.grpo;

import org.attune.trainers.grpo.CompletionLogProbs.Divergence;

import java.util.List;

/// A completion's loss where rewards are labels of a classification ([REAL, Zhai et al.
/// 2026](https://arxiv.org/abs/2602.05630)). The logit of a completion is how much likelier it has
/// become, a token:
/// ```
/// s_k = 1/|y_k| Σ_t log ρ_kt
/// L   = log(1 + Σ_{k right} exp(−s_k / τ)) + log(1 + Σ_{k wrong} exp(s_k / τ))
/// ```
/// The slope by a logit is at most `1 / τ`. Right are those of a group that are better than its
/// mean, as in ms-swift: with rewards of 0 and 1 the ones with 1. A group in which all are alike
/// has no loss. The step's loss is the mean of its groups', with `β` times the KL estimate `k3`:
/// the mean over completions of their means over tokens.
///
/// @param tau `τ`, > 0
/// @param beta `β`, weight of the KL estimate; ≥ 0
record RewardLabels(double tau, double beta) implements CompletionLoss {
    /// What a completion has of its group's loss, times the completions of the group.
    ///
    /// @param loss of those with its label, divided by their number
    /// @param slope derivative of the group's loss by the completion's logit
    record Share(double loss, double slope) {
        private static final Share NONE = new Share(0, 0);
    }

    /// The logit of a completion.
    static double logit(CompletionLogProbs row) {
        double[] logRatios = row.logRatios();
        double sum = 0;
        for (int t = 0; t < logRatios.length; t++) {
            sum += row.mask()[t] * logRatios[t];
        }
        return sum / Math.max(1, row.counted());
    }

    /// The share of a completion in its group's loss.
    ///
    /// @param group all completions of its prompt that are learned from at once, itself among them
    Share share(CompletionLogProbs row, List<CompletionLogProbs> group) {
        List<CompletionLogProbs> labelled = group.stream().filter(r -> r.counted() > 0).toList();
        long right = labelled.stream().filter(RewardLabels::isRight).count();
        if (row.counted() == 0 || right == 0 || right == labelled.size()) {
            return Share.NONE;
        }
        double sign = isRight(row) ? -1 : 1;
        double[] alike = // the logits of one label, so signed that they are to fall
                labelled.stream()
                        .filter(r -> isRight(r) == isRight(row))
                        .mapToDouble(r -> sign * logit(r) / tau)
                        .toArray();
        double largest = 0; // of the anchor
        for (double logit : alike) {
            largest = Math.max(largest, logit);
        }
        double sum = Math.exp(-largest);
        for (double logit : alike) {
            sum += Math.exp(logit - largest);
        }
        double log = largest + Math.log(sum);
        double own = Math.exp(sign * logit(row) / tau - log);
        return new Share(labelled.size() * log / alike.length, labelled.size() * sign * own / tau);
    }

    private static boolean isRight(CompletionLogProbs row) {
        return row.advantage() > 0;
    }

    @Override
    public Result evaluate(CompletionLogProbs row) {
        Share share = row.share().orElseThrow();
        double counted = Math.max(1, row.counted());
        double[] slopes = new double[row.tokens()];
        double kl = 0;
        for (int t = 0; t < slopes.length; t++) {
            slopes[t] = share.slope() * row.mask()[t] / counted;
            if (beta != 0) {
                Divergence k3 = row.divergence(t);
                kl += row.mask()[t] * k3.value();
                slopes[t] += beta * row.mask()[t] * k3.slope() / counted;
            }
        }
        return new Result(share.loss() + beta * kl / counted, slopes, kl, 0, 0);
    }

    @Override
    public boolean countsCompletions() {
        return true;
    }
}
