package org.attune.trainers.samples;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// A completion with what it was worth.
///
/// @param text without special tokens
/// @param finishReason `stop`, or `length` for what was cut short
/// @param tokens their number
/// @param rewards of each function; NaN where it doesn't apply
/// @param reward weighted sum of those there are; NaN if there are none
record ScoredCompletion(
        String text, String finishReason, int tokens, Map<String, Double> rewards, double reward) {
    ScoredCompletion {
        rewards = Collections.unmodifiableMap(new LinkedHashMap<>(rewards));
    }

    boolean isTruncated() {
        return finishReason.equals("length");
    }

    boolean isJudged() {
        return !Double.isNaN(reward);
    }
}
