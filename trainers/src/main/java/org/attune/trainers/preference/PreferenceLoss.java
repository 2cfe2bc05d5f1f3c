package org.attune.trainers.preference;

import org.attune.trainers.numerics.Dual;
import org.attune.trainers.numerics.Ranges;

import java.util.Comparator;
import java.util.stream.IntStream;

/// Loss of preference pairs. In the formulas `β` is the strength of the pull to the reference,
/// `σ` the logistic function, `r` a log-ratio `log π(y|x) - log π_ref(y|x)`, `s` its score under
/// the [Divergence] (`s = r` for reverse KL), `w` and `l` chosen and rejected, `Δ = s_w - s_l`.
///
/// The formulas are TRL 1.16's; `docs/papers.md` says where those differ from the papers.
sealed interface PreferenceLoss {
    /// What these pairs add to the mean loss of their logical micro-batch, and the derivatives of
    /// that.
    ///
    /// @param batch the pairs; all of the micro-batch if [#couplesPairs], else any part of it
    /// @param whole size of the whole logical micro-batch
    Slopes evaluate(PairScores batch, Divergence divergence, Denominators whole);

    /// Whether a pair's derivative depends on the other pairs of its micro-batch, so that it can't
    /// be evaluated in parts.
    default boolean couplesPairs() {
        return false;
    }

    /// What the means of a logical micro-batch divide by; known before any forward pass.
    ///
    /// @param pairs number of pairs, at least 1
    /// @param chosenTokens number of chosen completion tokens
    record Denominators(int pairs, int chosenTokens) {}

    /// A loss that looks at one pair at a time; the micro-batch's loss is the mean.
    sealed interface Pairwise extends PreferenceLoss {
        Dual loss(Pair pair);

        @Override
        default Slopes evaluate(PairScores batch, Divergence divergence, Denominators whole) {
            int pairs = whole.pairs();
            double sum = 0;
            double[] chosen = new double[batch.size()];
            double[] rejected = new double[batch.size()];
            for (int i = 0; i < batch.size(); i++) {
                Dual loss = loss(Pair.of(batch, i, divergence)).times(batch.weights()[i]);
                sum += loss.value();
                chosen[i] = loss.byChosen() / pairs;
                rejected[i] = loss.byRejected() / pairs;
            }
            return new Slopes(sum / pairs, chosen, rejected, 0);
        }
    }

    /// The numbers of one preference pair that losses compare.
    ///
    /// @param chosenRatio `r_w`
    /// @param rejectedRatio `r_l`
    /// @param chosenScore `s_w`
    /// @param rejectedScore `s_l`
    /// @param chosenTokens length of the chosen completion, at least 1 (an empty one counts as 1)
    /// @param rejectedTokens length of the rejected completion, likewise
    record Pair(
            Dual chosenRatio,
            Dual rejectedRatio,
            Dual chosenScore,
            Dual rejectedScore,
            int chosenTokens,
            int rejectedTokens) {
        static Pair of(PairScores batch, int i, Divergence divergence) {
            Dual chosen = Dual.chosen(batch.chosenLogRatio(i));
            Dual rejected = Dual.rejected(batch.rejectedLogRatio(i));
            return new Pair(
                    chosen,
                    rejected,
                    divergence.score(chosen),
                    divergence.score(rejected),
                    Math.max(1, batch.chosenTokens()[i]),
                    Math.max(1, batch.rejectedTokens()[i]));
        }

        /// `Δ = s_w - s_l`.
        Dual delta() {
            return chosenScore.minus(rejectedScore);
        }
    }

    /// `-log σ(β Δ)` (DPO, arXiv 2305.18290, Eq. 7). With label smoothing `ε` the conservative
    /// `-(1-ε) log σ(β Δ) - ε log σ(-β Δ)` (cDPO), which TRL 1.16 dropped.
    ///
    /// @param beta β > 0
    /// @param labelSmoothing ε, share of pairs whose label is taken to be flipped; [0, 0.5)
    record Sigmoid(double beta, double labelSmoothing) implements Pairwise {
        public Sigmoid {
            Ranges.beta(beta);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public Dual loss(Pair pair) {
            return pair.delta().times(beta).logisticLoss(labelSmoothing);
        }
    }

    /// `max(0, 1 - β Δ)` (SLiC, arXiv 2305.10425, on log-ratios).
    record Hinge(double beta) implements Pairwise {
        public Hinge {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            return pair.delta().times(beta).negate().plus(1).relu();
        }
    }

    /// `(s_w/|y_w| - s_l/|y_l| - 1/(2β))²` (IPO, arXiv 2310.12036, Eq. 17, with scores averaged
    /// over tokens as its authors advise).
    record Ipo(double beta) implements Pairwise {
        public Ipo {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            return averaged(pair).minus(1 / (2 * beta)).square();
        }
    }

