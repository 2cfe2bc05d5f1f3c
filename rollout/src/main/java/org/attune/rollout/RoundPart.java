package org.attune.rollout;

/// A part of a round whose prompts are dealt among devices. A named tuple: equality is identity of
/// the array.
///
/// @param round number of the round, from 0
/// @param device that completes it, 0 … devices − 1
/// @param devices of the run, ≥ 1
/// @param completions of the whole round
/// @param places of the part's completions in the round, from 0
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record RoundPart(long round, int device, int devices, int completions, int[] places) {
    /// A number that no other part of the run has; with one device that of the round.
    public long number() {
        return round * devices + device;
    }
}
