package org.attune.agents.loop;

import org.attune.records.CopyMethods;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/// How long an episode may go on. What is empty sets no limit. Beside these there are the limits
/// that a run has anyhow: `max_completion_length`, for an episode's own tokens and those of its
/// tools together, and the positions of the model.
///
/// @param maxTurns of an episode, ≥ 1. The calls of the last one run, but nothing follows them
/// @param maxToolCalls of an episode, ≥ 0. A turn that asks for more has its first calls run, and
///     the episode ends
/// @param maxSampledTokens own tokens of an episode, ≥ 1
/// @param maxTurnTokens own tokens of a turn, ≥ 1. A turn that is longer is cut, and ends the
///     episode without running its calls
/// @param maxResultTokens of a tool's answer, ≥ 16. A longer one is shortened in its middle, with a
///     notice
/// @param maxConsecutiveErrors the episode ends after so many turns in a row that had calls and of
///     which none could be run, ≥ 1
/// @param episodeTimeout of an episode, from its begin
/// @param toolTimeout of a call, if the tool's own limit isn't shorter, and of each method of an
///     environment
@CopyMethods
public record EpisodeLimits(
        OptionalInt maxTurns,
        OptionalInt maxToolCalls,
        OptionalInt maxSampledTokens,
        OptionalInt maxTurnTokens,
        OptionalInt maxResultTokens,
        OptionalInt maxConsecutiveErrors,
        Optional<Duration> episodeTimeout,
        Optional<Duration> toolTimeout)
        implements EpisodeLimitsCopies {
    /// Results have 1024 tokens at most, three turns in a row may fail; else no limits.
    private static final EpisodeLimits DEFAULTS =
            new EpisodeLimits(
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.of(1024),
                    OptionalInt.of(3),
                    Optional.empty(),
                    Optional.empty());

    public EpisodeLimits {
        require("max_turns", maxTurns, 1);
        require("max_tool_calls", maxToolCalls, 0);
        require("max_sampled_tokens", maxSampledTokens, 1);
        require("max_turn_tokens", maxTurnTokens, 1);
        require("max_result_tokens", maxResultTokens, 16);
        require("max_consecutive_errors", maxConsecutiveErrors, 1);
        require("episode_timeout", episodeTimeout);
        require("tool_timeout", toolTimeout);
    }

    private static void require(String key, OptionalInt value, int least) {
        if (value.isPresent() && value.getAsInt() < least) {
            throw new IllegalArgumentException(
                    "%s is %d; accepted: at least %d".formatted(key, value.getAsInt(), least));
        }
    }

    private static void require(String key, Optional<Duration> value) {
        if (value.isPresent() && !value.get().isPositive()) {
            throw new IllegalArgumentException(
                    key + " is " + value.get() + "; accepted: more than no time");
        }
    }

    /// Results have 1024 tokens at most, three turns in a row may fail; else no limits.
    public static EpisodeLimits defaults() {
        return DEFAULTS;
    }

    /// No limits.
    public static EpisodeLimits none() {
        OptionalInt none = OptionalInt.empty();
        return new EpisodeLimits(
                none, none, none, none, none, none, Optional.empty(), Optional.empty());
    }
}
