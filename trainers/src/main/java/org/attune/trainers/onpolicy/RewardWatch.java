package org.attune.trainers.onpolicy;

import org.attune.error.RewardException;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Ends a run whose rewards say nothing: it would go on with a loss of 0 and learn nothing.
///
/// A failure is told from "doesn't apply" (None in Python, an empty value in Java). A function that
/// gave no reward for a whole round ends the run
/// - at once if it failed for half of the completions or more;
/// - in the third such round in a row if it failed for fewer and didn't apply to the others: one
///   row that it can't stand may be all that a round has for it.
///
/// A function that applies to nothing in a round is none the worse: others may judge these rows,
/// as in TRL. Where no function applies to anything, the run ends too
/// - at once if nothing was ever judged before;
/// - else in the third such round in a row: a small round may be one prompt, whose answer column
///   is of no use.
public final class RewardWatch {
    private static final Logger LOG = LoggerFactory.getLogger(RewardWatch.class);
    private static final int ROUNDS = 3;

    private final OnRewardFailure then;
    private final Map<String, Integer> failedInARow = new HashMap<>();
    private int silentInARow;
    private boolean everJudged;

    public RewardWatch(OnRewardFailure then) {
        this.then = then;
    }

    /// Looks at a round that was judged.
    ///
    /// @throws RewardException naming the function, what happened and what to do
    public void check(RewardTable table) {
        if (then == OnRewardFailure.CONTINUE || table.size() == 0) {
            return;
        }
        for (int f = 0; f < table.names().size(); f++) {
            checkFunction(table, f);
        }
        checkAll(table);
    }

    private void checkFunction(RewardTable table, int function) {
        String name = table.names().get(function);
        List<RewardFailure> failures =
                table.failures().stream().filter(x -> x.function().equals(name)).toList();
        int failed = failures.stream().mapToInt(RewardFailure::count).sum();
        if (failed == 0 || isGiven(table.column(function))) {
            failedInARow.remove(name);
            return;
        }
        int rounds = failedInARow.merge(name, 1, Integer::sum);
        if (2 * failed >= table.size() || rounds >= ROUNDS) {
            throw new RewardException(failed(name, table.size(), failed, failures));
        }
    }

    private static boolean isGiven(double[] rewards) {
        return Arrays.stream(rewards).anyMatch(r -> !Double.isNaN(r));
    }

    private static String failed(
            String name, int completions, int failed, List<RewardFailure> failures) {
        RewardFailure most =
                failures.stream().max(Comparator.comparingInt(RewardFailure::count)).orElseThrow();
        return "reward \"%s\" gave nothing for the %d completions of a round: for %d of them it %s: %s. %s"
                .formatted(
                        name,
                        completions,
                        failed,
                        most.kind().text(),
                        most.example(),
                        "Correct it, or set on_reward_failure: continue to go on without its"
                                + " rewards");
    }

    private void checkAll(RewardTable table) {
        for (int f = 0; f < table.names().size(); f++) {
            if (isGiven(table.column(f))) {
                silentInARow = 0;
                everJudged = true;
                return;
            }
        }
        silentInARow++;
        if (!everJudged || silentInARow >= ROUNDS) {
            throw new RewardException(silent(table));
        }
        LOG.warn(
                "no reward function judged any of the {} completions of a round, which teaches"
                        + " nothing; after {} such rounds in a row the run ends",
                table.size(),
                ROUNDS);
    }

    private String silent(RewardTable table) {
        String names =
                table.names().stream().map(n -> '"' + n + '"').collect(Collectors.joining(", "));
        return "no reward for any of the %d completions of %s: %s returned no value (None) for all of them. %s"
                .formatted(
                        table.size(),
                        everJudged ? "%d rounds in a row".formatted(silentInARow) : "a round",
                        names,
                        "Check that the rewards judge these rows and find their columns, or set"
                                + " on_reward_failure: continue to go on");
    }
}
