package org.attune.trainers.online;

import org.attune.trainers.numerics.Logistic;
import org.attune.trainers.numerics.Ranges;

/// Loss of a pair of completions as a function of
/// ```
/// z = (log π(c) − log π(r)) − (log ref(c) − log ref(r))
/// ```
/// with log-probabilities summed over the tokens of the chosen `c` and the rejected `r`
/// ([Guo et al. 2024, Eq. 5 and §3.3](https://arxiv.org/abs/2402.04792)). Equal to TRL's.
sealed interface OnlinePairLoss {
    /// A loss with its derivative by `z`.
    record Value(double loss, double slope) {}

    Value of(double z);

    /// @param beta β > 0
    static OnlinePairLoss of(OnlineLossType type, double beta) {
        return switch (type) {
            case SIGMOID -> new Sigmoid(beta);
            case IPO -> new Ipo(beta);
        };
    }

    /// `−log σ(β z)`.
    record Sigmoid(double beta) implements OnlinePairLoss {
        public Sigmoid {
            Ranges.beta(beta);
        }

        @Override
        public Value of(double z) {
            return new Value(Logistic.softplus(-beta * z), -beta * Logistic.sigmoid(-beta * z));
        }
    }

    /// `(z − 1 / (2 β))²`, not divided by lengths, as in TRL's online trainer.
    record Ipo(double beta) implements OnlinePairLoss {
        public Ipo {
            Ranges.beta(beta);
        }

        @Override
        public Value of(double z) {
            double lack = z - 1 / (2 * beta);
            return new Value(lack * lack, 2 * lack);
        }
    }
}
