package org.attune.reward;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.records.CopyMethods;

import java.time.Duration;

/// Limits on the time and the threads of reward functions.
///
/// @param parallelism calls that run at once, at least 1
/// @param timeout a call that takes longer is given up, and its completions get no reward; see
///     [#timeout(int)]
/// @param strikes a function that was given up so often is switched off for the rest of the run: a
///     thread that spins can't be stopped, only left behind
/// @param callSize most completions in one call, at least 1. A call that hangs costs all of its
///     completions, so small is safer; a function with a fixed cost per call wants more
@Api(STABLE)
@CopyMethods
public record RewardLimits(int parallelism, Duration timeout, int strikes, int callSize)
        implements RewardLimitsCopies {
    private static final Duration LONGEST = Duration.ofDays(36_500); // nanoseconds fit a long

    public RewardLimits {
        if (parallelism < 1 || strikes < 1 || callSize < 1) {
            throw new IllegalArgumentException(
                    "parallelism, strikes and callSize must be at least 1, got %d, %d and %d"
                            .formatted(parallelism, strikes, callSize));
        }
        if (!timeout.isPositive()) {
            throw new IllegalArgumentException("timeout must be positive, got " + timeout);
        }
    }

    /// The time that a call may take: `timeout` for every `callSize` completions begun, since a
    /// call with a whole round has many.
    public Duration timeout(int completions) {
        long calls = Math.max(1, Math.ceilDiv(completions, callSize));
        return timeout.compareTo(LONGEST.dividedBy(calls)) > 0
                ? LONGEST
                : timeout.multipliedBy(calls);
    }

    /// Two calls at once, 30 seconds, 3 strikes, 8 completions a call.
    public static RewardLimits defaults() {
        return new RewardLimits(2, Duration.ofSeconds(30), 3, 8);
    }
}
