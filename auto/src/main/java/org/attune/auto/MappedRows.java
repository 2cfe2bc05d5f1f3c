package org.attune.auto;

import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// Rows for training in TRL's forms, made of a table by its mapping.
///
/// @param method that learns from them
/// @param train rows to learn from
/// @param heldOut rows to measure on; none has a prompt that is in `train`
/// @param notes what was left out, for people
public record MappedRows(
        String method,
        List<Map<String, Object>> train,
        List<Map<String, Object>> heldOut,
        List<String> notes) {
    /// Rows that a table must make at least.
    public static final int FEWEST = 10;

    private static final int MOST_HELD_OUT = 500;
    private static final int USUAL_HELD_OUT = 20;

    public MappedRows {
        train = List.copyOf(train);
        heldOut = List.copyOf(heldOut);
        notes = List.copyOf(notes);
    }

    /// Makes the rows.
    ///
    /// @param chat whether the model has a chat template; without one they are plain text
    /// @throws DatasetException if there are too few
    public static MappedRows of(SniffedTable table, TableMapping mapping, boolean chat) {
        Optional<ChoiceAnswers> choices =
                mapping.kind() == TableMapping.Kind.CHOICES
                        ? ChoiceAnswers.of(table, mapping)
                        : Optional.empty();
        var form = new RowForm(mapping, chat, choices);
        var made =
                switch (mapping.kind()) {
                    case RATED -> RatedRows.of(table.rows(), mapping, form);
                    case CHAT_ROWS -> form.grouped(table.rows());
                    default -> form.each(table.rows());
                };
        List<String> notes = new ArrayList<>(made.notes());
        List<RowForm.Made> rows = distinct(made.rows(), notes);
        if (made.method().equals("kto")) {
            requireBoth(rows);
        }
        if (rows.size() < FEWEST) {
            throw new DatasetException(
                    "only %d rows can be trained on, and %d are needed%s"
                            .formatted(
                                    rows.size(),
                                    FEWEST,
                                    notes.isEmpty() ? "" : "; " + String.join("; ", notes)));
        }
        return split(made.method(), rows, notes);
    }

    private static void requireBoth(List<RowForm.Made> rows) {
        long good = rows.stream().filter(r -> Boolean.TRUE.equals(r.row().get("label"))).count();
        if (good == 0 || good == rows.size()) {
            throw new DatasetException(
                    "all answers are %s; good and bad ones are needed to learn the difference"
                            .formatted(good == 0 ? "bad" : "good"));
        }
    }

    private static List<RowForm.Made> distinct(List<RowForm.Made> rows, List<String> notes) {
        var seen = new HashSet<Map<String, Object>>();
        List<RowForm.Made> distinct = rows.stream().filter(r -> seen.add(r.row())).toList();
        if (distinct.size() < rows.size()) {
            notes.add("rows that were there before: %d".formatted(rows.size() - distinct.size()));
        }
        return distinct;
    }

    /// Holds out about a tenth, by a hash of the prompt, so that equal prompts stay together.
    private static MappedRows split(String method, List<RowForm.Made> rows, List<String> notes) {
        Map<String, List<RowForm.Made>> byKey = new LinkedHashMap<>();
        rows.forEach(r -> byKey.computeIfAbsent(r.key(), _ -> new ArrayList<>()).add(r));
        if (byKey.size() < 2) {
            throw new DatasetException(
                    "all rows have the same prompt, so none can be held out; different prompts are"
                            + " needed");
        }
        int tenth = Math.ceilDiv(rows.size(), 10);
        int fifth = Math.max(1, rows.size() / 5);
        int wanted = Math.min(MOST_HELD_OUT, Math.max(tenth, Math.min(USUAL_HELD_OUT, fifth)));
        List<String> order =
                byKey.keySet().stream().sorted(Comparator.comparing(MappedRows::hash)).toList();
        var heldKeys = new HashSet<String>();
        int held = 0;
        for (String key : order) {
            int more = byKey.get(key).size();
            if (held + more <= wanted || held == 0 && heldKeys.size() + 1 < order.size()) {
                if (held + more <= rows.size() / 2) {
                    heldKeys.add(key);
                    held += more;
                }
            }
        }
        if (heldKeys.isEmpty()) {
            throw new DatasetException(
                    "most rows have the same prompt, so none can be held out; different prompts are"
                            + " needed");
        }
        List<Map<String, Object>> train = new ArrayList<>();
        List<Map<String, Object>> out = new ArrayList<>();
        rows.forEach(r -> (heldKeys.contains(r.key()) ? out : train).add(r.row()));
        return new MappedRows(method, train, out, notes);
    }

    private static String hash(String key) {
        return UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
    }

    /// The text of a cell; empty if there is none.
    static Optional<String> text(Row row, Optional<String> column) {
        return column.map(row::get)
                .map(value -> String.valueOf(value).strip())
                .filter(text -> !text.isEmpty());
    }
}
