package org.attune.trainers.distillation;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.Teacher;
import org.attune.policy.TeacherPass;
import org.attune.trainers.layout.CompletionForest;

import java.util.List;
import java.util.Map;

/// Who says what a student should have said. On the engine thread.
public interface TeacherModel {
    /// Reads rows that are computed at once. The caller closes the result.
    ///
    /// @param forest their layout
    /// @param rows in the order of the layout's completions
    Teacher read(CompletionForest forest, List<CompletionForest.Row> rows);

    /// Log-probabilities of the rows' completions, at a temperature, `(M)`.
    ///
    /// @param forest their layout
    /// @param rows in the order of the layout's completions
    /// @throws UnsupportedOperationException of a teacher whose distributions are compared
    default float[] logProbs(
            CompletionForest forest, List<CompletionForest.Row> rows, double temperature) {
        throw new UnsupportedOperationException("distributions of this teacher are compared");
    }

    /// Whether what rows begin with in common may be computed once.
    default boolean sharesPrompts() {
        return true;
    }

    /// What tells it apart from others, by name: a run resumes only with the same teacher.
    default Map<String, String> identity() {
        return Map.of();
    }

    /// A model in this process.
    ///
    /// @param decoder frozen; borrowed
    /// @param adapter of the teacher
    static TeacherModel of(Decoder decoder, Adapter adapter) {
        return of(decoder, adapter, Map.of());
    }

    /// A model in this process, with entries that tell it from others in a run's identity.
    static TeacherModel of(Decoder decoder, Adapter adapter, Map<String, String> identity) {
        boolean shares = !decoder.config().positions().dependsOnLength();
        return new TeacherModel() {
            @Override
            public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
                return new TeacherPass(decoder, adapter, forest.forest());
            }

            @Override
            public float[] logProbs(
                    CompletionForest forest, List<CompletionForest.Row> rows, double temperature) {
                return TeacherPass.logProbs(decoder, adapter, forest.forest(), temperature);
            }

            @Override
            public boolean sharesPrompts() {
                return shares;
            }

            @Override
            public Map<String, String> identity() {
                return identity;
            }
        };
    }
}
