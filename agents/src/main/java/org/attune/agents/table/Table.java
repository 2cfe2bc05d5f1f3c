package org.attune.agents.table;

import org.attune.error.Spelling;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Rows with named columns.
///
/// @param name by which queries may call it
/// @param columns names, in order
/// @param rows values in the columns' order: `Long`, `Double`, `Boolean`, `String` or null
record Table(String name, List<String> columns, List<List<Object>> rows) {
    /// Makes a table of objects with the columns' names. A column that a row doesn't have is null
    /// in it.
    ///
    /// @throws IllegalArgumentException if one is no object
    static Table of(String name, List<?> objects) {
        var columns = new LinkedHashSet<String>();
        for (Object object : objects) {
            if (!(object instanceof Map<?, ?> map)) {
                throw new IllegalArgumentException(
                        "a row must be an object with columns, got " + object);
            }
            map.keySet().forEach(key -> columns.add(String.valueOf(key)));
        }
        var rows = new ArrayList<List<Object>>();
        for (Object object : objects) {
            var row = new ArrayList<Object>();
            columns.forEach(column -> row.add(plain(((Map<?, ?>) object).get(column))));
            rows.add(row);
        }
        return new Table(name, List.copyOf(columns), rows);
    }

    private static Object plain(Object value) {
        return switch (value) {
            case null -> null;
            case Integer number -> number.longValue();
            case Long number -> number;
            case Number number -> number.doubleValue();
            case Boolean truth -> truth;
            default -> String.valueOf(value);
        };
    }

    /// The place of a column; case is ignored.
    ///
    /// @throws IllegalArgumentException if there is none
    int column(String column) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).equalsIgnoreCase(column)) {
                return i;
            }
        }
        throw new IllegalArgumentException(
                "there is no column \"%s\"%s; the columns are %s"
                        .formatted(
                                column,
                                Spelling.nearest(column, columns)
                                        .map(near -> ", did you mean \"" + near + "\"?")
                                        .orElse(""),
                                String.join(", ", columns)));
    }

    boolean hasColumn(String column) {
        return columns.stream().anyMatch(column::equalsIgnoreCase);
    }

    /// Describes the table as `cities(name text, people number)`.
    String described() {
        return columns.stream()
                .map(column -> column + " " + type(columns.indexOf(column)))
                .collect(Collectors.joining(", ", name + "(", ")"));
    }

    private String type(int column) {
        List<Object> values =
                rows.stream().map(row -> row.get(column)).filter(v -> v != null).toList();
        if (values.stream().allMatch(Number.class::isInstance)) {
            return "number";
        }
        return values.stream().allMatch(Boolean.class::isInstance) ? "boolean" : "text";
    }
}
