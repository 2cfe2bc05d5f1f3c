package org.attune.optim;

import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

import java.util.List;

/// Lion ([Chen et al. 2023](https://arxiv.org/abs/2302.06675), Alg. 2):
/// ```
/// θ ← θ (1 - γ λ) - γ sign(β₁ m + (1 - β₁) g)
/// m ← β₂ m + (1 - β₂) g
/// ```
/// Each number moves by the learning rate whatever the gradient's size, so the paper takes a third
/// to a tenth of AdamW's rate and three to ten times its decay.
///
/// @param beta1 share of the momentum in the direction, [0, 1)
/// @param beta2 decay of the momentum, [0, 1)
record Lion(double beta1, double beta2) implements ElementFormula {
    private static final Moment MOMENTUM = new Moment("exp_avg", true);

    public Lion {
        Ranges.decay("adam_beta1", beta1);
        Ranges.decay("adam_beta2", beta2);
    }

    @Override
    public List<Moment> moments() {
        return List.of(MOMENTUM);
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = gradient.mul(step.gradientScale());
        Tensor m = moments.getFirst();
        double rate = piece.rate(step);
        if (piece.weightDecay() > 0) {
            values.mulInPlace(1 - rate * piece.weightDecay());
        }
        Tensor direction = m.mul(beta1).addInPlace(g.mul(1 - beta1));
        values.subInPlace(Elements.sign(direction).mul(rate));
        m.mulInPlace(beta2).addInPlace(g.mul(1 - beta2));
    }
}
