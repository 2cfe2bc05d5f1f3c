package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// A mapping in the making: columns that were taken so far, and why.
final class Draft {
    private final SniffedTable table;
    private final ColumnCandidates columns;
    private final Map<ColumnRole, List<String>> roles = new EnumMap<>(ColumnRole.class);
    private final Set<String> taken = new LinkedHashSet<>();
    private final Set<String> passed = new LinkedHashSet<>();
    private final List<String> notes = new ArrayList<>();

    Draft(SniffedTable table, Set<String> without) {
        this.table = table;
        columns = new ColumnCandidates(table, without);
    }

    SniffedTable table() {
        return table;
    }

    ColumnCandidates columns() {
        return columns;
    }

    Map<ColumnRole, List<String>> roles() {
        return roles;
    }

    /// Columns that have a role.
    Set<String> taken() {
        return taken;
    }

    /// Whether a column has a name, other than a number.
    boolean isNamed(String column) {
        return table.named() && !column.matches("(column_)?\\d+|Unnamed: \\d+");
    }

    boolean has(ColumnRole role) {
        return roles.containsKey(role);
    }

    void take(ColumnRole role, String column) {
        roles.computeIfAbsent(role, _ -> new ArrayList<>()).add(column);
        taken.add(column);
    }

    /// Leaves a column out, since another one was taken instead.
    void pass(String column) {
        passed.add(column);
    }

    void note(String note) {
        notes.add(note);
    }

    /// Those that have no role and weren't left out.
    List<String> free(List<String> names) {
        return names.stream().filter(c -> !taken.contains(c) && !passed.contains(c)).toList();
    }

    /// All columns that have no role and weren't left out.
    List<String> free() {
        return free(List.copyOf(columns.columns()));
    }

    TableMapping mapping(TableMapping.Kind kind) {
        List<String> ignored = table.columns().stream().filter(c -> !taken.contains(c)).toList();
        return new TableMapping(kind, roles, notes, ignored);
    }

    static String quoted(List<String> names) {
        return names.stream().map(n -> "\"" + n + "\"").collect(Collectors.joining(", "));
    }

    UnclearTableException unclear(String why, String... advice) {
        return MappingCheck.unclear(table, why, advice);
    }
}
