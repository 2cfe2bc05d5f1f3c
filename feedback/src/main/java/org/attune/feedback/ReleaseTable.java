package org.attune.feedback;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

/// How releases stand in the database.
final class ReleaseTable {
    private static final String COLUMNS = "number, model, adapter, replaces, evidence, made_at";

    private ReleaseTable() {}

    /// The oldest first.
    static List<Release> all(Database database) {
        return database.rows(
                ReleaseTable::release,
                "select %s from releases order by number".formatted(COLUMNS));
    }

    private static Release release(ResultSet row) throws SQLException {
        return new Release(
                row.getInt(1),
                row.getString(2),
                row.getString(3),
                row.getInt(4),
                row.getString(5),
                Instant.ofEpochMilli(row.getLong(6)));
    }

    static Release insert(
            Database database, String model, String adapter, int replaces, String evidence) {
        int number = all(database).stream().mapToInt(Release::number).max().orElse(0) + 1;
        var release = new Release(number, model, adapter, replaces, evidence, Instant.now());
        database.call( // two at once: the number is a key, so one of them fails
                connection ->
                        Database.update(
                                connection,
                                "insert into releases (%s) values (?, ?, ?, ?, ?, ?)"
                                        .formatted(COLUMNS),
                                number,
                                model,
                                adapter,
                                replaces,
                                evidence,
                                release.time().toEpochMilli()));
        return release;
    }
}
