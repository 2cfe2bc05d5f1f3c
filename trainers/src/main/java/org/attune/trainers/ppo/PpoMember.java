package org.attune.trainers.ppo;

import org.attune.trainers.step.RowAt;

import java.util.ArrayList;
import java.util.List;

/// A completion of an optimizer step with its shares of the step's loss.
///
/// @param share factor of its tokens' policy losses
/// @param valueShare factor of its states' value losses
record PpoMember(PpoRow row, double share, double valueShare) {
    List<int[]> sequences() {
        return row.tokens().sequences();
    }

    /// The completions of a step. A member's micro-batch is the slot of its statistics.
    ///
    /// @param partWeight as [UpdatePlan#partWeight] says
    static List<RowAt<PpoMember>> of(UpdatePlan.Step step, List<PpoRow> rows, double partWeight) {
        List<RowAt<PpoMember>> members = new ArrayList<>();
        for (UpdatePlan.Part part : step.parts()) {
            double tokens = 0;
            double states = 0;
            for (int i : part.rows()) {
                tokens += rows.get(i).counted();
                states += rows.get(i).countedStates();
            }
            for (int i : part.rows()) {
                var member =
                        new PpoMember(
                                rows.get(i),
                                partWeight / Math.max(1, tokens),
                                partWeight / Math.max(1, states));
                members.add(new RowAt<>(member, rows.get(i).prompt(), part.slot(), members.size()));
            }
        }
        return members;
    }
}
