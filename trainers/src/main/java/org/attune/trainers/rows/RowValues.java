package org.attune.trainers.rows;

import org.attune.trainers.loop.MetricKeys;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What an evaluation found of single rows, in whatever order they came.
public final class RowValues {
    private final TreeMap<Integer, Map<String, Double>> byPosition = new TreeMap<>();

    /// Notes a pair of completions.
    ///
    /// @param position of the row in the evaluation
    /// @param chosen reward or score of the chosen one
    /// @param rejected the same of the rejected one
    public void pair(int position, double chosen, double rejected) {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put(
                MetricKeys.PREFERENCE_ACCURACY,
                chosen > rejected ? 1.0 : chosen == rejected ? 0.5 : 0.0);
        values.put(MetricKeys.REWARDS_MARGINS, chosen - rejected);
        values.put(MetricKeys.REWARDS_CHOSEN, chosen);
        values.put(MetricKeys.REWARDS_REJECTED, rejected);
        byPosition.put(position, values);
    }

    /// Notes a completion with a label.
    ///
    /// @param desirable its label
    /// @param reward of the completion
    /// @param right 1 if it is on its label's side, 0.5 if between, else 0
    public void labelled(int position, boolean desirable, double reward, double right) {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put(MetricKeys.ACCURACY, right);
        values.put(desirable ? MetricKeys.REWARDS_CHOSEN : MetricKeys.REWARDS_REJECTED, reward);
        byPosition.put(position, values);
    }

    /// Notes a metric of a row.
    public void put(int position, String metric, double value) {
        byPosition.computeIfAbsent(position, _ -> new LinkedHashMap<>()).put(metric, value);
    }

    /// The rows by their positions, from 0; empty if one is missing, as its place would be
    /// another's.
    public List<Map<String, Double>> inOrder() {
        if (byPosition.isEmpty() || byPosition.lastKey() != byPosition.size() - 1) {
            return List.of();
        }
        return List.copyOf(byPosition.values());
    }
}
