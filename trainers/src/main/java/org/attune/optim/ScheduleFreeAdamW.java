package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Schedule-free AdamW ([Defazio et al. 2024](https://arxiv.org/abs/2405.15682), Alg. 1), as
/// `schedulefree.AdamWScheduleFree`. With [Averaging]'s letters:
/// ```
/// v ← β₂ v + (1 - β₂) g²        d = g / (√(v / (1 - β₂ᵗ)) + ε) + λ y
/// ```
///
/// @param averaging β is `adam_beta1`
/// @param beta2 [0, 1)
/// @param epsilon ≥ 0
record ScheduleFreeAdamW(Averaging averaging, double beta2, double epsilon)
        implements ElementFormula {
    static final Moment Z = new Moment("z", true);

    public ScheduleFreeAdamW {
        Ranges.decay("adam_beta2", beta2);
        Ranges.notNegative("adam_epsilon", epsilon);
    }

    @Override
    public List<Moment> moments() {
        return List.of(Z, AdamW.SECOND);
    }

    @Override
    public int shared() {
        return Averaging.SHARED;
    }

    @Override
    public void begin(Step step, double[] shared) {
        averaging.begin(step, shared);
    }

    @Override
    public boolean averages() {
        return true;
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = gradient.mul(step.gradientScale());
        Tensor z = moments.get(0);
        if (step.number() == 1) {
            z.copyInPlace(values);
        }
        Tensor v = moments.get(1).mulInPlace(beta2).addInPlace(g.square().mul(1 - beta2));
        double correction = 1 - Math.pow(beta2, step.number());
        Tensor direction = g.div(v.mul(1 / correction).sqrt().add(epsilon));
        if (piece.weightDecay() > 0) {
            direction.addInPlace(values.mul(piece.weightDecay()));
        }
        averaging.move(piece, values, z, direction, step);
    }

    @Override
    public void showResult(Tensor values, List<Tensor> moments) {
        averaging.showResult(values, moments.getFirst());
    }
}
