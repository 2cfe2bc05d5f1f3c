package org.attune.rollout;

/// A turn that a [TurnSampler] sampled. A named tuple: equality is identity of the arrays.
///
/// @param sequence number of its sequence
/// @param ids sampled tokens, the end token included
/// @param logProbs natural log-probability of each, as in [SampledCompletion#logProbs]
/// @param reason why it ended
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SampledTurn(int sequence, int[] ids, float[] logProbs, StopReason reason) {
    public SampledTurn {
        if (logProbs.length != ids.length) {
            throw new IllegalArgumentException(
                    "%d tokens with %d log-probabilities".formatted(ids.length, logProbs.length));
        }
    }
}
