package org.attune.trainers.sft;

/// Loss of supervised fine-tuning, token by token. A step's loss is the mean over the trained
/// tokens of its whole accumulation window: the sum of weight times loss, divided by the sum of
/// weights, which are 1 unless messages have others. Without a trained token it is 0.
///
/// `p` is the policy's probability of the target token, `log p` its natural logarithm.
public sealed interface SftLoss {
    /// Loss of one token.
    double loss(double logProb);

    /// Derivative of [#loss] by `log p`, where what the loss treats as a constant stays one.
    double slope(double logProb);

    /// `-log p`: cross-entropy. With label smoothing `ε` the head reports, and takes the gradient
    /// of, `(1 − ε) log p + ε/V Σ log p(v)` in place of `log p`
    /// ([Szegedy et al. 2016](https://arxiv.org/abs/1512.00567), section 7).
    record Nll() implements SftLoss {
        @Override
        public double loss(double logProb) {
            return -logProb;
        }

        @Override
        public double slope(double logProb) {
            return -1;
        }
    }

    /// `-sg(p) log p` with the probability as a constant weight `sg(p)` (dynamic fine-tuning, arXiv
    /// 2508.05629, Eq. 9).
    record Dft() implements SftLoss {
        @Override
        public double loss(double logProb) {
            return -Math.exp(logProb) * logProb;
        }

        @Override
        public double slope(double logProb) {
            return -Math.exp(logProb);
        }
    }
}
