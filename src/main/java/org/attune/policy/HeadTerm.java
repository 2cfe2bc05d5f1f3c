package org.attune.policy;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// A term of the loss that compares whole distributions, evaluated in the output head where a
/// chunk's logits are: [HeadStatistic#DIVERGENCE] of each target, and its gradient to the student's
/// logits when it is learned from.
public final class HeadTerm {
    private final Divergence divergence;
    private final Teacher teacher;

    /// @param divergence from the teacher
    /// @param teacher of the forest that is evaluated; borrowed until the evaluation is closed
    public HeadTerm(Divergence divergence, Teacher teacher) {
        this.divergence = divergence;
        this.teacher = teacher;
    }

    /// The divergences of a chunk's targets, `(n, 1)`.
    ///
    /// @param z the student's logits over the temperature, float32 `(n, V)`; stays as it is
    /// @param from number of the first target
    Tensor values(Tensor z, int from, double temperature) {
        try (var scope = TensorScope.open("term")) {
            Teacher.Compared c = teacher.compared(z, from, temperature);
            return scope.keep(divergence.values(c.student(), c.teacher()));
        }
    }

    @Override
    public String toString() {
        return divergence + " from " + teacher;
    }

    /// Gradients of the divergences with respect to `z`, `(n, V)`.
    Tensor slopes(Tensor z, int from, double temperature) {
        try (var scope = TensorScope.open("term")) {
            Teacher.Compared c = teacher.compared(z, from, temperature);
            Tensor weighted = divergence.weighted(c.student(), c.teacher()); // (n, C)
            return scope.keep(teacher.slopes(z, c, weighted, from));
        }
    }
}
