package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.model.layer.ExpertLoad;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/// Numbers of each target of a forest, on the host.
///
/// @param tokenLogProbs natural log-probability of each target, `(M)`, smoothed if the request says
///     so; of a sequence-classification model its score, as it comes out of the head
/// @param statistics the requested statistics, each `(M)`, but STATE, which is `(M D)`
/// @param loads how routers divide the tokens of each tree of the forest, in order, where the
///     policy balances experts ([CausalPolicy#routerLoss]); else empty
@Api(EXPERIMENTAL)
public record Measurement(
        float[] tokenLogProbs, Map<HeadStatistic, float[]> statistics, List<ExpertLoad> loads) {
    public Measurement {
        var copy = new EnumMap<HeadStatistic, float[]>(HeadStatistic.class);
        copy.putAll(statistics);
        statistics = copy;
        loads = List.copyOf(loads);
    }

    /// Numbers without loads.
    public Measurement(float[] tokenLogProbs, Map<HeadStatistic, float[]> statistics) {
        this(tokenLogProbs, statistics, List.of());
    }

    /// Replaces the loads.
    public Measurement withLoads(List<ExpertLoad> others) {
        return new Measurement(tokenLogProbs, statistics, others);
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
