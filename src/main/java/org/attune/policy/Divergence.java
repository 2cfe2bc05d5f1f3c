package org.attune.policy;

import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// How far a student's distribution `q` is from a teacher's `p`, in nats, row by row. `n` rows, `C`
/// categories; distributions are given as log-probabilities, float32 `(n, C)`.
public sealed interface Divergence {
    /// The divergences, `(n, 1)`.
    Tensor values(Tensor student, Tensor teacher);

    /// `q_c ∂J/∂q_c`, up to a multiple of `q` that is the same in a row, `(n, C)`.
    Tensor weighted(Tensor student, Tensor teacher);

    /// Gradients of the divergences with respect to the student's logits, where the categories are
    /// all tokens, `(n, C)`: `w - q Σ w`.
    default Tensor slopes(Tensor student, Tensor teacher) {
        return slopesOf(student, weighted(student, teacher));
    }

    /// Gradients with respect to the student's logits from what [#weighted] gave, `(n, C)`.
    static Tensor slopesOf(Tensor student, Tensor weighted) {
        return weighted.sub(student.exp().mulInPlace(weighted.sum(1, true))); // (n, C)
    }

    /// The generalised Jensen-Shannon divergence of [Agarwal et al. 2024, Eq.
    /// 1](https://arxiv.org/abs/2306.13649) with both its ends.
    ///
    /// @param beta β in [0, 1]; 0 is [ForwardKl], 1 is [ReverseKl]
    static Divergence of(double beta) {
        if (beta == 0) {
            return new ForwardKl();
        }
        return beta == 1 ? new ReverseKl() : new JensenShannon(beta);
    }

    /// `Σ p (log p − log q)`.
    record ForwardKl() implements Divergence {
        @Override
        public Tensor values(Tensor student, Tensor teacher) {
            return kl(teacher, student);
        }

        @Override
        public Tensor weighted(Tensor student, Tensor teacher) {
            return teacher.exp().neg();
        }
    }

    /// `Σ q (log q − log p)`.
    record ReverseKl() implements Divergence {
        @Override
        public Tensor values(Tensor student, Tensor teacher) {
            return kl(student, teacher);
        }

        @Override
        public Tensor weighted(Tensor student, Tensor teacher) {
            try (var scope = TensorScope.open("weighted")) {
                return scope.keep(student.exp().mulInPlace(student.sub(teacher)));
            }
        }
    }

    /// ```
    /// β KL(p ‖ m) + (1 − β) KL(q ‖ m),     m = β p + (1 − β) q
    /// ```
    ///
    /// @param beta β, in (0, 1)
    record JensenShannon(double beta) implements Divergence {
        public JensenShannon {
            if (!(beta > 0 && beta < 1)) {
                throw new IllegalArgumentException("beta is " + beta + "; accepted: (0, 1)");
            }
        }

        @Override
        public Tensor values(Tensor student, Tensor teacher) {
            try (var scope = TensorScope.open("values")) {
                Tensor m = mixture(student, teacher); // (n, C)
                return scope.keep(kl(teacher, m).mul(beta).add(kl(student, m).mul(1 - beta)));
            }
        }

        @Override
        public Tensor weighted(Tensor student, Tensor teacher) {
            try (var scope = TensorScope.open("weighted")) {
                Tensor ratio = student.sub(mixture(student, teacher)); // (n, C)
                return scope.keep(student.exp().mulInPlace(ratio).mulInPlace(1 - beta));
            }
        }

        /// `log m`, without powers that could vanish: `log(eᵃ + eᵇ) = a − log σ(a − b)`.
        private Tensor mixture(Tensor student, Tensor teacher) {
            try (var scope = TensorScope.open("mixture")) {
                Tensor a = student.add(Math.log1p(-beta)); // (n, C)
                Tensor b = teacher.add(Math.log(beta)); // (n, C)
                return scope.keep(a.sub(a.sub(b).logSigmoid()));
            }
        }
    }

    private static Tensor kl(Tensor of, Tensor from) {
        try (var scope = TensorScope.open("kl")) {
            return scope.keep(of.exp().mul(of.sub(from)).sum(1, true));
        }
    }
}
