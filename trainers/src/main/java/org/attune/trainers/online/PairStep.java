package org.attune.trainers.online;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;

import java.util.Arrays;
import java.util.List;

/// What a step learns from its judged pairs.
///
/// @param objective which completions of a pair are learned from, and how
/// @param reference what the policy is held to; borrowed
/// @param tokens of the step's prompts and completions
record PairStep(OnlineObjective objective, Scorer reference, long tokens)
        implements StepObjective<JudgedPair, CompletionForest> {
    @Override
    public List<int[]> sequences(JudgedPair pair) {
        return objective.learned(pair).stream()
                .flatMap(one -> one.tokens().sequences().stream())
                .toList();
    }

    @Override
    public CompletionForest layout(List<JudgedPair> pairs, boolean shares) {
        List<LearnedCompletion> learned =
                pairs.stream().flatMap(pair -> objective.learned(pair).stream()).toList();
        return CompletionForest.own(
                learned.stream().map(LearnedCompletion::tokens).toList(),
                learned.stream().map(LearnedCompletion::foreign).toList(),
                shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<JudgedPair>> group, CompletionForest forest) {
        return new Question(reference.measure(forest.forest(), HeadRequest.of()).tokenLogProbs());
    }

    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Question(float[] held) implements GroupQuestion {
        @Override
        public HeadRequest request() {
            return HeadRequest.of();
        }

        @Override
        public List<double[]> reference(Measurement policy) {
            double[] wide = new double[held.length];
            Arrays.setAll(wide, t -> held[t]);
            return List.of(wide);
        }
    }

    @Override
    public OnlineSums open(List<RowAt<JudgedPair>> rows, int microBatches) {
        int[] pairs = new int[microBatches];
        rows.forEach(row -> pairs[row.microBatch()]++);
        return new OnlineSums(objective, pairs, tokens);
    }
}
