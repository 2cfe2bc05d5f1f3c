package org.attune.trainers.distillation;

import org.attune.policy.Divergence;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.HeadTerm;
import org.attune.policy.Measurement;
import org.attune.policy.Teacher;
import org.attune.policy.TeacherPass;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What is minimised in distillation: a divergence of the student from its teacher, token by token.
///
/// @param divergence of the student from the teacher; empty: only the tokens that were written are
///     compared, see [StudentSums]
/// @param weights of tokens that are compared alone; empty: 1 each
/// @param temperature divides the logits of both; > 0
/// @param teachers borrowed
/// @param own how rows of a model count that is its own teacher: each row alike, whatever its
///     length. Empty: each token alike
/// @param across how completions count that the teacher reads with another tokenizer: each row
///     alike, whatever its spans. Empty: both have one tokenizer
/// @param denominator by which the sum over tokens, or over rows' means, is divided, > 0
/// @param tokens of the step's prompts and completions
record StudentObjective(
        Optional<Divergence> divergence,
        Optional<PrefixWeights> weights,
        double temperature,
        Teachers teachers,
        Optional<SelfTerms> own,
        Optional<AcrossTerms> across,
        double denominator,
        long tokens)
        implements StepObjective<StudentRow, CompletionForest> {
    /// How completions count that the teacher reads with another tokenizer.
    ///
    /// @param rule how spans of them are compared
    /// @param weight of the distance
    /// @param crossEntropy weight of the cross-entropy
    record AcrossTerms(HeadTerm.SpanRule rule, double weight, double crossEntropy) {}

    /// The objective for the rows of a step.
    StudentObjective over(double stepDenominator, long stepTokens) {
        return new StudentObjective(
                divergence,
                weights,
                temperature,
                teachers,
                own,
                across,
                stepDenominator,
                stepTokens);
    }

    /// The share of the distillation in the loss; the rest is the policy gradient's.
    double share() {
        return own.map(SelfTerms::weight).orElse(1.0);
    }

    @Override
    public List<int[]> sequences(StudentRow row) {
        return row.tokens().sequences();
    }

    @Override
    public int tokens(StudentRow row) {
        return row.length();
    }

    @Override
    public CompletionForest layout(List<StudentRow> rows, boolean shares) {
        return CompletionForest.of(rows.stream().map(StudentRow::tokens).toList(), shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<StudentRow>> group, CompletionForest forest) {
        if (share() == 0) {
            return GroupQuestion.of(new HeadRequest(Set.of(HeadStatistic.ENTROPY), temperature));
        }
        List<StudentRow> rows = RowAt.rows(group);
        List<CompletionForest.Row> taught = rows.stream().map(StudentRow::taught).toList();
        CompletionForest read = // targets stand in the same places
                rows.stream().anyMatch(StudentRow::isTaught)
                        ? CompletionForest.of(taught, teachers.sharesPrompts())
                        : forest;
        if (across.isPresent()) {
            return askAcross(rows, forest, CompletionForest.of(taught, teachers.sharesPrompts()));
        }
        if (divergence.isEmpty()) {
            return new Written(temperature, teachers.logProbs(read, rows, temperature));
        }
        Teacher answered =
                rows.getFirst().told().isPresent()
                        ? StoredTeacher.of(rows)
                        : teachers.read(read, rows);
        return GroupQuestion.comparing(
                divergence.get(), answered, temperature, Set.of(HeadStatistic.ENTROPY));
    }

    /// @param theirs the rows as the teacher reads them
    private GroupQuestion askAcross(
            List<StudentRow> rows, CompletionForest forest, CompletionForest theirs) {
        List<HeadTerm.Aligned> spans = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            spans.add(
                    rows.get(i)
                            .across()
                            .orElseThrow()
                            .spans()
                            .from(
                                    forest.completions().get(i).start(),
                                    theirs.completions().get(i).start()));
        }
        var read = (TeacherPass) teachers.read(theirs, rows);
        return GroupQuestion.comparing(
                HeadTerm.of(across.orElseThrow().rule(), spans, read),
                read,
                temperature,
                isHybrid()
                        ? Set.of(HeadStatistic.ENTROPY, HeadStatistic.MATCHED_DIVERGENCE)
                        : Set.of(HeadStatistic.ENTROPY));
    }

    /// Whether tokens that both vocabularies have are compared apart from others.
    boolean isHybrid() {
        return across.flatMap(a -> a.rule().matched()).isPresent();
    }

    /// @param teacher log-probability of each target, `(M)`
    private record Written(double temperature, float[] teacher) implements GroupQuestion {
        @Override
        public HeadRequest request() {
            return new HeadRequest(Set.of(HeadStatistic.ENTROPY), temperature);
        }

        @Override
        public List<double[]> reference(Measurement policy) {
            double[] logProbs = new double[teacher.length];
            Arrays.setAll(logProbs, i -> teacher[i]);
            return List.of(logProbs);
        }
    }

    @Override
    public StudentSums open(List<RowAt<StudentRow>> rows, int microBatches) {
        return new StudentSums(this, rows, microBatches);
    }
}