    /// `-log σ(β (s_w/|y_w| - s_l/|y_l|))`.
    record SigmoidNorm(double beta) implements Pairwise {
        public SigmoidNorm {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            return averaged(pair).times(beta).logSigmoid().negate();
        }
    }

    /// Reverse KL between the policy's preference `σ(β Δ)` and the smoothed label (EXO, arXiv
    /// 2402.00856, Eq. 16). As in TRL ε is rounded to float32, by at most 6e-8 of itself.
    ///
    /// @param labels the logarithms of the two labels
    record ExoPair(double beta, SmoothedLabels labels) implements Pairwise {
        public ExoPair {
            Ranges.beta(beta);
        }

        /// @param labelSmoothing ε in (0, 0.5); the loss is infinite at 0
        public ExoPair(double beta, double labelSmoothing) {
            this(beta, SmoothedLabels.of(labelSmoothing));
        }

        @Override
        public Dual loss(Pair pair) {
            Dual margin = pair.delta().times(beta);
            Dual flipped = margin.negate();
            return margin.sigmoid()
                    .times(margin.logSigmoid().minus(labels.logRight()))
                    .plus(flipped.sigmoid().times(flipped.logSigmoid().minus(labels.logFlipped())));
        }
    }

    /// `-log σ(β r_w) - ½ log σ(-β r_w) - ½ log σ(-β r_l)` (NCA, arXiv 2402.05369).
    record NcaPair(double beta) implements Pairwise {
        public NcaPair {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual chosen = pair.chosenRatio().times(beta);
            Dual rejected = pair.rejectedRatio().times(beta);
            return chosen.logSigmoid()
                    .plus(chosen.negate().logSigmoid().times(0.5))
                    .plus(rejected.negate().logSigmoid().times(0.5))
                    .negate();
        }
    }

    /// `(-(1-ε) log σ(β Δ) + ε log σ(-β Δ)) / (1 - 2ε)` (robust DPO, arXiv 2403.00409).
    record Robust(double beta, double labelSmoothing) implements Pairwise {
        public Robust {
            Ranges.beta(beta);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual margin = pair.delta().times(beta);
            return margin.logSigmoid()
                    .times(labelSmoothing - 1)
                    .plus(margin.negate().logSigmoid().times(labelSmoothing))
                    .over(1 - 2 * labelSmoothing);
        }
    }

    /// `-log σ(β r_w) - log σ(-β r_l)` (BCO for pairs, arXiv 2404.04656, without its
    /// moving reward shift).
    record BcoPair(double beta) implements Pairwise {
        public BcoPair {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            return pair.chosenRatio()
                    .times(beta)
                    .logSigmoid()
                    .plus(pair.rejectedRatio().times(-beta).logSigmoid())
                    .negate();
        }
    }

    /// `(r_w - 1/(2β))² + (r_l + 1/(2β))²` (SPPO with hard labels, arXiv 2405.00675, Eq. 4.7).
    record SppoHard(double beta) implements Pairwise {
        public SppoHard {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            double half = 1 / (2 * beta);
            return pair.chosenRatio()
                    .minus(half)
                    .square()
                    .plus(pair.rejectedRatio().plus(half).square());
        }
    }

    /// `1 - σ(β r_w) + σ(β r_l)`: lifts the chosen, lowers the rejected (APO-zero, arXiv
    /// 2408.06266, Eq. 7).
    record ApoZero(double beta) implements Pairwise {
        public ApoZero {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual chosen = pair.chosenRatio().times(beta).sigmoid();
            Dual rejected = pair.rejectedRatio().times(beta).sigmoid();
            return rejected.minus(chosen).plus(1);
        }
    }

    /// `σ(β r_w) + 1 - σ(β (r_w - r_l))`: lowers both, the rejected more (APO-down, arXiv
    /// 2408.06266, Eq. 8).
    record ApoDown(double beta) implements Pairwise {
        public ApoDown {
            Ranges.beta(beta);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual chosen = pair.chosenRatio().times(beta).sigmoid();
            Dual apart = pair.chosenRatio().minus(pair.rejectedRatio()).times(beta).sigmoid();
            return chosen.minus(apart).plus(1);
        }
    }

    /// `-(1-q) log σ(β Δ) + q exp(-β Δ)` with the gate `q = σ(β Δ / τ)` (DiscoPOP, arXiv
    /// 2406.08414, Eq. 5).
    ///
    /// @param tau τ > 0, temperature of the gate
    record DiscoPop(double beta, double tau) implements Pairwise {
        public DiscoPop {
            Ranges.beta(beta);
            Ranges.positive("discopop_tau", tau);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual margin = pair.delta().times(beta);
            Dual gate = margin.over(tau).sigmoid();
            Dual logistic = margin.logSigmoid().negate();
            // One exponential of both factors: alone exp(-β Δ) overflows where the gate is 0.
            Dual gated = margin.over(tau).logSigmoid().minus(margin).exp();
            return logistic.times(gate.negate().plus(1)).plus(gated);
        }
    }

