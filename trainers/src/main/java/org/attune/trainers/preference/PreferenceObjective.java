package org.attune.trainers.preference;

import org.attune.trainers.preference.PreferenceLoss.Denominators;

import java.util.List;
import java.util.OptionalDouble;

/// The whole objective of a DPO run: a weighted sum of losses (MPO, arXiv 2411.10442), the
/// divergence that turns log-ratios into scores, and how a completion's tokens are summed.
///
/// @param terms the losses; the objective is `Σ weight · mean loss`
/// @param divergence applied to log-ratios where the loss is defined on scores
/// @param lengthAlpha LD-DPO's `α` in [0, 1] (arXiv 2409.06411): tokens beyond the shorter
///     completion's length count `α` instead of 1; empty: all count 1
record PreferenceObjective(List<Term> terms, Divergence divergence, OptionalDouble lengthAlpha) {

    /// @param loss one loss
    /// @param weight its factor; finite
    public record Term(PreferenceLoss loss, double weight) {
        public Term {
            if (!Double.isFinite(weight)) {
                throw new IllegalArgumentException("loss_weights must be finite, got " + weight);
            }
        }
    }

    public PreferenceObjective {
        terms = List.copyOf(terms);
        if (terms.isEmpty()) {
            throw new IllegalArgumentException("an objective needs at least one loss");
        }
        double alpha = lengthAlpha.orElse(1);
        if (!(alpha >= 0 && alpha <= 1)) {
            throw new IllegalArgumentException("ld_alpha must be in [0, 1], got " + alpha);
        }
    }

    /// An objective of one loss on plain log-ratios.
    public static PreferenceObjective of(PreferenceLoss loss) {
        return new PreferenceObjective(
                List.of(new Term(loss, 1)), new Divergence.ReverseKl(), OptionalDouble.empty());
    }

    /// Whether a logical micro-batch must be evaluated as a whole.
    public boolean couplesPairs() {
        return terms.stream().anyMatch(t -> t.loss().couplesPairs());
    }

    /// Sums of the pairs' tokens.
    public PairScores scores(PairTokens batch) {
        int pairs = batch.pairs().size();
        var scores =
                new PairScores(
                        new double[pairs],
                        new double[pairs],
                        new double[pairs],
                        new double[pairs],
                        new int[pairs],
                        new int[pairs],
                        new double[pairs],
                        new double[pairs]);
        for (int i = 0; i < pairs; i++) {
            PairTokens.Pair pair = batch.pairs().get(i);
            int shared = Math.min(pair.chosen().length, pair.rejected().length);
            scores.policyChosen()[i] = sum(pair.chosen(), shared);
            scores.policyRejected()[i] = sum(pair.rejected(), shared);
            scores.referenceChosen()[i] = pair.reference().chosen();
            scores.referenceRejected()[i] = pair.reference().rejected();
            scores.chosenTokens()[i] = pair.chosen().length;
            scores.rejectedTokens()[i] = pair.rejected().length;
            scores.chosenNll()[i] = -sum(pair.chosen(), pair.chosen().length);
            scores.weights()[i] = pair.weight();
        }
        return scores;
    }

    /// The reference's side of a pair, from its log-probability of each token.
    public ReferenceLogProbs reference(double[] chosen, double[] rejected) {
        int shared = Math.min(chosen.length, rejected.length);
        return new ReferenceLogProbs(sum(chosen, shared), sum(rejected, shared));
    }

    /// What these pairs add to the objective's value for their logical micro-batch, with the
    /// derivatives by the sums in `scores`.
    ///
    /// @param whole size of the whole logical micro-batch
    public Slopes evaluate(PairScores scores, Denominators whole) {
        Slopes total = Slopes.zero(scores.size());
        for (Term term : terms) {
            total = total.plus(term.loss().evaluate(scores, divergence, whole), term.weight());
        }
        return total;
    }

    /// Derivative by the log-probability of token `t` of a pair's chosen completion.
    public double chosenToken(Slopes slopes, PairScores scores, int pair, int t) {
        int shared = Math.min(scores.chosenTokens()[pair], scores.rejectedTokens()[pair]);
        return slopes.chosen()[pair] * share(t, shared) + slopes.chosenToken();
    }

    /// Derivative by the log-probability of token `t` of a pair's rejected completion.
    public double rejectedToken(Slopes slopes, PairScores scores, int pair, int t) {
        int shared = Math.min(scores.chosenTokens()[pair], scores.rejectedTokens()[pair]);
        return slopes.rejected()[pair] * share(t, shared);
    }

    private double sum(double[] tokens, int shared) {
        double sum = 0;
        for (int t = 0; t < tokens.length; t++) {
            sum += tokens[t] * share(t, shared);
        }
        return sum;
    }

    private double share(int t, int shared) {
        return t < shared ? 1 : lengthAlpha.orElse(1);
    }
}
