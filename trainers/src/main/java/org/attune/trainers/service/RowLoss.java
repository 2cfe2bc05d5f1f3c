package org.attune.trainers.service;

import org.attune.trainers.grpo.PolicyLoss;
import org.attune.trainers.layout.TargetRange;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Row;

/// The loss of one row, target by target.
///
/// @param loss of a target
/// @param row with what its targets count
record RowLoss(Loss loss, Row row) {
    private static final double NO_BOUND = Double.POSITIVE_INFINITY;

    /// Adds a row's loss up.
    ///
    /// @param said log-probability of each target of the forest, `(M)`
    /// @param range the row's targets
    /// @param slopes takes the derivative by each of them, `(M)`
    /// @return the row's loss
    double add(float[] said, TargetRange range, float[] slopes) {
        double sum = 0;
        for (int t = 0; t < range.size(); t++) {
            int target = range.start() + t;
            double factor = row.factors()[t];
            if (loss instanceof Loss.CrossEntropy) {
                sum -= factor * said[target];
                slopes[target] = (float) -factor;
            } else if (factor != 0 || loss instanceof Loss.Dro) { // 0 times any ratio is 0
                double logRatio = said[target] - row.sampled()[t];
                PolicyLoss.Term term = formula().term(logRatio, said[target], factor);
                sum += term.loss();
                slopes[target] = (float) (term.byLogRatio() + term.byLogProb());
            }
        }
        return sum;
    }

    private PolicyLoss formula() {
        return switch (loss) {
            case Loss.CrossEntropy _ -> throw new IllegalStateException("it has no ratio");
            case Loss.ImportanceSampling _ -> new PolicyLoss.Clipped(NO_BOUND, NO_BOUND, NO_BOUND);
            case Loss.Ppo(double low, double high) ->
                    new PolicyLoss.Clipped(1 - low, high - 1, NO_BOUND);
            case Loss.Cispo(double low, double high) -> new PolicyLoss.Cispo(low, high);
            case Loss.Dro(double beta) -> new PolicyLoss.Dro(beta);
        };
    }
}
