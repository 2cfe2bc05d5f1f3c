package org.attune.trainers.distillation;

import org.attune.policy.Divergence;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Teacher;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;

import java.util.List;
import java.util.Set;

/// What is minimised in distillation: a divergence of the student from its teacher, token by token.
///
/// @param divergence of the student from the teacher
/// @param temperature divides the logits of both; > 0
/// @param teacher borrowed
/// @param denominator by which the sum over tokens is divided, > 0
/// @param tokens of the step's prompts and completions
record StudentObjective(
        Divergence divergence,
        double temperature,
        TeacherModel teacher,
        double denominator,
        long tokens)
        implements StepObjective<StudentRow, CompletionForest> {
    /// The objective for the rows of a step.
    StudentObjective over(double stepDenominator, long stepTokens) {
        return new StudentObjective(divergence, temperature, teacher, stepDenominator, stepTokens);
    }

    @Override
    public List<int[]> sequences(StudentRow row) {
        return row.tokens().sequences();
    }

    @Override
    public int tokens(StudentRow row) {
        return row.tokens().length();
    }

    @Override
    public CompletionForest layout(List<StudentRow> rows, boolean shares) {
        return CompletionForest.of(rows.stream().map(StudentRow::tokens).toList(), shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<StudentRow>> group, CompletionForest forest) {
        Teacher read =
                teacher.read(forest, RowAt.rows(group).stream().map(StudentRow::tokens).toList());
        return GroupQuestion.comparing(
                divergence, read, temperature, Set.of(HeadStatistic.ENTROPY));
    }

    @Override
    public StudentSums open(List<RowAt<StudentRow>> rows, int microBatches) {
        return new StudentSums(microBatches, denominator, tokens);
    }
}
