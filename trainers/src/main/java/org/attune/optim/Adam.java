package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Adam ([Kingma and Ba 2014](https://arxiv.org/abs/1412.6980), Alg. 1) with weight decay as a
/// penalty, as `torch.optim.Adam`: `g ← g + λ θ`, then the change of [AdamW] without its decay.
///
/// @param change decays of the moments and their settings
record Adam(AdamW change) implements ElementFormula {
    @Override
    public List<Moment> moments() {
        return change.moments();
    }

    @Override
    public void update(
            Piece piece, Tensor values, Tensor gradient, List<Tensor> moments, Step step) {
        Tensor penalised = Penalty.add(piece, values, gradient, step);
        change.change(values, penalised, moments, step, piece.rate(step));
    }
}
