package org.attune.trainers.unpaired;

/// The mean of all values so far, micro-batch by micro-batch: BCO's reward shift δ.
///
/// @param mean  0 before the first value
/// @param count values so far, ≥ 0
record RunningMean(double mean, long count) {
    /// The mean before the first value.
    public static final RunningMean NONE = new RunningMean(0, 0);

    /// @throws IllegalArgumentException if the mean isn't finite or the count is negative
    public RunningMean {
        if (!Double.isFinite(mean) || count < 0) {
            throw new IllegalArgumentException(
                    "a running mean needs a finite mean and a count >= 0, got %s of %d values"
                            .formatted(mean, count));
        }
    }

    /// Adds values to the mean:
    /// ```
    /// δ' = δ + (mean(r) − δ) n / (count + n)
    /// ```
    ///
    /// @param values r, `(n)`; none of them changes nothing
    public RunningMean with(double[] values) {
        if (values.length == 0) {
            return this;
        }
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        long total = count + values.length;
        double step = (sum / values.length - mean) * values.length / total;
        return new RunningMean(mean + step, total);
    }
}
