package org.attune.trainers.distillation;

import org.attune.policy.HeadRequest;
import org.attune.policy.Scorer;
import org.attune.policy.Teacher;
import org.attune.trainers.layout.CompletionForest;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/// The student itself as a teacher: as it is, as it was at the start, or the mean of what it was.
///
/// @param scorer measures with these weights; borrowed
/// @param top the student's most probable tokens that are compared; empty: all tokens
/// @param tail whether the others are one more category
/// @param sharesPrompts as of the student
record SelfTeacher(Scorer scorer, OptionalInt top, boolean tail, boolean sharesPrompts)
        implements TeacherModel {
    @Override
    public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
        Teacher whole = scorer.read(forest.forest());
        return top.isEmpty() ? whole : Teacher.amongTop(whole, top.getAsInt(), tail);
    }

    @Override
    public float[] logProbs(
            CompletionForest forest, List<CompletionForest.Row> rows, double temperature) {
        return scorer.measure(forest.forest(), new HeadRequest(Set.of(), temperature))
                .tokenLogProbs();
    }
}
