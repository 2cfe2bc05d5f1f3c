package org.attune.reward.builtin;

import org.attune.reward.Completion;
import org.attune.reward.PerCompletion;
import org.attune.reward.RewardFunction;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/// Rewards for the length of a completion and against repetition.
final class LengthRewards {
    private LengthRewards() {}

    /// 1 where the length is in `[min, max]`; outside it falls by 1 over `falloff` units, down to
    /// 0. Parameters: `unit` (`tokens`, `characters`, `words`), `min` (0), `max` (unlimited),
    /// `falloff` (0: at once).
    static RewardFunction length(String name, Parameters parameters) {
        String unit = parameters.choice("unit", "tokens", "characters", "words");
        int min = parameters.integer("min", 0, 0);
        int max = parameters.integer("max", Integer.MAX_VALUE, 0);
        double falloff = parameters.number("falloff", 0);
        if (max < min) {
            parameters.problem("max must be at least min, got %d and %d".formatted(max, min));
        }
        if (falloff < 0) {
            parameters.problem("falloff must not be negative, got " + falloff);
        }
        if (!parameters.has("min") && !parameters.has("max")) {
            parameters.problem("min or max is needed");
        }
        parameters.check();
        return new PerCompletion(
                name,
                row -> {
                    int length = measure(row.completion(), unit);
                    int distance = Math.max(0, Math.max(min - length, length - max));
                    return distance == 0 ? 1 : Math.max(0, 1 - distance / falloff);
                });
    }

    private static int measure(Completion completion, String unit) {
        return switch (unit) {
            case "tokens" -> completion.tokens().length;
            case "characters" -> completion.text().codePointCount(0, completion.text().length());
            default ->
                    completion.text().isBlank()
                            ? 0
                            : completion.text().strip().split("\\s+").length;
        };
    }

    /// TRL's `get_soft_overlong_punishment`, [Yu et al. 2025, DAPO, Eq.
    /// 13](https://arxiv.org/abs/2503.14476): 0 up to `max_completion_len - soft_punish_cache`
    /// tokens, then falling linearly to -1 at `max_completion_len`, -1 beyond.
    static RewardFunction softOverlong(String name, Parameters parameters) {
        int max = parameters.requiredInteger("max_completion_len", 1);
        int cache = parameters.requiredInteger("soft_punish_cache", 0);
        parameters.check();
        return new PerCompletion(
                name,
                row -> {
                    int length = row.completion().tokens().length;
                    int over = length - (max - cache);
                    if (over <= 0) {
                        return 0;
                    }
                    return length <= max ? -(double) over / cache : -1;
                });
    }

    /// TRL's `get_repetition_penalty_reward`: `max_penalty` times the share of n-grams of tokens
    /// that are repetitions of another; 0 where the completion is shorter than one. Parameters:
    /// `ngram_size`, `max_penalty` (at most 0).
    static RewardFunction repetition(String name, Parameters parameters) {
        int size = parameters.requiredInteger("ngram_size", 1);
        if (!parameters.has("max_penalty")) {
            parameters.problem("max_penalty is missing");
        }
        double maxPenalty = parameters.number("max_penalty", -1);
        if (maxPenalty > 0) {
            parameters.problem("max_penalty must not be positive, got " + maxPenalty);
        }
        parameters.check();
        return new PerCompletion(
                name,
                row -> {
                    int[] tokens = row.completion().tokens();
                    int total = tokens.length - size + 1;
                    if (total <= 0) {
                        return 0;
                    }
                    var unique = new HashSet<List<Integer>>();
                    for (int start = 0; start < total; start++) {
                        unique.add(Arrays.stream(tokens, start, start + size).boxed().toList());
                    }
                    double repeated = 1 - (double) unique.size() / total;
                    // not -0
                    return repeated == 0 ? 0 : repeated * maxPenalty;
                });
    }
}
