package org.attune.reward;

import org.attune.reward.RewardFailure.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/// A reward function during a run: how often it failed in which way, and whether it is still used.
/// Thread-safe.
final class FunctionState {
    private static final Logger log = LoggerFactory.getLogger(RewardScorer.class);

    final WeightedReward reward;
    final String name;
    private final RewardLimits limits;
    private final Map<Kind, Integer> totals = new EnumMap<>(Kind.class);
    private final Map<Kind, Integer> told = new EnumMap<>(Kind.class); // when it was logged
    private final Deque<Supplier<CallPool.Call>> parked = new ArrayDeque<>();
    private int running;
    private int hangsInARow;
    private int lostThreads;
    private boolean off;

    FunctionState(WeightedReward reward, RewardLimits limits) {
        this.reward = reward;
        this.name = reward.name();
        this.limits = limits;
    }

    RewardLimits limits() {
        return limits;
    }

    synchronized boolean off() {
        return off;
    }

    /// Whether another call may start now. If not, `call` is kept for [#leave].
    synchronized boolean enterOrPark(Supplier<CallPool.Call> call) {
        if (running >= reward.function().concurrency()) {
            parked.add(call);
            return false;
        }
        running++;
        return true;
    }

    /// A call has ended or was given up.
    ///
    /// @return what may start instead; null if nothing waits
    synchronized Supplier<CallPool.Call> leave() {
        running--;
        return parked.poll();
    }

    /// A call ended by itself, well or not.
    synchronized void countEnd() {
        hangsInARow = 0;
    }

    /// A call was given up; nobody knows whether its thread will ever come back.
    synchronized void countHang() {
        hangsInARow++;
        lostThreads++;
        if (!off && Math.max(hangsInARow, lostThreads) >= limits.strikes()) {
            off = true;
            log.error(
                    "reward \"{}\" exceeded {} in {} calls and is switched off: its completions"
                            + " get no reward from now on. Make it faster, raise the time limit,"
                            + " or run it as a separate program, which can be killed.",
                    name,
                    limits.timeout(),
                    limits.strikes());
        }
    }

    /// The thread of a call that was given up has come back, since it heeded the interruption.
    synchronized void countReturn() {
        lostThreads--;
    }

    /// Counts failed completions; the first of each kind is logged.
    synchronized void countFailures(Kind kind, int completions, String example, Throwable cause) {
        boolean first = !totals.containsKey(kind);
        totals.merge(kind, completions, Integer::sum);
        if (first && kind != Kind.SWITCHED_OFF) {
            told.put(kind, completions);
            log.warn(
                    "reward \"{}\" {}: {}. {} from it; the like is counted and not logged again.",
                    name,
                    kind.text(),
                    example,
                    completions == 1
                            ? "The completion gets no reward"
                            : "%d completions get no reward".formatted(completions),
                    cause);
        }
    }

    synchronized Map<Kind, Integer> totals() {
        return new EnumMap<>(totals);
    }

    /// Logs the counts of the whole run, where they say more than what was logged before.
    synchronized void logTotals() {
        totals.forEach(
                (kind, count) -> {
                    if (!count.equals(told.get(kind))) {
                        log.warn("reward \"{}\" {} for {} completions", name, kind.text(), count);
                    }
                });
    }
}
