package org.attune.reward;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The rewards of one round of completions. The order of everything follows the order of
/// completions and functions, whatever the order in which calls ended.
///
/// @param names of the functions, `(F)`
/// @param weights `(F)`
/// @param values `[completion][function]`, `(N, F)`; NaN = no reward; owned by the table
/// @param failures by function and kind; empty if all went well
/// @param metrics what functions logged, averaged
/// @param extras further columns that functions gave, each `(N)`; null is an empty cell
/// @param turns of functions that judge turns: what each of a completion's turns got, unweighted,
///     by the function's name, `(N)`; what they lack to the value is the last turn's
@Api(EXPERIMENTAL)
public record RewardTable(
        List<String> names,
        double[] weights,
        double[][] values,
        List<RewardFailure> failures,
        Map<String, Double> metrics,
        Map<String, List<Object>> extras,
        Map<String, List<Optional<double[]>>> turns) {
    /// Rewards of functions that judge whole completions.
    public RewardTable(
            List<String> names,
            double[] weights,
            double[][] values,
            List<RewardFailure> failures,
            Map<String, Double> metrics,
            Map<String, List<Object>> extras) {
        this(names, weights, values, failures, metrics, extras, Map.of());
    }

    public RewardTable {
        turns = Map.copyOf(turns);
        names = List.copyOf(names);
        failures = List.copyOf(failures);
        if (names.size() != weights.length) {
            throw new IllegalArgumentException(
                    "%d reward functions have %d weights".formatted(names.size(), weights.length));
        }
        for (double[] row : values) {
            if (row.length != names.size()) {
                throw new IllegalArgumentException(
                        "a row has %d rewards for %d functions"
                                .formatted(row.length, names.size()));
            }
        }
    }

    /// Rewards from elsewhere, a recorded rollout say.
    public static RewardTable of(List<String> names, double[] weights, double[][] values) {
        return new RewardTable(names, weights, values, List.of(), Map.of(), Map.of());
    }

    /// Number of completions, `N`.
    public int size() {
        return values.length;
    }

    /// Rewards of one function, `(N)`; NaN = none.
    public double[] column(int function) {
        return Arrays.stream(values).mapToDouble(row -> row[function]).toArray();
    }

    /// What a completion's turns got of a function; empty if it judges whole completions.
    public Optional<double[]> split(String function, int completion) {
        return Optional.ofNullable(turns.get(function)).flatMap(all -> all.get(completion));
    }

    /// What each turn of a completion got, weighted. What isn't split belongs to the last turn.
    ///
    /// @param turns of the completion, at least 1; more if a function judged more
    public double[] ofTurns(int completion, int turns) {
        int all = turns;
        for (String name : names) {
            all = Math.max(all, split(name, completion).map(s -> s.length).orElse(0));
        }
        return weighted(completion, all, all - 1);
    }

    /// What each turn of a completion got, weighted, and behind the turns what isn't split.
    ///
    /// @param turns of the completion; what a function gave to later ones isn't split
    double[] ofTurnsAndWhole(int completion, int turns) {
        return weighted(completion, turns, turns);
    }

    /// @param turns that may get something apart
    /// @param rest the place of what isn't split
    private double[] weighted(int completion, int turns, int rest) {
        double[] rewards = new double[Math.max(turns, rest + 1)];
        for (int f = 0; f < weights.length; f++) {
            double value = values[completion][f];
            if (Double.isNaN(value)) {
                continue;
            }
            double[] split = split(names.get(f), completion).orElse(new double[0]);
            for (int t = 0; t < Math.min(split.length, turns); t++) {
                rewards[t] += weights[f] * split[t];
                value -= split[t];
            }
            rewards[rest] += weights[f] * value;
        }
        return rewards;
    }

    /// Weighted sum of a completion's rewards, where a missing one counts as 0; NaN if all are
    /// missing.
    public double total(int completion) {
        double sum = 0;
        boolean any = false;
        for (int f = 0; f < weights.length; f++) {
            double value = values[completion][f];
            if (!Double.isNaN(value)) {
                sum += weights[f] * value;
                any = true;
            }
        }
        return any ? sum : Double.NaN;
    }
}
