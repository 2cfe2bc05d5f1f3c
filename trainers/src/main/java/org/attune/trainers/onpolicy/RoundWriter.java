package org.attune.trainers.onpolicy;

/// Writes rounds ahead with the policy as it is, and reads what was written. It keeps nothing: what
/// it writes follows from the round's number, from the weights and from what is under way.
interface RoundWriter {
    /// Writes a round.
    ///
    /// @param number of the round
    /// @param left what the round before left under way ([WrittenRound#left]); empty at the
    ///     beginning of a run
    WrittenRound write(long number, byte[] left);

    /// A round's completions, as if they had just been completed.
    JudgedCompletions judged(WrittenRound round);
}
