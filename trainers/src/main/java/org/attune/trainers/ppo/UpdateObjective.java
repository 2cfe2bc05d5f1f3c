package org.attune.trainers.ppo;

import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.StepReport;
import org.attune.trainers.step.HeadSlopes;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;
import org.attune.trainers.step.StepSums;

import java.util.List;
import java.util.Map;

/// What an optimizer step of an update learns: a part of the loss, by one of the two models.
interface UpdateObjective extends StepObjective<PpoMember, CompletionForest> {
    /// Derivatives of the loss of a group, whose numbers are added to the update's.
    HeadSlopes derivatives(
            List<RowAt<PpoMember>> group,
            CompletionForest forest,
            Measurement measured,
            UpdateTotals totals);

    @Override
    default List<int[]> sequences(PpoMember member) {
        return member.sequences();
    }

    @Override
    default int tokens(PpoMember member) {
        return member.row().tokens().length();
    }

    /// Sums that add to those of the update.
    default StepSums<PpoMember, CompletionForest> into(UpdateTotals totals) {
        return new StepSums<>() {
            @Override
            public HeadSlopes add(
                    List<RowAt<PpoMember>> group,
                    CompletionForest forest,
                    Measurement measured,
                    List<double[]> reference) {
                return derivatives(group, forest, measured, totals);
            }

            @Override
            public StepReport step() {
                throw new IllegalStateException("an update reports, not its steps");
            }

            @Override
            public Map<String, Double> evaluation() {
                throw new IllegalStateException("held-out prompts are judged, not learned");
            }
        };
    }

    @Override
    default StepSums<PpoMember, CompletionForest> open(
            List<RowAt<PpoMember>> rows, int microBatches) {
        throw new IllegalStateException("sums belong to the update");
    }
}
