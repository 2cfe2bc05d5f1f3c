package org.attune.trainers.onpolicy;

import java.util.List;

/// Writes rounds ahead with the policy as it is, and reads what was written. It keeps nothing: what
/// it writes follows from the rounds' numbers, from the weights and from what is under way.
interface RoundWriter {
    /// Rounds that are written with the same weights, one behind the other, ≥ 1.
    int together();

    /// Writes [#together] rounds.
    ///
    /// @param first number of the first of them
    /// @param left what the rounds before left under way ([WrittenRound#left]); empty at the
    ///     beginning of a run
    /// @return the rounds, of which the last one says what is under way
    List<WrittenRound> write(long first, byte[] left);

    /// A round's completions, as if they had just been completed.
    JudgedCompletions judged(WrittenRound round);
}
