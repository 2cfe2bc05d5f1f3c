package org.attune.checkpoint;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The state of a run, beside its tensors. The position in the data and all random streams follow
/// from `step` and the seeds in `identity`.
///
/// @param step optimizer steps done
/// @param tokens tokens seen so far, as TRL counts `num_tokens`
/// @param lossSum sum of the steps' losses over the whole run
/// @param pending sums since the last log, by metric
/// @param heldoutBefore metrics of the evaluation before the first step; empty if there was none
/// @param identity what the run is made of: configuration keys and fingerprints of the data, as
///     text. A run resumes only where all of them are equal
/// @param logHistory everything logged so far
public record RunState(
        int step,
        long tokens,
        double lossSum,
        Map<String, Mean> pending,
        Map<String, Double> heldoutBefore,
        Map<String, String> identity,
        List<Map<String, Object>> logHistory) {

    /// A mean in the making.
    ///
    /// @param sum of the values so far
    /// @param count how many
    public record Mean(double sum, long count) {}

    public RunState {
        pending = ordered(pending);
        heldoutBefore = ordered(heldoutBefore);
        identity = ordered(identity);
        logHistory = List.copyOf(logHistory);
    }

    private static <V> Map<String, V> ordered(Map<String, V> map) {
        if (map.values().stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException("a value is missing in " + map);
        }
        return Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }
}
