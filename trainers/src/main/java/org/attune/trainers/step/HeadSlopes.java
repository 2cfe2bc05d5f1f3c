package org.attune.trainers.step;

import org.attune.policy.HeadStatistic;

import java.util.Map;

/// Derivatives of a step's loss by what the head reports of a group's targets.
///
/// @param targets by each target's log-probability or score, `(M)`
/// @param statistics by statistics that can be learned from, `(M)` each
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record HeadSlopes(float[] targets, Map<HeadStatistic, float[]> statistics) {
    /// The derivatives of a loss that depends on log-probabilities or scores alone.
    public static HeadSlopes of(float... targets) {
        return new HeadSlopes(targets, Map.of());
    }
}
