package org.attune.trainers.ppo;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;

import java.util.List;
import java.util.function.IntFunction;

/// The part of a critic that is a separate network.
///
/// @param origins where a prompt comes from
record CriticStep(PpoConfig config, IntFunction<String> origins) implements UpdateObjective {
    @Override
    public CompletionForest layout(List<PpoMember> members, boolean shares) {
        return CompletionForest.values(
                members.stream().map(m -> m.row().tokens()).toList(),
                members.stream().mapToInt(m -> m.row().values().length).toArray(),
                shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<PpoMember>> group, CompletionForest forest) {
        return GroupQuestion.of(HeadRequest.of());
    }

    @Override
    public HeadSlopes derivatives(
            List<RowAt<PpoMember>> group,
            CompletionForest forest,
            Measurement measured,
            UpdateTotals totals) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        for (int i = 0; i < group.size(); i++) {
            TargetRange range = forest.completions().get(i);
            double[] values = range.of(measured.tokenLogProbs());
            valueLoss(group.get(i), range, values, slopes, totals);
        }
        return HeadSlopes.of(slopes);
    }

    /// Adds what a critic says of a completion's states, `values`.
    ///
    /// @param slopes takes the derivatives by them, `(M)`
    void valueLoss(
            RowAt<PpoMember> placed,
            TargetRange range,
            double[] values,
            float[] slopes,
            UpdateTotals totals) {
        PpoMember m = placed.row();
        PpoRow row = m.row();
        ValueObjective.Result result =
                PpoObjectives.value(config)
                        .evaluate(values, row.values(), row.returns(), row.valueMask());
        FiniteLoss.require(result.loss(), List.of(origins.apply(row.prompt())));
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] =
                    (float) (config.loss().vfCoef() * m.valueShare() * result.slopes()[t]);
        }
        totals.add(placed.microBatch(), result);
    }
}
