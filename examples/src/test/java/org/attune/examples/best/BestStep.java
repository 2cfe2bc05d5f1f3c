package org.attune.examples.best;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;
import org.attune.trainers.step.StepSums;

import java.util.List;
import java.util.Map;

/// Makes the best completions likelier: the loss is their mean negative log-likelihood by token.
///
/// @param generated tokens of the round
record BestStep(long generated) implements StepObjective<BestCompletion, CompletionForest> {
    @Override
    public List<int[]> sequences(BestCompletion row) {
        return row.tokens().sequences();
    }

    @Override
    public CompletionForest layout(List<BestCompletion> rows, boolean shares) {
        return CompletionForest.of(rows.stream().map(BestCompletion::tokens).toList(), shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<BestCompletion>> group, CompletionForest forest) {
        return GroupQuestion.of(HeadRequest.of());
    }

    @Override
    public Sums open(List<RowAt<BestCompletion>> rows, int microBatches) {
        int tokens = rows.stream().mapToInt(r -> r.row().tokens().completion().length).sum();
        return new Sums(generated, tokens);
    }

    /// The sums of a step, over all tokens of its best completions.
    static final class Sums implements StepSums<BestCompletion, CompletionForest> {
        private final long generated;
        private final double tokens;
        private double loss;

        Sums(long generated, double tokens) {
            this.generated = generated;
            this.tokens = tokens;
        }

        @Override
        public HeadSlopes add(
                List<RowAt<BestCompletion>> group,
                CompletionForest forest,
                Measurement policy,
                List<double[]> reference) {
            float[] slopes = new float[forest.forest().targetCount()]; // (M)
            for (int i = 0; i < group.size(); i++) {
                TargetRange range = forest.completions().get(i);
                double sum = 0;
                for (int t = range.start(); t < range.end(); t++) {
                    sum -= policy.tokenLogProbs()[t];
                    slopes[t] = (float) (-1 / tokens);
                }
                FiniteLoss.require(sum, List.of(group.get(i).row().origin()));
                loss += sum / tokens;
            }
            return HeadSlopes.of(slopes);
        }

        @Override
        public StepReport step() {
            return new StepReport(loss, List.of(), generated);
        }

        @Override
        public Map<String, Double> evaluation() {
            throw new IllegalStateException("held-out prompts are completed and judged");
        }
    }
}