    /// `-log σ(β (Δ - λ max(0, -r_w)))`: DPO with a penalty where the chosen completion became less
    /// likely than it was under the reference (DPO-Positive, arXiv 2402.13228). Not in TRL.
    ///
    /// @param lambda λ ≥ 0; 0 is plain DPO
    record Dpop(double beta, double lambda) implements Pairwise {
        public Dpop {
            Ranges.beta(beta);
            Ranges.notNegative("dpop_lambda", lambda);
        }

        @Override
        public Dual loss(Pair pair) {
            Dual penalty = pair.chosenRatio().negate().relu().times(lambda);
            return pair.delta().minus(penalty).times(beta).logSigmoid().negate();
        }
    }

    /// Logistic loss between the sorted margins of policy and reference (paired AOT, arXiv
    /// 2406.05882): stochastic dominance over the micro-batch instead of pair by pair.
    record Aot(double beta, double labelSmoothing) implements PreferenceLoss {
        public Aot {
            Ranges.beta(beta);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public boolean couplesPairs() {
            return true;
        }

        @Override
        public Slopes evaluate(PairScores batch, Divergence divergence, Denominators whole) {
            int pairs = whole.pairs();
            double[] policy = differences(batch.policyChosen(), batch.policyRejected());
            double[] reference = differences(batch.referenceChosen(), batch.referenceRejected());
            int[] policyOrder = ascending(policy);
            int[] referenceOrder = ascending(reference);
            double sum = 0;
            var slopes = Slopes.zero(pairs);
            for (int k = 0; k < pairs; k++) {
                int i = policyOrder[k];
                Dual margin =
                        Dual.chosen(batch.policyChosen()[i])
                                .minus(Dual.rejected(batch.policyRejected()[i]))
                                .minus(reference[referenceOrder[k]]);
                Dual loss = margin.times(beta).logisticLoss(labelSmoothing);
                sum += loss.value();
                slopes.chosen()[i] = loss.byChosen() / pairs;
                slopes.rejected()[i] = loss.byRejected() / pairs;
            }
            return new Slopes(sum / pairs, slopes.chosen(), slopes.rejected(), 0);
        }
    }

    /// Logistic loss between the sorted log-ratios of the chosen and of the rejected completions
    /// (unpaired AOT, arXiv 2406.05882).
    record AotUnpaired(double beta, double labelSmoothing) implements PreferenceLoss {
        public AotUnpaired {
            Ranges.beta(beta);
            Ranges.labelSmoothing(labelSmoothing, 0);
        }

        @Override
        public boolean couplesPairs() {
            return true;
        }

        @Override
        public Slopes evaluate(PairScores batch, Divergence divergence, Denominators whole) {
            int pairs = whole.pairs();
            int[] chosenOrder =
                    ascending(differences(batch.policyChosen(), batch.referenceChosen()));
            int[] rejectedOrder =
                    ascending(differences(batch.policyRejected(), batch.referenceRejected()));
            double sum = 0;
            var slopes = Slopes.zero(pairs);
            for (int k = 0; k < pairs; k++) {
                int i = chosenOrder[k];
                int j = rejectedOrder[k];
                Dual margin =
                        Dual.chosen(batch.chosenLogRatio(i))
                                .minus(Dual.rejected(batch.rejectedLogRatio(j)));
                Dual loss = margin.times(beta).logisticLoss(labelSmoothing);
                sum += loss.value();
                slopes.chosen()[i] = loss.byChosen() / pairs;
                slopes.rejected()[j] = loss.byRejected() / pairs;
            }
            return new Slopes(sum / pairs, slopes.chosen(), slopes.rejected(), 0);
        }
    }

    /// Negative log-likelihood of the chosen completions, averaged over the micro-batch's chosen
    /// *tokens* (TRL's `sft`; the second term of RPO and MPO). 0 without any token.
    record Sft() implements PreferenceLoss {
        @Override
        public Slopes evaluate(PairScores batch, Divergence divergence, Denominators whole) {
            int tokens = Math.max(1, whole.chosenTokens());
            double nll = 0;
            for (double pair : batch.chosenNll()) {
                nll += pair;
            }
            Slopes none = Slopes.zero(batch.size());
            return new Slopes(nll / tokens, none.chosen(), none.rejected(), -1.0 / tokens);
        }
    }

    private static Dual averaged(Pair pair) {
        return pair.chosenScore()
                .over(pair.chosenTokens())
                .minus(pair.rejectedScore().over(pair.rejectedTokens()));
    }

    private static double[] differences(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] - b[i]).toArray();
    }

    private static int[] ascending(double[] values) {
        return IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> values[i]))
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
