package org.attune.reward.judge;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A judge at a server with the OpenAI kind of `/chat/completions`.
///
/// @param server how it is reached
/// @param asked what it is asked
/// @param sampling how it answers
/// @param cache folder of answers; empty: none is kept
public record JudgeSettings(Server server, Asked asked, Sampling sampling, Optional<Path> cache) {

    /// How a server is reached.
    ///
    /// @param baseUrl up to `/v1`
    /// @param model its name there
    /// @param key sent as bearer token
    /// @param concurrency requests at once, ≥ 1
    /// @param requestsPerMinute at most; empty: any number
    /// @param tokensPerMinute of requests and answers at most; empty: any number
    /// @param timeout of one answer, from the request to its last byte
    /// @param pause before a second attempt; doubles with each
    public record Server(
            String baseUrl,
            String model,
            Optional<String> key,
            int concurrency,
            OptionalInt requestsPerMinute,
            OptionalInt tokensPerMinute,
            Duration timeout,
            Duration pause) {}

    /// What a judge is asked.
    ///
    /// @param system message before it
    /// @param isGroup whether the completions of a prompt are shown together and compared
    /// @param seed of the order in which they are shown
    public record Asked(
            Optional<String> system,
            JudgePrompt prompt,
            JudgeScale scale,
            boolean isGroup,
            long seed) {}

    /// How a judge answers.
    ///
    /// @param temperature 0 for the likeliest answer
    /// @param maxTokens of an answer
    /// @param extraBody further fields of requests, JSON values; null takes a field out
    public record Sampling(double temperature, int maxTokens, Map<String, Object> extraBody) {
        public Sampling {
            extraBody = Collections.unmodifiableMap(new LinkedHashMap<>(extraBody));
        }
    }
}
