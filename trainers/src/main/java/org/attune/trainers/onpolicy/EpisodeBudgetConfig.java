package org.attune.trainers.onpolicy;

import org.attune.agents.loop.EpisodeLimits;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.InRange;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/// How long an episode may go on, beside `max_completion_length` for all tokens behind its prompt.
/// What is unset sets no limit, unless said otherwise.
///
/// @param maxTurns of an episode, ≥ 1
/// @param maxToolCalls of an episode, ≥ 0
/// @param maxSampledTokens own tokens of an episode, ≥ 1
/// @param maxTurnTokens own tokens of a turn, ≥ 1; a longer one is cut, and its calls don't run
/// @param maxResultTokens of a tool's answer, ≥ 16; a longer one is shortened in its middle, with a
///     notice. Unset: 1024, under `trl_compat` no limit
/// @param maxConsecutiveErrors turns in a row of which no call could be run, ≥ 1; the last one ends
///     the episode. Unset: 3, under `trl_compat` no limit
/// @param episodeTimeout seconds of an episode
/// @param toolTimeout seconds of a call, unless the tool's own limit is shorter
@CopyMethods
public record EpisodeBudgetConfig(
        @InRange(min = 1) OptionalInt maxTurns,
        @InRange(min = 0) OptionalInt maxToolCalls,
        @InRange(min = 1) OptionalInt maxSampledTokens,
        @InRange(min = 1) OptionalInt maxTurnTokens,
        @InRange(min = 16) OptionalInt maxResultTokens,
        @InRange(min = 1) OptionalInt maxConsecutiveErrors,
        @InRange(min = 0, minOpen = true) OptionalDouble episodeTimeout,
        @InRange(min = 0, minOpen = true) OptionalDouble toolTimeout)
        implements EpisodeBudgetConfigCopies {
    /// The defaults, as listed at the parameters.
    public static EpisodeBudgetConfig defaults() {
        return EpisodeBudgetConfigCopies.blank();
    }

    /// The limits that the loop of episodes takes.
    EpisodeLimits limits(boolean trlCompat) {
        EpisodeLimits unset = trlCompat ? EpisodeLimits.none() : EpisodeLimits.defaults();
        return new EpisodeLimits(
                maxTurns,
                maxToolCalls,
                maxSampledTokens,
                maxTurnTokens,
                maxResultTokens.isPresent() ? maxResultTokens : unset.maxResultTokens(),
                maxConsecutiveErrors.isPresent()
                        ? maxConsecutiveErrors
                        : unset.maxConsecutiveErrors(),
                duration(episodeTimeout),
                duration(toolTimeout));
    }

    /// What is set, by its key.
    Map<String, Object> given() {
        Map<String, Object> given = new LinkedHashMap<>();
        maxTurns.ifPresent(v -> given.put("max_turns", v));
        maxToolCalls.ifPresent(v -> given.put("max_tool_calls", v));
        maxSampledTokens.ifPresent(v -> given.put("max_sampled_tokens", v));
        maxTurnTokens.ifPresent(v -> given.put("max_turn_tokens", v));
        maxResultTokens.ifPresent(v -> given.put("max_result_tokens", v));
        maxConsecutiveErrors.ifPresent(v -> given.put("max_consecutive_errors", v));
        episodeTimeout.ifPresent(v -> given.put("episode_timeout", v));
        toolTimeout.ifPresent(v -> given.put("tool_timeout", v));
        return given;
    }

    /// The given limits of tools, by their keys.
    Map<String, Object> ofTools() {
        Map<String, Object> given = given();
        given.keySet()
                .retainAll(
                        Set.of(
                                "max_tool_calls",
                                "max_result_tokens",
                                "max_consecutive_errors",
                                "tool_timeout"));
        return given;
    }

    private static Optional<Duration> duration(OptionalDouble seconds) {
        return seconds.isEmpty()
                ? Optional.empty()
                : Optional.of(Duration.ofNanos(Math.round(1e9 * seconds.getAsDouble())));
    }
}
