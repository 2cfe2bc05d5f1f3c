package org.attune.feedback;

import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.attune.json.Json;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// How answers stand in the database.
final class AnswerTable {
    private static final String COLUMNS =
            "id, choice, made_at, user_name, model, answered_by, base, start_adapter, adapter,"
                    + " messages, tools, answer, prompt_tokens, answer_tokens, finish";

    private AnswerTable() {}

    static void insert(Connection connection, GivenAnswer answer) throws SQLException {
        Origin origin = answer.origin();
        Database.update(
                connection,
                "insert into answers (%s) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        .formatted(COLUMNS),
                answer.id(),
                answer.choice(),
                answer.time().toEpochMilli(),
                answer.user(),
                origin.model(),
                origin.answeredBy(),
                origin.base(),
                origin.start(),
                origin.adapter(),
                Json.write(answer.messages()),
                Json.write(answer.tools()),
                Json.write(answer.answer()),
                answer.usage().promptTokens(),
                answer.usage().answerTokens(),
                answer.usage().finish());
    }

    /// The columns of the table by its name in a query, each with that name before it.
    static String columns(String table) {
        return Stream.of(COLUMNS.split(", "))
                .map(column -> "%s.%s as %s_%s".formatted(table, column, table, column))
                .reduce((one, other) -> one + ", " + other)
                .orElseThrow();
    }

    /// An answer of a row.
    ///
    /// @param prefix of the columns: the table's name in the query, and `_`
    @SuppressWarnings("unchecked")
    static GivenAnswer answer(ResultSet row, String prefix) throws SQLException {
        return new GivenAnswer(
                row.getString(prefix + "id"),
                row.getInt(prefix + "choice"),
                Instant.ofEpochMilli(row.getLong(prefix + "made_at")),
                row.getString(prefix + "user_name"),
                new Origin(
                        row.getString(prefix + "model"),
                        row.getString(prefix + "answered_by"),
                        row.getString(prefix + "base"),
                        row.getString(prefix + "start_adapter"),
                        row.getString(prefix + "adapter")),
                (List<Object>) Json.parse(row.getString(prefix + "messages")),
                (List<Object>) Json.parse(row.getString(prefix + "tools")),
                (Map<String, Object>) Json.parse(row.getString(prefix + "answer")),
                new Usage(
                        row.getLong(prefix + "prompt_tokens"),
                        row.getLong(prefix + "answer_tokens"),
                        row.getString(prefix + "finish")));
    }
}
