package org.attune.rollout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// Why a completion ended.
@Api(EXPERIMENTAL)
public enum StopReason {
    /// A stop token was sampled; it is the completion's last.
    STOP_TOKEN,
    /// The text contains a stop string; the completion ends with the token that completed it.
    STOP_STRING,
    /// `max_new_tokens` were sampled, or the cache is full.
    MAX_TOKENS,
    /// The listener asked for no more.
    CANCELLED,
    /// `max_time` was over.
    DEADLINE;

    /// Whether the model ended the text itself.
    public boolean isFinished() {
        return this == STOP_TOKEN || this == STOP_STRING;
    }

    /// The reason as servers of the OpenAI kind say it: `stop`, or `length` for what was cut short.
    public String finishReason() {
        return isFinished() ? "stop" : "length";
    }
}
