package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.reward.RewardScorer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.RowStream;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/// The columns of the data that rewards read, by the reward's name.
///
/// @param required of every row
/// @param used of those rows that have them
public record ReadColumns(Map<String, Set<String>> required, Map<String, Set<String>> used) {
    static final ReadColumns NONE = new ReadColumns(Map.of(), Map.of());

    static ReadColumns of(RewardScorer rewards) {
        return new ReadColumns(rewards.requiredColumns(), rewards.usedColumns());
    }

    /// These, and what further rewards require.
    ReadColumns with(Map<String, Set<String>> further) {
        Map<String, Set<String>> all = new LinkedHashMap<>(required);
        all.putAll(further);
        return new ReadColumns(all, used);
    }

    /// The columns of each reward.
    public Map<String, Set<String>> byReward() {
        Map<String, Set<String>> all = new LinkedHashMap<>();
        Stream.of(required, used)
                .flatMap(columns -> columns.entrySet().stream())
                .forEach(
                        own ->
                                all.computeIfAbsent(own.getKey(), _ -> new LinkedHashSet<>())
                                        .addAll(own.getValue()));
        return all;
    }

    /// The columns of all rewards.
    public Set<String> all() {
        Set<String> all = new LinkedHashSet<>();
        byReward().values().forEach(all::addAll);
        return all;
    }

    /// Checks that the rows have what the rewards read.
    ///
    /// @throws ConfigException naming reward and column, and the first row without it where every
    ///     row must have it
    public void check(RunRows<PromptExample> rows) {
        List<PromptExample> all = new ArrayList<>(RowStream.known(rows.train()));
        rows.evalSets().forEach(set -> all.addAll(set.rows()));
        required.forEach((name, own) -> own.forEach(column -> requireAll(name, column, all)));
        used.forEach((name, own) -> own.forEach(column -> requireOne(name, column, all)));
    }

    private static void requireAll(String reward, String column, List<PromptExample> rows) {
        for (PromptExample row : rows) {
            if (row.columns().get(column) == null) {
                throw new ConfigException(
                        "%s: reward \"%s\" needs the column \"%s\"; the row has %s. %s"
                                .formatted(
                                        row.origin().where(),
                                        reward,
                                        column,
                                        row.columns().keySet(),
                                        remedy(column)));
            }
        }
    }

    private static void requireOne(String reward, String column, List<PromptExample> rows) {
        if (rows.stream().noneMatch(row -> row.columns().get(column) != null)) {
            Set<String> there = new TreeSet<>();
            rows.forEach(row -> there.addAll(row.columns().keySet()));
            throw new ConfigException(
                    "reward \"%s\" takes the column \"%s\", which no row has; there are %s. %s"
                            .formatted(reward, column, there, remedy(column)));
        }
    }

    private static String remedy(String column) {
        return ("Add it, or give another column its name with datasets: [{path: ..., columns:"
                        + " {theirs: %s}}]")
                .formatted(column);
    }
}
