package org.attune.trainers.sweep;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Gives up a trial whose best number so far is worse than the median of the others at the same
/// step.
///
/// @param smaller whether smaller numbers are better
record MedianRule(boolean smaller) {
    /// Trials that must be finished before one is given up.
    static final int FEWEST = 5;

    /// Whether the trial is to be given up.
    ///
    /// @param sofar its numbers by step
    /// @param others trials before it
    public boolean gives(Map<Integer, Double> sofar, List<SweepTrial> others) {
        if (sofar.isEmpty()) {
            return false;
        }
        int step = new TreeMap<>(sofar).lastKey();
        double[] at =
                others.stream()
                        .filter(t -> t.state() == SweepTrial.State.COMPLETE)
                        .filter(t -> t.steps().containsKey(step))
                        .mapToDouble(t -> t.steps().get(step))
                        .sorted()
                        .toArray();
        if (at.length < FEWEST) {
            return false;
        }
        int half = at.length / 2;
        double median = at.length % 2 == 1 ? at[half] : (at[half - 1] + at[half]) / 2;
        double best =
                smaller
                        ? sofar.values().stream().mapToDouble(v -> v).min().getAsDouble()
                        : sofar.values().stream().mapToDouble(v -> v).max().getAsDouble();
        return smaller ? !(best <= median) : !(best >= median);
    }
}
