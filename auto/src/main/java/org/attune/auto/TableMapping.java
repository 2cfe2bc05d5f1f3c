package org.attune.auto;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What the columns of a table are taken for.
///
/// @param kind rows that they make
/// @param columns by their role; pairs that are to be judged have their two columns in `COMPLETION`
///     and, where each has a score, theirs in `RATING`
/// @param notes reasons, for people
/// @param ignored columns that nothing reads
public record TableMapping(
        Kind kind,
        Map<ColumnRole, List<String>> columns,
        List<String> notes,
        List<String> ignored) {
    /// Rows that a table makes.
    public enum Kind {
        /// A question and its answer.
        INSTRUCTION("sft", "questions and answers"),
        /// A text and its class.
        CLASSES("sft", "texts and their classes"),
        /// A question, its choices and which of them is right.
        CHOICES("sft", "multiple-choice questions"),
        /// A conversation in each row.
        CHAT("sft", "conversations"),
        /// A message in each row.
        CHAT_ROWS("sft", "conversations, a message in each row"),
        /// Plain text.
        TEXT("sft", "plain texts"),
        /// A better and a worse answer.
        PAIR("dpo", "preference pairs"),
        /// Two answers and which one is better.
        JUDGED_PAIR("dpo", "two answers and which is better"),
        /// An answer that is good or not.
        LABELLED("kto", "answers that are good or not"),
        /// An answer and how good it is.
        RATED("kto", "answers with a rating");

        private final String method;
        private final String words;

        Kind(String method, String words) {
            this.method = method;
            this.words = words;
        }

        /// The method that learns from such rows.
        public String method() {
            return method;
        }

        /// The kind of rows, in words.
        public String words() {
            return words;
        }
    }

    public TableMapping {
        Map<ColumnRole, List<String>> copy = new EnumMap<>(ColumnRole.class);
        copy.putAll(columns);
        columns = Collections.unmodifiableMap(copy);
        notes = List.copyOf(notes);
        ignored = List.copyOf(ignored);
    }

    /// The only column of a role.
    public Optional<String> column(ColumnRole role) {
        return columns.getOrDefault(role, List.of()).stream().findFirst();
    }

    /// All columns of a role, in their order.
    public List<String> all(ColumnRole role) {
        return columns.getOrDefault(role, List.of());
    }

    /// Options that say the same.
    public String options() {
        List<String> options = new ArrayList<>();
        columns.forEach(
                (role, names) ->
                        names.forEach(
                                name ->
                                        options.add(
                                                "--"
                                                        + (role == ColumnRole.COMPLETION
                                                                ? "response"
                                                                : role.key())
                                                        + " "
                                                        + quoted(name))));
        return String.join(" ", options);
    }

    static String quoted(String name) {
        return name.matches("[\\p{L}\\p{N}_.-]+") ? name : "'" + name.replace("'", "'\\''") + "'";
    }

    /// Columns and what they are taken for, in the table's order.
    public Map<String, String> byColumn(List<String> order) {
        Map<String, String> roles = new LinkedHashMap<>();
        for (String column : order) {
            columns.forEach(
                    (role, names) -> {
                        if (names.contains(column)) {
                            roles.merge(column, role.key(), (a, b) -> a + ", " + b);
                        }
                    });
            roles.putIfAbsent(column, "ignored");
        }
        return roles;
    }
}
