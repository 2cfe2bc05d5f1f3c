package org.attune.rollout;

import java.util.List;

/// What was generated for one prompt. A named tuple: equality is identity of the arrays.
///
/// @param ids sampled tokens, a stop token included
/// @param logProbs natural log-probability of each under the model itself: temperature 1, no
///     penalties, nothing left out
/// @param reason why it ended
/// @param top likeliest tokens at each position; empty unless they were asked for
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SampledCompletion(
        int[] ids, float[] logProbs, StopReason reason, List<TopTokens> top) {
    public SampledCompletion {
        top = List.copyOf(top);
    }

    /// Without likeliest tokens.
    public SampledCompletion(int[] ids, float[] logProbs, StopReason reason) {
        this(ids, logProbs, reason, List.of());
    }
}
