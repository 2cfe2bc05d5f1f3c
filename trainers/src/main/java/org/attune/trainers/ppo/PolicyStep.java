package org.attune.trainers.ppo;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.loop.Critic;
import org.attune.trainers.loop.FiniteLoss;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/// The policy's part of an update's loss, and the critic's where it shares the trunk.
///
/// @param objective of a completion
/// @param origins where a prompt comes from
record PolicyStep(
        PpoConfig config, Critic critic, PpoObjective objective, IntFunction<String> origins)
        implements UpdateObjective {
    /// The id that TRL computes padding with.
    private static final int TRL_PADDING = 0;

    private HeadRequest request() {
        return PpoObjectives.request(config, critic instanceof Critic.Head);
    }

    @Override
    public CompletionForest layout(List<PpoMember> members, boolean shares) {
        List<CompletionForest.Row> rows = members.stream().map(m -> m.row().tokens()).toList();
        return config.loss().trlCompat()
                ? CompletionForest.padded(rows, TRL_PADDING, shares)
                : CompletionForest.of(rows, shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<PpoMember>> group, CompletionForest forest) {
        return GroupQuestion.of(request());
    }

    @Override
    public HeadSlopes derivatives(
            List<RowAt<PpoMember>> group,
            CompletionForest forest,
            Measurement measured,
            UpdateTotals totals) {
        float[] slopes = new float[forest.forest().targetCount()]; // (M)
        Map<HeadStatistic, float[]> others = new EnumMap<>(HeadStatistic.class);
        for (HeadStatistic learned : request().learned()) {
            others.put(learned, new float[slopes.length]);
        }
        for (int i = 0; i < group.size(); i++) {
            TargetRange range = forest.completions().get(i);
            RowAt<PpoMember> m = group.get(i);
            policyLoss(m, range, measured, slopes, totals);
            if (others.containsKey(HeadStatistic.ENTROPY)) {
                entropyLoss(m.row(), range, others.get(HeadStatistic.ENTROPY));
            }
            if (others.containsKey(HeadStatistic.VALUE)) {
                double[] values = range.of(measured.statistic(HeadStatistic.VALUE));
                new CriticStep(config, origins)
                        .valueLoss(m, range, values, others.get(HeadStatistic.VALUE), totals);
            }
        }
        return new HeadSlopes(slopes, others);
    }

    private void policyLoss(
            RowAt<PpoMember> placed,
            TargetRange range,
            Measurement measured,
            float[] slopes,
            UpdateTotals totals) {
        PpoMember m = placed.row();
        PpoObjective.Result result =
                objective.evaluate(
                        m.row()
                                .scores(
                                        range.of(measured.tokenLogProbs()),
                                        range.of(measured.statistic(HeadStatistic.ENTROPY))));
        FiniteLoss.require(result.loss(), List.of(origins.apply(m.row().prompt())));
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] = (float) (m.share() * result.slopes()[t]);
        }
        int padding = config.maxCompletionLength() - range.size();
        totals.add(
                placed.microBatch(),
                result,
                padding,
                paddingEntropy(measured, range.end(), padding));
    }

    /// TRL's mean entropy is over padding too. The first place behind a completion is predicted
    /// from its last token, each further one from the padding before it, and these are all alike.
    private double paddingEntropy(Measurement measured, int after, int padding) {
        if (!config.loss().trlCompat() || padding <= 0) {
            return 0;
        }
        float[] entropy = measured.statistic(HeadStatistic.ENTROPY);
        return entropy[after] + (padding - 1) * entropy[after + 1];
    }

    private void entropyLoss(PpoMember m, TargetRange range, float[] slopes) {
        for (int t = 0; t < range.size(); t++) {
            slopes[range.start() + t] =
                    (float) (-config.loss().entropyCoef() * m.share() * m.row().mask()[t]);
        }
    }
}
