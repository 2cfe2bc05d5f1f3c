package org.attune.policy;

import java.util.Locale;

/// What few bits leave out of weights, and how much of that is left beside an adapter that begins
/// to bring it back. Sums of squares over all numbers.
///
/// @param weights of the weights as the model's files have them; 0 where none is in few bits
/// @param alone of what few bits leave out
/// @param mended of what the adapter doesn't bring back of that
record LostBits(double weights, double alone, double mended) {
    static final LostBits NONE = new LostBits(0, 0, 0);

    LostBits plus(LostBits other) {
        return new LostBits(weights + other.weights, alone + other.alone, mended + other.mended);
    }

    /// The root mean squares, for the log.
    @Override
    public String toString() {
        return weights == 0
                ? "no adapted weight is in few bits, so the adapter begins as any other"
                : String.format(
                        Locale.ROOT,
                        "adapted weights are off by %.2f %% (root mean square) with the adapter, by"
                                + " %.2f %% without it",
                        100 * Math.sqrt(mended / weights),
                        100 * Math.sqrt(alone / weights));
    }
}
