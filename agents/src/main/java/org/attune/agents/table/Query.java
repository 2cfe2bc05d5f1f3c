package org.attune.agents.table;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Predicate;

/// A query, read: which rows, joined how, in which order.
///
/// @param items what is shown
/// @param isDistinct whether equal rows are shown once
/// @param where which rows count
/// @param groups columns whose equal values make a group; none, and one of the items is joined: all
///     rows are one
/// @param order by which rows are sorted, the first first
/// @param limit most rows shown
record Query(
        List<Item> items,
        boolean isDistinct,
        Predicate<List<Object>> where,
        List<Integer> groups,
        List<Order> order,
        OptionalInt limit) {
    /// A shown value.
    ///
    /// @param name of the column of the result
    /// @param column its place; −1 for `count(*)`
    /// @param join of the values of a group; null for a column's value
    record Item(String name, int column, Join join) {}

    /// @param item what is compared
    record Order(Item item, boolean isDescending) {}

    /// How the values of a group become one. Null values don't count, except to `count(*)`.
    enum Join {
        COUNT,
        SUM,
        AVG,
        MIN,
        MAX
    }

    /// The rows of the result.
    List<List<Object>> run(Table table) {
        List<List<Object>> chosen = table.rows().stream().filter(where).toList();
        boolean isJoined = !groups.isEmpty() || items.stream().anyMatch(i -> i.join() != null);
        List<List<List<Object>>> bundles =
                isJoined ? grouped(chosen) : chosen.stream().map(List::of).toList();
        Comparator<List<List<Object>>> comparator = (_, _) -> 0;
        for (Order by : order) {
            Comparator<List<List<Object>>> next =
                    (a, b) -> Values.compare(value(by.item(), a), value(by.item(), b));
            comparator = comparator.thenComparing(by.isDescending() ? next.reversed() : next);
        }
        List<List<Object>> rows =
                bundles.stream()
                        .sorted(comparator)
                        .map(bundle -> items.stream().map(i -> value(i, bundle)).toList())
                        .map(ArrayList<Object>::new)
                        .map(row -> (List<Object>) row)
                        .toList();
        List<List<Object>> shown = isDistinct ? rows.stream().distinct().toList() : rows;
        return shown.stream().limit(limit.orElse(Integer.MAX_VALUE)).toList();
    }

    private List<List<List<Object>>> grouped(List<List<Object>> rows) {
        if (groups.isEmpty()) {
            return List.of(rows);
        }
        Map<List<Object>, List<List<Object>>> byKey = new LinkedHashMap<>();
        for (List<Object> row : rows) {
            var key = new ArrayList<Object>();
            groups.forEach(column -> key.add(row.get(column)));
            byKey.computeIfAbsent(key, _ -> new ArrayList<>()).add(row);
        }
        return List.copyOf(byKey.values());
    }

    private static Object value(Item item, List<List<Object>> bundle) {
        if (item.join() == null) {
            return bundle.isEmpty() ? null : bundle.getFirst().get(item.column());
        }
        if (item.column() < 0) {
            return (long) bundle.size();
        }
        List<Object> values =
                bundle.stream().map(row -> row.get(item.column())).filter(v -> v != null).toList();
        return switch (item.join()) {
            case COUNT -> (long) values.size();
            case MIN -> values.stream().min(Values::compare).orElse(null);
            case MAX -> values.stream().max(Values::compare).orElse(null);
            case SUM -> values.isEmpty() ? null : Values.sum(values);
            case AVG ->
                    values.isEmpty()
                            ? null
                            : (Object) (Values.sum(values).doubleValue() / values.size());
        };
    }
}
