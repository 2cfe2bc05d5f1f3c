package org.attune.datasets.formats;

import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Rows whose texts are transcripts (`type: transcript`): `text`, `chosen` and `rejected` with a
/// speaker's name before each turn, or `prompt` so and the answers beside it plain. They become
/// messages.
public final class TranscriptFormat {
    private static final String PROMPT = "prompt";
    private static final Set<String> ANSWERS =
            Set.of("chosen", "rejected", "reference", "completion");

    private TranscriptFormat() {}

    /// The columns of converted rows.
    public static Collection<String> columns(Collection<String> columns) {
        Set<String> converted = new LinkedHashSet<>(columns);
        if (converted.remove("text")) {
            converted.add("messages");
        }
        return converted;
    }

    /// The row with messages.
    ///
    /// @throws DatasetException with the row's place, if a text is no transcript
    public static Row convert(Row row) {
        Map<String, Object> columns = new LinkedHashMap<>(row.columns());
        boolean whole = // answers that hold their prompt
                row.get("chosen") instanceof String chosen && Transcript.of(chosen).isPresent();
        if (whole) {
            columns.remove(PROMPT);
        }
        boolean asked = columns.containsKey(PROMPT);
        for (String column : List.copyOf(columns.keySet())) {
            if (!(columns.get(column) instanceof String text)) {
                continue;
            }
            if (column.equals("text")) {
                columns.remove(column);
                columns.put("messages", turns(row, column, text, Transcript.of(text)));
            } else if (column.equals(PROMPT)) {
                columns.put(column, turns(row, column, text, Transcript.asked(text)));
            } else if (ANSWERS.contains(column)) {
                columns.put(
                        column,
                        asked
                                ? List.of(Map.of("role", "assistant", "content", text.strip()))
                                : turns(
                                        row,
                                        column,
                                        text,
                                        Transcript.of(text).filter(TranscriptFormat::isAnswered)));
            }
        }
        return row.with(columns);
    }

    private static boolean isAnswered(List<Map<String, Object>> turns) {
        return "assistant".equals(turns.getLast().get("role"));
    }

    private static List<Map<String, Object>> turns(
            Row row, String column, String text, Optional<List<Map<String, Object>>> turns) {
        return turns.orElseThrow(
                () ->
                        new DatasetException(
                                "%s: column %s is no transcript: it must begin with a speaker, such as Human: or User:, a user and an assistant must take turns, and none may be empty; got \"%s\""
                                        .formatted(row.origin().where(), column, beginning(text))));
    }

    /// Whether a value is a transcript, or a prompt of one.
    public static boolean looksSo(Object value) {
        return value instanceof String text
                && (Transcript.of(text).isPresent()
                        || text.strip().endsWith(":") && Transcript.asked(text).isPresent());
    }

    private static String beginning(String text) {
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= 80 ? line : line.substring(0, 80) + "…";
    }
}
