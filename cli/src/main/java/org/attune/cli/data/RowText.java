package org.attune.cli.data;

import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;
import org.attune.hash.Sha256;
import org.attune.json.Json;

import java.nio.ByteBuffer;
import java.text.Normalizer;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What rows say, as one text: values alone, in the order of their columns, without what only the
/// spelling makes different.
final class RowText {
    private RowText() {}

    /// A text's identity. Different texts have the same with a chance of 2^-128.
    record Key(long high, long low) {
        static Key of(String text) {
            ByteBuffer hash = ByteBuffer.wrap(Sha256.of(text));
            return new Key(hash.getLong(), hash.getLong());
        }
    }

    /// The text of some columns: in the compatibility form of Unicode (NFKC) and lower case, each
    /// run of blanks as one.
    ///
    /// @param columns their names; none: all
    /// @throws DatasetException with the row's place, if it has none of the columns
    static String of(Row row, List<String> columns) {
        var text = new StringBuilder();
        List<String> read = columns.isEmpty() ? List.copyOf(row.columns().keySet()) : columns;
        if (read.stream().noneMatch(row.columns()::containsKey)) {
            throw new DatasetException(
                    "%s: the row has none of the columns %s; it has %s"
                            .formatted(row.origin().where(), read, row.columns().keySet()));
        }
        read.forEach(column -> append(row.get(column), text));
        return normalised(text.toString());
    }

    private static String normalised(String text) {
        return Normalizer.normalize(text, Normalizer.Form.NFKC)
                .toLowerCase(Locale.ROOT)
                .replaceAll("[\\s\\p{Z}]+", " ")
                .strip();
    }

    /// The prompt of a row as such a text: its column `prompt`, or what a conversation has before
    /// its first answer, or a question's column.
    ///
    /// @throws DatasetException with the row's place, if there is none
    static String prompt(Row row) {
        for (String column : List.of("prompt", "instruction", "question", "query", "problem")) {
            if (row.has(column)) {
                String input = row.has("input") ? "input" : column;
                return of(row, input.equals(column) ? List.of(column) : List.of(column, input));
            }
        }
        for (String column : List.of("messages", "conversations", "chosen")) {
            if (row.get(column) instanceof List<?> turns) {
                var text = new StringBuilder();
                turns.stream().takeWhile(turn -> !isAnswer(turn)).forEach(t -> append(t, text));
                return normalised(text.toString());
            }
        }
        throw new DatasetException(
                "%s: no prompt is found in the columns %s; --by names the column that rows of one group share, --by none divides single rows"
                        .formatted(row.origin().where(), row.columns().keySet()));
    }

    private static boolean isAnswer(Object turn) {
        return turn instanceof Map<?, ?> message
                && (List.of("assistant", "gpt", "model", "chatgpt", "bot")
                        .contains(
                                String.valueOf(
                                        message.containsKey("role")
                                                ? message.get("role")
                                                : message.get("from"))));
    }

    private static void append(Object value, StringBuilder text) {
        switch (value) {
            case null -> {}
            case String string -> text.append(string).append('\n');
            case List<?> list -> list.forEach(element -> append(element, text));
            case Map<?, ?> map -> map.values().forEach(element -> append(element, text));
            default -> text.append(Json.write(value)).append('\n');
        }
    }
}
