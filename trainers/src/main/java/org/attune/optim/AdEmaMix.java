package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.OptionalInt;

/// AdEMAMix ([Pagliardini et al. 2024](https://arxiv.org/abs/2409.03137), Alg. 1), as
/// bitsandbytes has it: AdamW with a second, slower mean of the gradients.
/// ```
/// m₁ ← β₁ m₁ + (1 - β₁) g     m₂ ← β₃ m₂ + (1 - β₃) g     v ← β₂ v + (1 - β₂) g²
/// θ ← θ (1 - γ λ) - γ (m₁ / (1 - β₁ᵗ) + α m₂) / (√v / √(1 - β₂ᵗ) + ε)
/// ```
///
/// @param beta1 β₁, [0, 1)
/// @param beta2 β₂, [0, 1)
/// @param epsilon ε, ≥ 0
/// @param slow the slower mean
record AdEmaMix(double beta1, double beta2, double epsilon, Slow slow) implements ElementFormula {
    private static final Moment SLOW = new Moment("exp_avg_slow", true);

    /// The slower mean's settings.
    ///
    /// @param beta3 β₃, decay, [0, 1)
    /// @param alpha α, weight, ≥ 0
    /// @param alphaSteps steps in which α rises from 0; unset: it is there at once
    /// @param betaSteps steps in which β₃ rises from β₁, evenly in its half-life; unset: at once
    public record Slow(double beta3, double alpha, OptionalInt alphaSteps, OptionalInt betaSteps) {
        public Slow {
            Ranges.decay("beta3", beta3);
            Ranges.notNegative("alpha", alpha);
        }

        /// bitsandbytes' defaults.
        public static Slow defaults() {
            return new Slow(0.9999, 5, OptionalInt.empty(), OptionalInt.empty());
        }

        double alpha(long step) {
            return alphaSteps.isEmpty()
                    ? alpha
                    : Math.min(step * alpha / alphaSteps.getAsInt(), alpha);
        }

        double beta3(long step, double beta1) {
            if (betaSteps.isEmpty()) {
                return beta3;
            }
            double log1 = Math.log(beta1);
            double log3 = Math.log(beta3);
            double scale = (double) step / betaSteps.getAsInt();
            double power = log1 * log3 / ((1 - scale) * log3 + scale * log1);
            return Math.min(Math.exp(power), beta3);
        }
    }

    public AdEmaMix {
        Ranges.decay("adam_beta1", beta1);
        Ranges.decay("adam_beta2", beta2);
        Ranges.notNegative("adam_epsilon", epsilon);
        Ranges.require(
                slow.betaSteps().isEmpty() || beta1 > 0,
                "t_beta3 needs adam_beta1 > 0, from which beta3 rises",
                beta1);
    }

    @Override
    public List<Moment> moments() {
        return List.of(AdamW.FIRST, SLOW, AdamW.SECOND);
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = gradient.mul(step.gradientScale());
        double beta3 = slow.beta3(step.number(), beta1);
        Tensor fast = moments.get(0).mulInPlace(beta1).addInPlace(g.mul(1 - beta1));
        Tensor late = moments.get(1).mulInPlace(beta3).addInPlace(g.mul(1 - beta3));
        Tensor v = moments.get(2).mulInPlace(beta2).addInPlace(g.square().mul(1 - beta2));
        double rate = piece.rate(step);
        if (piece.weightDecay() > 0) {
            values.mulInPlace(1 - rate * piece.weightDecay());
        }
        double first = 1 - Math.pow(beta1, step.number());
        double root = Math.sqrt(1 - Math.pow(beta2, step.number()));
        Tensor mixed = fast.mul(1 / first).addInPlace(late.mul(slow.alpha(step.number())));
        Tensor scale = v.sqrt().mul(1 / root).add(epsilon);
        values.subInPlace(mixed.div(scale).mul(rate));
    }
}
