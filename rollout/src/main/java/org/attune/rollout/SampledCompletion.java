package org.attune.rollout;

import java.util.BitSet;
import java.util.List;

/// What was generated for one prompt. A named tuple: equality is identity of the arrays.
///
/// @param ids sampled tokens, a stop token included
/// @param logProbs natural log-probability of each under the model itself: temperature 1, no
///     penalties, nothing left out
/// @param reason why it ended
/// @param top likeliest tokens at each position; empty unless they were asked for
/// @param foreign where a token is not the model's own, as the answer of a tool, and must not be
///     trained; empty if all are its own
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SampledCompletion(
        int[] ids, float[] logProbs, StopReason reason, List<TopTokens> top, BitSet foreign) {
    public SampledCompletion {
        top = List.copyOf(top);
        foreign = (BitSet) foreign.clone();
    }

    /// With tokens that are all the model's own.
    public SampledCompletion(int[] ids, float[] logProbs, StopReason reason, List<TopTokens> top) {
        this(ids, logProbs, reason, top, new BitSet());
    }

    /// Tokens of the model's own.
    public int ownTokens() {
        return ids.length - foreign.cardinality();
    }

    /// Without likeliest tokens.
    public SampledCompletion(int[] ids, float[] logProbs, StopReason reason) {
        this(ids, logProbs, reason, List.of());
    }
}
