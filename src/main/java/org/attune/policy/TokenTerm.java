package org.attune.policy;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// A divergence of each target's distribution from a teacher's.
///
/// @param divergence from the teacher
/// @param teacher of the forest that is evaluated; borrowed
record TokenTerm(Divergence divergence, Teacher teacher) implements HeadTerm {
    @Override
    public Tensor values(Tensor z, int from, double temperature) {
        try (var scope = TensorScope.open("term")) {
            Teacher.Compared c = teacher.compared(z, from, temperature);
            return scope.keep(divergence.values(c.student(), c.teacher()));
        }
    }

    @Override
    public Tensor slopes(Tensor z, int from, double temperature) {
        try (var scope = TensorScope.open("term")) {
            Teacher.Compared c = teacher.compared(z, from, temperature);
            Tensor weighted = divergence.weighted(c.student(), c.teacher()); // (n, C)
            return scope.keep(teacher.slopes(z, c, weighted, from));
        }
    }
}
