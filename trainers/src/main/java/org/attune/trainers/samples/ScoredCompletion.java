package org.attune.trainers.samples;

import org.attune.trainers.examples.LikelyTokens;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A completion with what it was worth.
///
/// @param text without special tokens
/// @param finishReason `stop`, or `length` for what was cut short
/// @param tokens their number
/// @param rewards of each function; NaN where it doesn't apply
/// @param reward weighted sum of those there are; NaN if there are none
/// @param likely its tokens, and the likeliest ones in the place of each; empty unless asked for
record ScoredCompletion(
        String text,
        String finishReason,
        int tokens,
        Map<String, Double> rewards,
        double reward,
        Optional<LikelyTokens> likely) {
    ScoredCompletion {
        rewards = Collections.unmodifiableMap(new LinkedHashMap<>(rewards));
    }

    /// A completion of which no likeliest tokens were asked for.
    ScoredCompletion(
            String text,
            String finishReason,
            int tokens,
            Map<String, Double> rewards,
            double reward) {
        this(text, finishReason, tokens, rewards, reward, Optional.empty());
    }

    boolean isTruncated() {
        return finishReason.equals("length");
    }

    boolean isJudged() {
        return !Double.isNaN(reward);
    }
}
