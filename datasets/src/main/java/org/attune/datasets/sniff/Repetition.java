package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Columns that say once more what others say.
///
/// @param roles columns that were taken
record Repetition(SniffedTable table, Map<ColumnRole, List<String>> roles) {
    private static final double MOST = 0.9;

    /// What the column repeats, for people; empty if it says something that isn't there without it.
    Optional<String> of(String column) {
        if (isOfConversations(column)) {
            return Optional.of(
                    "column \"%s\" is of whole conversations, and is left out".formatted(column));
        }
        return rendersRows(column)
                ? Optional.of(
                        "column \"%s\" repeats question and answer, and is left out"
                                .formatted(column))
                : Optional.empty();
    }

    /// Whether all messages of a conversation have the same value.
    private boolean isOfConversations(String column) {
        Optional<String> group = only(ColumnRole.GROUP);
        if (group.isEmpty()) {
            return false;
        }
        Map<Object, Object> values = new HashMap<>();
        return table.rows().stream()
                .allMatch(
                        row -> {
                            String value = String.valueOf(row.get(column));
                            return values.computeIfAbsent(
                                            String.valueOf(row.get(group.get())), _ -> value)
                                    .equals(value);
                        });
    }

    /// Whether it holds question and answer, as a template writes them.
    boolean rendersRows(String column) {
        Optional<String> prompt = only(ColumnRole.PROMPT);
        Optional<String> answer = only(ColumnRole.COMPLETION);
        if (prompt.isEmpty() || answer.isEmpty()) {
            return false;
        }
        long same =
                table.rows().stream()
                        .filter(r -> cell(r, column).contains(cell(r, prompt.get())))
                        .filter(r -> cell(r, column).contains(cell(r, answer.get())))
                        .count();
        return same >= MOST * table.rows().size();
    }

    private Optional<String> only(ColumnRole role) {
        List<String> columns = roles.getOrDefault(role, List.of());
        return columns.size() == 1 ? Optional.of(columns.getFirst()) : Optional.empty();
    }

    private static String cell(Row row, String column) {
        return MappedRows.text(row, Optional.of(column)).orElse("");
    }
}
