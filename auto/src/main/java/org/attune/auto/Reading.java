package org.attune.auto;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// A way to read a table: what its rows are, and which columns have which part in them.
///
/// @param kind of rows
/// @param parts columns by the name of their part in the table of scores
/// @param points what speaks for it
/// @param reasons lines that give them, by column
record Reading(
        TableMapping.Kind kind,
        Map<String, List<String>> parts,
        double points,
        Map<String, List<ScoreTable.Line>> reasons) {
    static Reading of(TableMapping.Kind kind) {
        return new Reading(kind, Map.of(), 0, Map.of());
    }

    /// The reading with more columns, and what speaks for them.
    Reading with(String part, List<String> columns, ScoreTable.Score score) {
        Map<String, List<String>> more = new LinkedHashMap<>(parts);
        more.put(part, columns);
        return new Reading(kind, more, points, reasons).plus(columns.getFirst(), score);
    }

    /// The reading with points for a column that it has.
    Reading plus(String column, ScoreTable.Score score) {
        Map<String, List<ScoreTable.Line>> more = new LinkedHashMap<>(reasons);
        if (!score.lines().isEmpty()) {
            more.merge(
                    column,
                    score.lines(),
                    (a, b) -> Stream.concat(a.stream(), b.stream()).toList());
        }
        return new Reading(kind, parts, points + score.points(), more);
    }

    boolean takes(String column) {
        return parts.values().stream().anyMatch(columns -> columns.contains(column));
    }

    /// Columns by their role.
    Map<ColumnRole, List<String>> roles() {
        Map<ColumnRole, List<String>> roles = new EnumMap<>(ColumnRole.class);
        parts.forEach(
                (part, columns) ->
                        roles.computeIfAbsent(ScoreTable.get().role(part), _ -> new ArrayList<>())
                                .addAll(columns));
        return roles;
    }
}
