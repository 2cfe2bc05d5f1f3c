package org.attune.agents.loop;

import org.attune.episode.EndReason;

import java.util.OptionalInt;

/// How many tokens the next turn of an episode may have.
///
/// @param limits of the episode
/// @param maxCompletionLength most tokens after the prompt, own and others
/// @param context most tokens with the prompt
record TurnBudget(EpisodeLimits limits, int maxCompletionLength, int context) {
    /// Room for a turn.
    ///
    /// @param most tokens; the episode ends if this is below 1
    /// @param end why the episode ends where they are used up
    record Room(int most, EndReason end) {
        boolean isEmpty() {
            return most < 1;
        }

        private Room or(OptionalInt other, EndReason reason) {
            return other.isPresent() && other.getAsInt() < most
                    ? new Room(other.getAsInt(), reason)
                    : this;
        }
    }

    /// @param length tokens of prompt and completion that the turn follows
    /// @param completionLength of them, those after the prompt
    /// @param sampledTokens of them, the policy's own
    Room room(int length, int completionLength, int sampledTokens) {
        OptionalInt sampled = limits.maxSampledTokens();
        return new Room(maxCompletionLength - completionLength, EndReason.MAX_TOKENS)
                .or(
                        sampled.isPresent()
                                ? OptionalInt.of(sampled.getAsInt() - sampledTokens)
                                : sampled,
                        EndReason.MAX_SAMPLED_TOKENS)
                .or(OptionalInt.of(context - length), EndReason.CONTEXT_FULL)
                .or(limits.maxTurnTokens(), EndReason.TURN_CUT);
    }
}
