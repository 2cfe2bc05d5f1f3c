package org.attune.trainers.onpolicy;

import org.attune.reward.Completion;
import org.attune.reward.GroupedRewards;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFailure;
import org.attune.reward.RewardTable;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.MetricMeans;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Groups out of several judged batches as one, as if they had been completed together.
public final class GatheredGroups {
    private final List<CompletionForest.Row> rows = new ArrayList<>();
    private final List<SampledCompletion> sampled = new ArrayList<>();
    private final List<Prompt> prompts = new ArrayList<>();
    private final List<Completion> completions = new ArrayList<>();
    private final List<Map<Column, Double>> values = new ArrayList<>();
    private final List<RewardFailure> failures = new ArrayList<>();
    private final Map<String, List<Object>> columns = new LinkedHashMap<>();
    private final Map<String, List<Object>> extras = new LinkedHashMap<>();
    private final MetricMeans logged = new MetricMeans();
    private final Map<String, List<Optional<double[]>>> turns = new LinkedHashMap<>();
    private final Map<Column, Double> weights = new LinkedHashMap<>();

    /// A group of a batch.
    ///
    /// @param batch that it stands in
    /// @param number of the group there, from 0
    public record Place(JudgedCompletions batch, int number) {}

    /// A function's rewards.
    ///
    /// @param nth 0, or how many of the same name stand before it
    private record Column(String name, int nth) {
        static List<Column> of(RewardTable rewards) {
            Map<String, Integer> seen = new HashMap<>();
            return rewards.names().stream()
                    .map(name -> new Column(name, seen.merge(name, 1, Integer::sum) - 1))
                    .toList();
        }
    }

    private GatheredGroups() {}

    /// @param places of the groups, in their new order; at least one
    /// @param generations completions of a group
    public static JudgedCompletions of(List<Place> places, int generations) {
        var gathered = new GatheredGroups();
        Set<JudgedCompletions> batches = new LinkedHashSet<>();
        places.forEach(place -> batches.add(place.batch()));
        batches.forEach(gathered::begin);
        for (Place place : places) {
            for (int g = 0; g < generations; g++) {
                gathered.add(place.batch(), place.number() * generations + g);
            }
        }
        return gathered.judged(generations);
    }

    private void begin(JudgedCompletions batch) {
        RewardTable rewards = batch.table().rewards();
        List<Column> own = Column.of(rewards);
        for (int f = 0; f < own.size(); f++) {
            weights.putIfAbsent(own.get(f), rewards.weights()[f]);
        }
        batch.table().batch().columns().keySet().forEach(n -> columns.put(n, new ArrayList<>()));
        rewards.extras().keySet().forEach(name -> extras.put(name, new ArrayList<>()));
        rewards.turns().keySet().forEach(name -> turns.put(name, new ArrayList<>()));
        failures.addAll(rewards.failures());
        logged.add(rewards.metrics());
    }

    private void add(JudgedCompletions batch, int i) {
        rows.add(batch.rows().get(i));
        sampled.add(batch.sampled().get(i));
        prompts.add(batch.table().batch().prompts().get(i));
        completions.add(batch.table().batch().completions().get(i));
        RewardTable rewards = batch.table().rewards();
        Map<Column, Double> own = new HashMap<>();
        List<Column> functions = Column.of(rewards);
        for (int f = 0; f < functions.size(); f++) {
            own.put(functions.get(f), rewards.values()[i][f]);
        }
        values.add(own);
        columns.forEach(
                (name, column) -> column.add(cell(batch.table().batch().columns().get(name), i)));
        extras.forEach((name, column) -> column.add(cell(rewards.extras().get(name), i)));
        turns.forEach((name, splits) -> splits.add(rewards.split(name, i)));
    }

    private static Object cell(List<Object> column, int i) {
        return column == null ? null : column.get(i);
    }

    private JudgedCompletions judged(int generations) {
        List<Column> all = List.copyOf(weights.keySet());
        var table =
                new RewardTable(
                        all.stream().map(Column::name).toList(),
                        weights.values().stream().mapToDouble(w -> w).toArray(),
                        values.stream().map(own -> row(own, all)).toArray(double[][]::new),
                        failures,
                        logged.means(),
                        extras,
                        turns);
        Map<String, Double> metrics = new LinkedHashMap<>(CompletionLengths.metrics(sampled));
        metrics.putAll(EpisodeMetrics.of(sampled));
        metrics.putAll(table.metrics());
        metrics.values().removeIf(v -> !Double.isFinite(v));
        return new JudgedCompletions(
                rows,
                sampled,
                metrics,
                new CompletionTable(
                        new RewardBatch(prompts, completions, columns), table, generations));
    }

    /// A function that a batch doesn't have gave its completions nothing.
    private static double[] row(Map<Column, Double> rewards, List<Column> all) {
        return all.stream().mapToDouble(one -> rewards.getOrDefault(one, Double.NaN)).toArray();
    }

    /// Whether a group's rewards differ, so that its completions can be told apart.
    public static boolean differs(GroupedRewards rewards, int group) {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        int from = group * rewards.generations();
        for (int i = from; i < from + rewards.generations(); i++) {
            double reward = rewards.table().total(i);
            if (!Double.isNaN(reward)) {
                least = Math.min(least, reward);
                most = Math.max(most, reward);
            }
        }
        return most - least > 1e-8;
    }
}
