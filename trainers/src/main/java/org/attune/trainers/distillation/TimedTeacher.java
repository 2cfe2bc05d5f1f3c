package org.attune.trainers.distillation;

import org.attune.policy.Teacher;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.PhaseClock;

import java.util.List;
import java.util.Map;

/// A teacher whose passes are counted by a run's clock, in the phase `teacher`.
///
/// @param teacher borrowed
/// @param clock borrowed
record TimedTeacher(TeacherModel teacher, PhaseClock clock) implements TeacherModel {
    @Override
    public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
        return clock.timed(
                "teacher",
                () -> {
                    clock.pass(forest.forest());
                    return teacher.read(forest, rows);
                });
    }

    @Override
    public float[] logProbs(
            CompletionForest forest, List<CompletionForest.Row> rows, double temperature) {
        return clock.timed(
                "teacher",
                () -> {
                    clock.pass(forest.forest());
                    return teacher.logProbs(forest, rows, temperature);
                });
    }

    @Override
    public boolean sharesPrompts() {
        return teacher.sharesPrompts();
    }

    @Override
    public Map<String, String> identity() {
        return teacher.identity();
    }
}
