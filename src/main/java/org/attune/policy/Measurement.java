package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.EnumMap;
import java.util.Map;

/// Numbers of each target of a forest, on the host.
///
/// @param tokenLogProbs natural log-probability of each target, `(M)`, smoothed if the request says
///     so; of a sequence-classification model its score, as it comes out of the head
/// @param statistics the requested statistics, each `(M)`
@Api(EXPERIMENTAL)
public record Measurement(float[] tokenLogProbs, Map<HeadStatistic, float[]> statistics) {
    public Measurement {
        var copy = new EnumMap<HeadStatistic, float[]>(HeadStatistic.class);
        copy.putAll(statistics);
        statistics = copy;
    }

    /// @throws IllegalArgumentException if the statistic wasn't requested
    public float[] statistic(HeadStatistic which) {
        float[] values = statistics.get(which);
        if (values == null) {
            throw new IllegalArgumentException(which + " was not requested of this evaluation");
        }
        return values;
    }
}
