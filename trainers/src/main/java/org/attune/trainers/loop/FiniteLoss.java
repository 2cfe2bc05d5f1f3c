package org.attune.trainers.loop;

import org.attune.error.TrainingDivergedException;

import java.util.List;

/// Stops a run whose numbers are not finite, before its weights change.
public final class FiniteLoss {
    /// More rows than this make a message unreadable.
    private static final int NAMED = 10;

    private FiniteLoss() {}

    /// @param rows where the rows that the loss is of come from
    /// @throws TrainingDivergedException if `loss` isn't finite
    public static void require(double loss, List<String> rows) {
        if (!Double.isFinite(loss)) {
            throw diverged("the loss is " + loss, rows);
        }
    }

    public static TrainingDivergedException diverged(String what, List<String> rows) {
        return diverged(what, rows, "weights are those of the step before");
    }

    /// The error of a step that diverged when a part of the weights had changed already.
    static TrainingDivergedException divergedHalfway(String what, List<String> rows) {
        return diverged(
                what,
                rows,
                "optimizer_in_bwd has changed some weights of this step already, so go on from a"
                        + " checkpoint");
    }

    private static TrainingDivergedException diverged(
            String what, List<String> rows, String weights) {
        String named = String.join(", ", rows.subList(0, Math.min(NAMED, rows.size())));
        String more = rows.size() > NAMED ? " and %d more".formatted(rows.size() - NAMED) : "";
        return new TrainingDivergedException(
                "%s on %s%s; %s. Check the rows or learning_rate"
                        .formatted(what, named, more, weights));
    }
}
