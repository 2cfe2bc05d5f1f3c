package org.attune.rollout;

import org.attune.error.ConfigException;

/// How tokens are chosen.
///
/// @param temperature divisor of logits, finite; 0 takes the likeliest token
/// @param topK how many tokens may be chosen; 0: all
/// @param topP share of probability from which one is chosen, in (0, 1]
/// @param maxNewTokens most tokens of a completion, ≥ 1
/// @param seed of the choices
public record SamplingOptions(
        double temperature, int topK, double topP, int maxNewTokens, long seed) {
    /// @throws ConfigException if a value is NaN or outside its range
    public SamplingOptions {
        require(
                temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
                "temperature",
                temperature,
                "a finite number >= 0");
        require(topK >= 0, "top_k", topK, "a whole number >= 0");
        require(topP > 0 && topP <= 1, "top_p", topP, "a number in (0, 1]");
        require(maxNewTokens >= 1, "max_new_tokens", maxNewTokens, "a whole number >= 1");
    }

    private static void require(boolean holds, String name, Object value, String accepted) {
        if (!holds) {
            throw new ConfigException(name + ": " + value + "; accepted: " + accepted);
        }
    }

    /// The likeliest token each time.
    public static SamplingOptions greedy(int maxNewTokens) {
        return new SamplingOptions(0, 0, 1, maxNewTokens, 0);
    }
}
