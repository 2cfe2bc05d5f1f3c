package org.attune.auto;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Columns with a message as an object in each cell, as LangChain and n8n keep histories of chats:
/// `{"type": "human", "data": {"content": "Hi"}}`. They become two, of who speaks and what is said.
final class MessageColumns {
    private static final double MOST = 0.9;

    private MessageColumns() {}

    /// The table with two columns in place of the first that holds messages; the same table if none
    /// does.
    static SniffedTable unfolded(SniffedTable table) {
        return table.columns().stream()
                .filter(c -> table.share(r -> message(r, c).isPresent()) > MOST)
                .findFirst()
                .map(column -> unfolded(table, column))
                .orElse(table);
    }

    private static SniffedTable unfolded(SniffedTable table, String column) {
        String role = free(table, column, "role");
        String content = free(table, column, "content");
        List<String> columns = new ArrayList<>();
        for (String c : table.columns()) {
            columns.addAll(c.equals(column) ? List.of(role, content) : List.of(c));
        }
        List<Row> rows = new ArrayList<>();
        for (Row row : table.rows()) {
            Optional<Map<String, Object>> message = message(row, column);
            Map<String, Object> values = new LinkedHashMap<>();
            for (String c : table.columns()) {
                if (c.equals(column)) {
                    values.put(role, message.map(m -> m.get("role")).orElse(null));
                    values.put(content, message.map(m -> m.get("content")).orElse(null));
                } else {
                    values.put(c, row.get(c));
                }
            }
            rows.add(row.with(values));
        }
        List<String> notes = new ArrayList<>(table.notes());
        notes.add(
                "column \"%s\" holds messages: read as \"%s\" and \"%s\""
                        .formatted(column, role, content));
        return new SniffedTable(columns, rows, notes, table.named());
    }

    private static String free(SniffedTable table, String column, String name) {
        return table.columns().contains(name) ? column + "_" + name : name;
    }

    private static Optional<Map<String, Object>> message(Row row, String column) {
        return Optional.ofNullable(row.get(column)).flatMap(ChatCell::single);
    }
}
