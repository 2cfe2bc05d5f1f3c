package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Stochastic gradient descent as `torch.optim.SGD`:
/// ```
/// g ← g + λ θ
/// b ← μ b + (1 - τ) g,       b = g in the first step
/// θ ← θ - γ d,               d = b, with Nesterov's momentum g + μ b, without momentum g
/// ```
/// Sutskever et al. 2013 (ICML, Eq. 1) scale `b` by the
/// learning rate; PyTorch's form, which this is, applies it to the sum.
///
/// @param momentum μ, ≥ 0; 0 keeps no state
/// @param dampening τ, of the gradient in the momentum
/// @param nesterov whether the step looks ahead; needs momentum without dampening
record Sgd(double momentum, double dampening, boolean nesterov) implements ElementFormula {
    private static final Moment BUFFER = new Moment("momentum_buffer", true);

    public Sgd {
        Ranges.notNegative("momentum", momentum);
        Ranges.require(Double.isFinite(dampening), "dampening must be finite", dampening);
        Ranges.require(
                !nesterov || momentum > 0 && dampening == 0,
                "nesterov needs momentum > 0 and dampening 0",
                "momentum " + momentum + " and dampening " + dampening);
    }

    @Override
    public List<Moment> moments() {
        return momentum > 0 ? List.of(BUFFER) : List.of();
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = Penalty.add(piece, values, gradient, step);
        Tensor direction = g;
        if (momentum > 0) {
            Tensor buffer = moments.getFirst();
            if (step.number() == 1) {
                buffer.copyInPlace(g);
            } else {
                buffer.mulInPlace(momentum).addInPlace(g.mul(1 - dampening));
            }
            direction = nesterov ? g.add(buffer.mul(momentum)) : buffer;
        }
        values.subInPlace(direction.mul(piece.rate(step)));
    }
}
