package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.List;

/// What a student's predictions are compared with, for the targets of one forest, given chunk by
/// chunk: logits of all targets never exist. `M` targets, `n` of them in a chunk, `V` vocabulary,
/// `C` categories. Use it on the engine thread.
public sealed interface Teacher extends AutoCloseable
        permits TeacherPass, TopTokens, StudentTop, JoinedTeachers {
    /// Both distributions over the categories that the teacher tells apart.
    ///
    /// @param student log-probabilities, float32 `(n, C)`
    /// @param teacher likewise
    record Compared(Tensor student, Tensor teacher) {}

    /// Compares a teacher that knows the whole vocabulary among the student's most probable tokens
    /// alone.
    ///
    /// @param whole closed with the result
    /// @param count how many tokens, ≥ 1; all of a smaller vocabulary
    /// @param tail whether all other tokens together are one more category. Else the probabilities
    ///     of the `count` tokens are those under the condition that it is one of them
    static Teacher amongTop(Teacher whole, int count, boolean tail) {
        return new StudentTop(whole, count, tail);
    }

    /// Teachers of which each has read some rows of a forest.
    ///
    /// @param parts at least one; they tell the same categories apart, and are closed with the
    ///     result
    /// @param whose number of each row's teacher among the parts
    /// @param sizes targets of each row
    static Teacher joined(List<Teacher> parts, int[] whose, int[] sizes) {
        return JoinedTeachers.of(parts, whose, sizes);
    }

    /// How many targets it knows, `M`.
    int targets();

    /// What is compared, in the current scope.
    ///
    /// @param z the student's logits over the temperature, float32 `(n, V)`; stays as it is
    /// @param from number of the first target
    Compared compared(Tensor z, int from, double temperature);

    /// The gradient of a divergence with respect to the student's logits over the temperature,
    /// `(n, V)`.
    ///
    /// @param z as in [#compared]
    /// @param compared what that gave
    /// @param weighted `q_c ∂J/∂q_c`, `(n, C)`
    Tensor slopes(Tensor z, Compared compared, Tensor weighted, int from);

    @Override
    void close();
}
