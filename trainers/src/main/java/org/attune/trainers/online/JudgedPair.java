package org.attune.trainers.online;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// Two completions of a prompt with their rewards, in the order in which they were written: of
/// methods with an opponent the policy's comes first.
///
/// @param first of them
/// @param second likewise
/// @param firstReward total reward, penalties taken off
/// @param secondReward likewise
/// @param firstEnded whether it ended by itself
/// @param secondEnded likewise
/// @param origin of the prompt
record JudgedPair(
        LearnedCompletion first,
        LearnedCompletion second,
        double firstReward,
        double secondReward,
        boolean firstEnded,
        boolean secondEnded,
        RowOrigin origin) {
    /// Whether the first one is the better: of equal ones it is, as in TRL.
    boolean isInOrder() {
        return firstReward >= secondReward;
    }

    /// The better completion, then the other.
    List<LearnedCompletion> ranked() {
        return isInOrder() ? List.of(first, second) : List.of(second, first);
    }

    double endedShare() {
        return ((firstEnded ? 1 : 0) + (secondEnded ? 1 : 0)) / 2.0;
    }
}
