package org.attune.feedback;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A SQLite file or a PostgreSQL database with the schema of this version. Thread-safe.
final class Database implements AutoCloseable {
    private static final String SCHEMA = "classpath:org/attune/feedback/schema";

    /// Key of the advisory lock that a process holds while it migrates a PostgreSQL database.
    static final long MIGRATION = 0x617474756e65L; // "attune"

    /// A commit of SQLite is on the disk when it returns, other processes are waited for, and what
    /// is deleted is overwritten.
    private static final Map<String, String> SQLITE =
            Map.of(
                    "journal_mode", "WAL",
                    "synchronous", "FULL",
                    "busy_timeout", "20000",
                    "foreign_keys", "true",
                    "secure_delete", "true",
                    "transaction_mode", "IMMEDIATE");

    private final HikariDataSource pool;
    private final String shown;
    private final boolean isFile;

    private Database(HikariDataSource pool, String shown, boolean isFile) {
        this.pool = pool;
        this.shown = shown;
        this.isFile = isFile;
    }

    /// Reads the columns of a row.
    interface Reader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /// Works on a connection, in one transaction.
    interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    /// Opens a database, and brings its schema to this version.
    ///
    /// @param place a file, or `postgresql://HOST/DATABASE`
    static Database open(String place) {
        boolean isServer = place.matches("(jdbc:)?postgres(ql)?://.*");
        if (!isServer && place.matches("\\w{2,}:.*")) {
            throw ConfigException.about(
                    "feedback",
                    "%s is no store; accepted: a file, or postgresql://HOST/DATABASE"
                            .formatted(withoutPassword(place)));
        }
        String shown = withoutPassword(place);
        try {
            var pool = new HikariDataSource(isServer ? server(place) : file(place));
            try {
                if (isServer) {
                    migrateAlone(pool);
                } else {
                    migrate(pool);
                }
            } catch (SQLException | RuntimeException | Error e) {
                pool.close();
                throw e;
            }
            return new Database(pool, shown, !isServer);
        } catch (PoolInitializationException | FlywayException | SQLException e) {
            Throwable why = e.getCause() == null ? e : e.getCause();
            throw ConfigException.about(
                    "feedback",
                    "the store %s can't be opened: %s"
                            .formatted(shown, withoutPassword(why.getMessage().strip())));
        }
    }

    private static String withoutPassword(String place) {
        return place.replaceFirst("//[^/@]*@", "//").replaceAll("password=[^&]*", "password=…");
    }

    private static HikariConfig file(String place) {
        Path file = Path.of(place).toAbsolutePath();
        if (!Files.isDirectory(file.getParent())) {
            throw ConfigException.about(
                    "feedback", "there is no folder %s for the store".formatted(file.getParent()));
        }
        var config = new HikariConfig();
        config.setJdbcUrl("jdbc:sqlite:" + file);
        SQLITE.forEach(config::addDataSourceProperty);
        config.setMaximumPoolSize(1); // a file has one writer anyway
        return config;
    }

    private static HikariConfig server(String place) {
        var config = new HikariConfig();
        String bare = place.replaceFirst("^jdbc:", "");
        String login = bare.replaceFirst("^postgres(?:ql)?://(?:([^/@]*)@)?.*", "$1");
        if (!login.isEmpty()) {
            String[] parts = login.split(":", 2);
            config.setUsername(parts[0]);
            config.setPassword(parts.length > 1 ? parts[1] : null);
        }
        config.setJdbcUrl(
                "jdbc:postgresql://" + bare.replaceFirst("^postgres(?:ql)?://(?:[^/@]*@)?", ""));
        config.setMaximumPoolSize(8);
        config.setMinimumIdle(1);
        return config;
    }

    /// Of two that find no schema and both make its history, one would fail.
    private static void migrateAlone(HikariDataSource pool) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_advisory_lock(" + MIGRATION + ")");
            try {
                migrate(pool);
            } finally {
                statement.execute("select pg_advisory_unlock(" + MIGRATION + ")");
            }
        }
    }

    private static void migrate(HikariDataSource pool) {
        Flyway.configure(Database.class.getClassLoader())
                .dataSource(pool)
                .locations(SCHEMA)
                .baselineOnMigrate(true) // beside other tables of the same database
                .baselineVersion("0")
                .ignoreMigrationPatterns(new String[0]) // a newer schema is refused
                .table("attune_feedback_schema")
                .load()
                .migrate();
    }

    /// Does work in one transaction, which is on the disk when this returns.
    <T> T call(Work<T> work) {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            try {
                T result = work.on(connection);
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                throw e;
            }
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    private AttuneException failed(SQLException why) {
        return new AttuneException(
                "the store of feedback %s failed: %s".formatted(shown, why.getMessage()), why);
    }

    /// The rows that a query finds.
    <T> List<T> rows(Reader<T> reader, String query, Object... values) {
        try (Connection connection = pool.getConnection();
                PreparedStatement statement = prepare(connection, query, values);
                ResultSet rows = statement.executeQuery()) {
            List<T> found = new ArrayList<>();
            while (rows.next()) {
                found.add(reader.read(rows));
            }
            return found;
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    /// Changes rows.
    ///
    /// @return how many
    static int update(Connection connection, String change, Object... values) throws SQLException {
        try (PreparedStatement statement = prepare(connection, change, values)) {
            return statement.executeUpdate();
        }
    }

    private static PreparedStatement prepare(Connection connection, String text, Object... values)
            throws SQLException {
        PreparedStatement statement = connection.prepareStatement(text);
        for (int i = 0; i < values.length; i++) {
            statement.setObject(i + 1, values[i]);
        }
        return statement;
    }

    /// Removes from a file's log what was deleted from the file.
    void forgetDeleted() {
        if (isFile) {
            try (Connection connection = pool.getConnection();
                    var statement = connection.createStatement()) {
                statement.execute("pragma wal_checkpoint(truncate)");
            } catch (SQLException e) {
                throw new AttuneException(
                        "the log of %s can't be emptied: %s".formatted(shown, e.getMessage()), e);
            }
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
