package org.attune.reports.page;

import java.util.Arrays;
import java.util.BitSet;

/// A metric over the steps of a run. A named tuple.
///
/// @param run number of the run on the page
/// @param name what the legend says
/// @param colour number of its colour: a metric has the same in training and held out
/// @param heldOut whether it was measured in evaluations
/// @param steps `(P)`, rising
/// @param values `(P)`, finite
/// @param means of the stretches of which the points are the extremes, `(P)`; empty if no point was
///     left out
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record Curve(
        int run,
        String name,
        int colour,
        boolean heldOut,
        double[] steps,
        double[] values,
        double[] means) {
    int size() {
        return steps.length;
    }

    /// At most about so many points: the steps are cut into stretches of equal length, of each of
    /// which the smallest and the largest value stay, beside the first point and the last. So peaks
    /// stay, and equal runs give equal points.
    ///
    /// @param points at least 4
    Curve thinned(int points) {
        if (size() <= points) {
            return this;
        }
        int stretches = (points - 2) / 2;
        double first = steps[0];
        double width = (steps[size() - 1] - first) / stretches;
        var kept = new BitSet(size());
        kept.set(0);
        kept.set(size() - 1);
        var stretchMeans = new double[size()];
        int from = 0;
        for (int s = 0; s < stretches && from < size(); s++) {
            double end = s == stretches - 1 ? Double.POSITIVE_INFINITY : first + width * (s + 1);
            int least = from;
            int most = from;
            int at = from;
            double sum = 0;
            for (; at < size() && steps[at] < end; at++) {
                sum += values[at];
                least = values[at] < values[least] ? at : least;
                most = values[at] > values[most] ? at : most;
            }
            if (at > from) {
                kept.set(least);
                kept.set(most);
                Arrays.fill(stretchMeans, from, at, sum / (at - from));
            }
            from = at;
        }
        int[] indices = kept.stream().toArray();
        var shownSteps = new double[indices.length];
        var shownValues = new double[indices.length];
        var shownMeans = new double[indices.length];
        for (int i = 0; i < indices.length; i++) {
            shownSteps[i] = steps[indices[i]];
            shownValues[i] = values[indices[i]];
            shownMeans[i] = stretchMeans[indices[i]];
        }
        return new Curve(run, name, colour, heldOut, shownSteps, shownValues, shownMeans);
    }
}
