package org.attune.feedback;

import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Opinion;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;

/// How judgements stand in the database.
final class JudgementTable {
    private JudgementTable() {}

    /// Who asked; empty if an answer isn't there.
    static Optional<String> asker(Connection connection, Judgement judgement) throws SQLException {
        Optional<String> own = asker(connection, judgement.id(), judgement.choice());
        return judgement.opinion() instanceof BetterThan(String id, int choice)
                        && asker(connection, id, choice).isEmpty()
                ? Optional.empty()
                : own;
    }

    private static Optional<String> asker(Connection connection, String id, int choice)
            throws SQLException {
        try (var query =
                connection.prepareStatement(
                        "select user_name from answers where id = ? and choice = ?")) {
            query.setString(1, id);
            query.setInt(2, choice);
            try (ResultSet rows = query.executeQuery()) {
                return rows.next() ? Optional.of(rows.getString(1)) : Optional.empty();
            }
        }
    }

    static void insert(Connection connection, Judgement judgement, String user)
            throws SQLException {
        String otherId = "";
        int otherChoice = 0;
        double score = 0;
        String corrected = "";
        switch (judgement.opinion()) {
            case Thumb(boolean isUp) -> score = isUp ? 1 : 0;
            case Score(double value) -> score = value;
            case Corrected(String text) -> corrected = text;
            case BetterThan(String id, int choice) -> {
                otherId = id;
                otherChoice = choice;
                // Who prefers this one prefers the other no more.
                Database.update(
                        connection,
                        "delete from judgements where kind = 'better' and user_name = ? and id = ?"
                                + " and choice = ? and other_id = ? and other_choice = ?",
                        user,
                        id,
                        choice,
                        judgement.id(),
                        judgement.choice());
            }
        }
        Database.update(
                connection,
                "insert into judgements (id, choice, user_name, kind, other_id, other_choice,"
                        + " score, corrected, note, made_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                        + " on conflict (id, choice, user_name, kind, other_id, other_choice)"
                        + " do update set score = excluded.score, corrected = excluded.corrected,"
                        + " note = excluded.note, made_at = excluded.made_at",
                judgement.id(),
                judgement.choice(),
                user,
                kind(judgement.opinion()),
                otherId,
                otherChoice,
                score,
                corrected,
                judgement.note(),
                Instant.now().toEpochMilli());
    }

    private static String kind(Opinion opinion) {
        return switch (opinion) {
            case Thumb _ -> "thumb";
            case Score _ -> "score";
            case Corrected _ -> "corrected";
            case BetterThan _ -> "better";
        };
    }

    static JudgedAnswer judged(ResultSet row) throws SQLException {
        GivenAnswer answer = AnswerTable.answer(row, "a_");
        Opinion opinion =
                switch (row.getString("kind")) {
                    case "thumb" -> new Thumb(row.getDouble("score") > 0.5);
                    case "score" -> new Score(row.getDouble("score"));
                    case "corrected" -> new Corrected(row.getString("corrected"));
                    default ->
                            new BetterThan(row.getString("other_id"), row.getInt("other_choice"));
                };
        return new JudgedAnswer(
                answer,
                new Judgement(
                        answer.id(),
                        answer.choice(),
                        row.getString("judge"),
                        opinion,
                        row.getString("note")),
                row.getString("o_id") == null
                        ? Optional.empty()
                        : Optional.of(AnswerTable.answer(row, "o_")));
    }
}
