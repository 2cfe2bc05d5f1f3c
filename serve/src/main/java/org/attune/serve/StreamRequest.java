package org.attune.serve;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// How an answer is sent, and keys of requests that change nothing here.
///
/// @param isStream whether in pieces
/// @param hasUsage whether a last piece counts tokens
/// @param hasIds whether the tokens' ids are told
/// @param byIds whether tokens are called `token_id:N`
/// @param timeout after which the answer ends as it is
record StreamRequest(
        boolean isStream,
        boolean hasUsage,
        boolean hasIds,
        boolean byIds,
        Optional<Duration> timeout) {
    private static final double MOST_SECONDS = 1e6;

    /// The keys that are read here. The last ones are accepted and have no effect.
    static final Set<String> KEYS =
            Set.of(
                    "stream",
                    "stream_options",
                    "timeout",
                    "return_token_ids",
                    "return_tokens_as_token_ids",
                    "user",
                    "metadata",
                    "store",
                    "prompt_cache_key",
                    "prompt_cache_retention",
                    "safety_identifier",
                    "service_tier");

    static StreamRequest read(Fields body) throws ApiException {
        boolean isStream = body.flag("stream", false);
        Optional<Fields> options = body.object("stream_options");
        if (options.isPresent() && !isStream) {
            throw body.bad("stream_options", "needs \"stream\": true");
        }
        boolean hasUsage = false;
        if (options.isPresent()) {
            options.get().require(Set.of("include_usage", "include_obfuscation"), Map.of());
            if (options.get().flag("include_obfuscation", false)) {
                throw options.get().bad("include_obfuscation", "is true, but isn't supported");
            }
            hasUsage = options.get().flag("include_usage", false);
        }
        return new StreamRequest(
                isStream,
                hasUsage,
                body.flag("return_token_ids", false),
                body.flag("return_tokens_as_token_ids", false),
                timeout(body.number("timeout", 0, MOST_SECONDS)));
    }

    /// Refuses to store an answer.
    static void refuseStore(Fields body) throws ApiException {
        if (body.flag("store", false)) {
            throw body.bad("store", "is true, but nothing is stored here");
        }
    }

    private static Optional<Duration> timeout(OptionalDouble seconds) {
        return seconds.isPresent()
                ? Optional.of(Duration.ofMillis(Math.max(1, (long) (1000 * seconds.getAsDouble()))))
                : Optional.empty();
    }
}
