package org.attune.optim;

import org.attune.tensor.Tensor;

import java.util.List;

/// Moments in float32.
///
/// @param moments `(P)` each
record FullMoments(ElementFormula formula, List<Tensor> moments) implements UpdateRule {
    @Override
    public void update(Piece piece, Tensor values, Tensor gradient, Step step) {
        formula.update(piece, values, gradient, of(piece), step);
    }

    @Override
    public void showResult(Piece piece, Tensor values) {
        formula.showResult(values, of(piece));
    }

    private List<Tensor> of(Piece piece) {
        return moments.stream().map(piece::of).toList();
    }
}
