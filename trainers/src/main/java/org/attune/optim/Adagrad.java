package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Adagrad (Duchi et al. 2011, JMLR 12, Fig. 1, diagonal) as
/// `torch.optim.Adagrad`:
/// ```
/// g ← g + λ θ        s ← s + g²
/// θ ← θ - γ / (1 + (t - 1) η) · g / (√s + ε)
/// ```
///
/// @param rateDecay η, by which the learning rate falls, ≥ 0
/// @param epsilon ε, ≥ 0
/// @param initial first value of `s`, ≥ 0
record Adagrad(double rateDecay, double epsilon, double initial) implements ElementFormula {
    private static final Moment SUM = new Moment("sum", false);

    public Adagrad {
        Ranges.notNegative("lr_decay", rateDecay);
        Ranges.notNegative("eps", epsilon);
        Ranges.notNegative("initial_accumulator_value", initial);
    }

    @Override
    public List<Moment> moments() {
        return List.of(SUM);
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = Penalty.add(piece, values, gradient, step);
        Tensor sum = moments.getFirst();
        if (step.number() == 1 && initial > 0) {
            sum.fillInPlace(initial);
        }
        sum.addInPlace(g.square());
        double rate = piece.rate(step) / (1 + (step.number() - 1) * rateDecay);
        values.subInPlace(g.div(sum.sqrt().add(epsilon)).mul(rate));
    }
}
