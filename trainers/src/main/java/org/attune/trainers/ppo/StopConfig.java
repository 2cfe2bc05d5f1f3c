package org.attune.trainers.ppo;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// What ends a completion of PPO, and what it costs not to end.
///
/// @param stopToken what ends a completion
/// @param stopTokenId id of the one token that ends a completion, instead of `stop_token`
/// @param missingEosPenalty taken off the score of a completion that didn't end by itself; > 0
@CopyMethods
public record StopConfig(
        StopToken stopToken,
        @InRange(min = 0) OptionalInt stopTokenId,
        @InRange(min = 0, minOpen = true) OptionalDouble missingEosPenalty)
        implements StopConfigCopies {
    /// The defaults, as listed at the parameters.
    public static StopConfig defaults() {
        return StopConfigCopies.blank().withStopToken(StopToken.EOS);
    }

    /// Tokens that end a completion; empty: those that the model names.
    Optional<Set<Integer>> ids() {
        if (stopTokenId.isPresent()) {
            return Optional.of(Set.of(stopTokenId.getAsInt()));
        }
        return stopToken == StopToken.EOS ? Optional.empty() : Optional.of(Set.of());
    }
}
