package org.attune.optim;

import org.attune.tensor.Elements;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.List;

/// RMSprop (Hinton 2012, lecture 6e, slide 29) as `torch.optim.RMSprop`:
/// ```
/// g ← g + λ θ
/// v ← α v + (1 - α) g²        a ← α a + (1 - α) g       (a only if centred)
/// b ← μ b + g / (√(v - a²) + ε)
/// θ ← θ - γ b
/// ```
///
/// @param alpha α, decay of the squares, [0, 1)
/// @param epsilon ε, ≥ 0
/// @param momentum μ, ≥ 0; 0 keeps no `b`
/// @param centered whether the mean is taken off the squares
record RmsProp(double alpha, double epsilon, double momentum, boolean centered)
        implements ElementFormula {
    private static final Moment SQUARES = new Moment("square_avg", false);
    private static final Moment MEAN = new Moment("grad_avg", true);
    private static final Moment BUFFER = new Moment("momentum_buffer", true);

    public RmsProp {
        Ranges.decay("alpha", alpha);
        Ranges.notNegative("eps", epsilon);
        Ranges.notNegative("momentum", momentum);
    }

    @Override
    public List<Moment> moments() {
        var moments = new ArrayList<Moment>(List.of(SQUARES));
        if (centered) {
            moments.add(MEAN);
        }
        if (momentum > 0) {
            moments.add(BUFFER);
        }
        return List.copyOf(moments);
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor g = Penalty.add(piece, values, gradient, step);
        Tensor squares = moments.getFirst();
        squares.mulInPlace(alpha).addInPlace(g.square().mul(1 - alpha));
        Tensor variance = squares;
        if (centered) {
            Tensor mean = moments.get(1);
            Elements.blendInPlace(mean, g, 1 - alpha);
            variance = squares.sub(mean.square());
        }
        Tensor direction = g.div(variance.sqrt().add(epsilon));
        if (momentum > 0) {
            direction = moments.getLast().mulInPlace(momentum).addInPlace(direction);
        }
        values.subInPlace(direction.mul(piece.rate(step)));
    }
}
