package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Schedule-free SGD ([Defazio et al. 2024](https://arxiv.org/abs/2405.15682), Eq. 3 to 5), as
/// `schedulefree.SGDScheduleFree`: [Averaging] with `d = g + λ y`.
///
/// @param averaging β is the momentum
record ScheduleFreeSgd(Averaging averaging) implements ElementFormula {
    @Override
    public List<Moment> moments() {
        return List.of(ScheduleFreeAdamW.Z);
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
        Tensor z = moments.getFirst();
        if (step.number() == 1) {
            z.copyInPlace(values);
        }
        averaging.move(piece, values, z, Penalty.add(piece, values, gradient, step), step);
    }

    @Override
    public void showResult(Tensor values, List<Tensor> moments) {
        averaging.showResult(values, moments.getFirst());
    }
}
