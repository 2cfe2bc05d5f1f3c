package org.attune.episode;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Locale;

/// Why an episode ended.
@Api(STABLE)
public enum EndReason {
    /// The model's last turn calls no tool.
    ANSWERED,
    /// The environment, or a tool's final result, said so.
    ENVIRONMENT_DONE,
    /// `max_turns` or TRL's `max_tool_calling_iterations`.
    MAX_TURNS,
    /// `max_tool_calls`.
    MAX_CALLS,
    /// `max_sampled_tokens`.
    MAX_SAMPLED_TOKENS,
    /// `max_completion_length`: own tokens and those of tools together.
    MAX_TOKENS,
    /// The model or the cache takes no more tokens.
    CONTEXT_FULL,
    /// A turn was cut before its end token; none of its calls ran.
    TURN_CUT,
    /// `max_consecutive_errors` turns in a row had calls that could not be run.
    PARSE_ERRORS,
    /// `episode_timeout`.
    TIMEOUT,
    /// The world failed as often as is allowed: no reward, and outside of the group's baseline.
    FAILED;

    /// The reason's name in metrics: `episodes/end/max_turns`.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
