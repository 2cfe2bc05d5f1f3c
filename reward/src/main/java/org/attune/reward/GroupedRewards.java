package org.attune.reward;

import org.attune.episode.Episode;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The rewards of a round with what advantages are estimated from beside them. Completions of a
/// prompt follow each other. `N` completions, a multiple of `G`.
///
/// @param table rewards, `(N, F)`
/// @param generations `G`, completions of a prompt; ≥ 1
/// @param masks 1 where a token counts, else 0, completion by completion
/// @param divergences `log π_old − log π_ref` of each token, nats, in the form of `masks`; empty
///     where the divergence isn't in the reward
/// @param baselines reward of the likeliest completion of each completion's prompt, `(N)`, NaN
///     where it got none; empty unless the estimator asks for them
/// @param energies `1 − 2 π + Σ π²` of each token's distribution under the old policy, the squared
///     length of its gradient by the logits, in the form of `masks`; empty unless the estimator
///     asks for them
/// @param turns which turn each token belongs to, from 0, in the form of `masks`; empty: all
///     completions are of one turn
/// @param episodes what completions are, `(N)`; empty: no completion is an episode
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record GroupedRewards(
        RewardTable table,
        int generations,
        double[][] masks,
        Optional<double[][]> divergences,
        Optional<double[]> baselines,
        Optional<double[][]> energies,
        Optional<int[][]> turns,
        List<Optional<Episode>> episodes) {
    /// Rewards of completions that are of one turn each.
    public GroupedRewards(
            RewardTable table,
            int generations,
            double[][] masks,
            Optional<double[][]> divergences,
            Optional<double[]> baselines) {
        this(table, generations, masks, divergences, baselines, Optional.empty(), Optional.empty());
    }

    /// Rewards of completions without roles.
    public GroupedRewards(
            RewardTable table,
            int generations,
            double[][] masks,
            Optional<double[][]> divergences,
            Optional<double[]> baselines,
            Optional<double[][]> energies,
            Optional<int[][]> turns) {
        this(table, generations, masks, divergences, baselines, energies, turns, List.of());
    }

    /// @throws IllegalArgumentException if the parts don't have `N` entries, or N is no multiple of
    ///     G
    public GroupedRewards {
        int n = table.size();
        if (masks.length != n
                || divergences.isPresent() && divergences.get().length != n
                || baselines.isPresent() && baselines.get().length != n
                || energies.isPresent() && energies.get().length != n
                || turns.isPresent() && turns.get().length != n
                || !episodes.isEmpty() && episodes.size() != n) {
            throw new IllegalArgumentException(
                    "%d completions need as many masks, divergences and baselines".formatted(n));
        }
        if (generations < 1 || n % generations != 0) {
            throw new IllegalArgumentException(
                    "%d completions aren't groups of %d".formatted(n, generations));
        }
    }

    /// Statistics of the rewards, as TRL logs them.
    ///
    /// @return `rewards/<name>/mean`, `rewards/<name>/std`, `reward`, `reward_std` and
    ///     `frac_reward_zero_std`, the share of groups whose rewards are equal; NaN where there is
    ///     nothing to average. Of episodes with roles also what each role got
    public Map<String, Double> statistics() {
        Map<String, Double> statistics =
                new LinkedHashMap<>(Advantages.statistics(table, generations));
        statistics.putAll(RoleRewards.of(this).statistics());
        return statistics;
    }

    /// Rewards alone, of completions of one token each.
    public static GroupedRewards of(RewardTable table, int generations) {
        return of(table, generations, List.of());
    }

    /// Rewards alone, as if each completion had one token.
    ///
    /// @param completions judged, `(N)`; empty where none is an episode
    public static GroupedRewards of(
            RewardTable table, int generations, List<Completion> completions) {
        double[][] masks = new double[table.size()][];
        for (int i = 0; i < masks.length; i++) {
            masks[i] = new double[] {1};
        }
        return new GroupedRewards(
                table,
                generations,
                masks,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                completions.stream().map(Completion::episode).toList());
    }

    Optional<Episode> episode(int completion) {
        return episodes.isEmpty() ? Optional.empty() : episodes.get(completion);
    }

    /// The turn that a token belongs to.
    int turn(int completion, int token) {
        return turns.map(all -> all[completion][token]).orElse(0);
    }

    /// Turns of a completion, at least 1.
    int turns(int completion) {
        int last = 0;
        for (int t = 0; t < masks[completion].length; t++) {
            last = Math.max(last, turn(completion, t));
        }
        return last + 1;
    }

    /// Tokens of a completion that count.
    double tokens(int completion) {
        double sum = 0;
        for (double m : masks[completion]) {
            sum += m;
        }
        return sum;
    }

    /// Divergence of each completion, `(N)`: the sum over its counted tokens, 0 without.
    double[] divergenceSums() {
        double[] sums = new double[table.size()];
        for (int i = 0; i < sums.length && divergences.isPresent(); i++) {
            double[] own = divergences.get()[i];
            for (int t = 0; t < own.length; t++) {
                sums[i] += masks[i][t] * own[t];
            }
        }
        return sums;
    }
}
