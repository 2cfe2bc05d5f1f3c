package org.attune.trainers.sft;

/// How much a token counts in supervised fine-tuning: its loss is a weight times `-log p`, and the
/// weight is a constant in the derivative. A step's loss is the mean over the trained tokens of its
/// whole accumulation window: the sum of the messages' weights times the tokens' losses, divided by
/// the sum of the messages' weights, which are 1 unless messages have others. Without a trained
/// token it is 0.
///
/// `p` is the policy's probability of the target token, `log p` its natural logarithm.
public sealed interface SftLoss {
    /// Weight of one token.
    ///
    /// @param logProb `log p`
    /// @param topEntropy entropy among the most probable tokens, in nats; of any value where
    ///     [#readsTopEntropy] is false
    double weight(double logProb, double topEntropy);

    /// Whether [#weight] depends on the entropy among the most probable tokens.
    default boolean readsTopEntropy() {
        return false;
    }

    /// `1`: cross-entropy. With label smoothing `ε` the head reports, and takes the gradient of,
    /// `(1 − ε) log p + ε/V Σ log p(v)` in place of `log p`
    /// ([Szegedy et al. 2016](https://arxiv.org/abs/1512.00567), section 7).
    record Nll() implements SftLoss {
        @Override
        public double weight(double logProb, double topEntropy) {
            return 1;
        }
    }

    /// `p` (dynamic fine-tuning, arXiv 2508.05629, Eq. 9).
    record Dft() implements SftLoss {
        @Override
        public double weight(double logProb, double topEntropy) {
            return Math.exp(logProb);
        }
    }

    /// `(H/3)^α`: tokens that the policy rejects with confidence count little (entropy-adaptive
    /// fine-tuning, arXiv 2601.02151). `H` is the entropy among the 20 most probable tokens, which
    /// is at most `ln 20`, about 3.
    ///
    /// @param alpha `α`; ≥ 0, where 0 is [Nll]
    record Eaft(double alpha) implements SftLoss {
        private static final double LARGEST_ENTROPY = 3;

        @Override
        public double weight(double logProb, double topEntropy) {
            return Math.pow(Math.max(0, topEntropy) / LARGEST_ENTROPY, alpha); // rounding: below 0
        }

        @Override
        public boolean readsTopEntropy() {
            return true;
        }
    }
}
