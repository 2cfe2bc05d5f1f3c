package org.attune.optim;

/// A schedule whose learning rate follows what evaluations measure. It holds where it stands.
public sealed interface MeasuredSchedule permits PlateauSchedule, GreedySchedule {
    /// The learning rate now.
    double rate();

    /// Hears what an evaluation has measured.
    void measured(double metric);

    /// The schedule's state, as numbers.
    double[] state();

    /// Goes on from what [#state] gave.
    void restore(double[] state);

    /// When a value is better than the best one so far, as PyTorch's `ReduceLROnPlateau`.
    ///
    /// @param greater whether greater values are better
    /// @param threshold least difference that counts
    /// @param relative whether it is a share of the best value
    record Comparison(boolean greater, double threshold, boolean relative) {
        boolean isBetter(double value, double best) {
            double sign = greater ? 1 : -1;
            double bound = relative ? best * (1 + sign * threshold) : best + sign * threshold;
            return greater ? value > bound : value < bound;
        }

        /// What every value is better than.
        double worst() {
            return greater ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
    }
}
