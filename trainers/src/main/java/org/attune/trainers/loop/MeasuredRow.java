package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What an evaluation found of a row that was given, not generated.
///
/// @param where file and line of the row
/// @param values by [MetricKeys], without prefix
@Api(EXPERIMENTAL)
public record MeasuredRow(String where, Map<String, Double> values) {
    private static final List<String> REWARDS =
            List.of(MetricKeys.REWARDS_CHOSEN, MetricKeys.REWARDS_REJECTED);

    public MeasuredRow {
        values = new LinkedHashMap<>(values);
    }

    /// Whether the row has rewards, and all of them are 0, as where the policy is its reference.
    public boolean isEven() {
        return isEven(values);
    }

    /// Whether there are rewards of a row among its values, and all of them are 0.
    public static boolean isEven(Map<String, Double> values) {
        return REWARDS.stream().anyMatch(values::containsKey)
                && REWARDS.stream().allMatch(key -> values.getOrDefault(key, 0.0) == 0);
    }
}
