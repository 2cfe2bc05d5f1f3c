package org.attune.rollout;

/// What was generated for one prompt. A named tuple: equality is identity of the arrays.
///
/// @param ids sampled tokens, a stop token included
/// @param logProbs natural log-probability of each under the model itself: temperature 1, no
///     penalties, nothing left out
/// @param reason why it ended
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SampledCompletion(int[] ids, float[] logProbs, StopReason reason) {}
