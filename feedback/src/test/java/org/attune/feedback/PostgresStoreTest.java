package org.attune.feedback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A store in a PostgreSQL server that the test starts, where PostgreSQL is installed.
@Tag("thorough")
class PostgresStoreTest extends StoreContract {
    private static PostgresServer server;

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        if (!PostgresServer.isThere()) {
            System.out.println("skipped: no PostgreSQL (initdb and postgres)");
        }
        assumeTrue(PostgresServer.isThere());
        server = PostgresServer.start();
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    void clear() throws SQLException {
        execute("drop schema public cascade; create schema public");
    }

    private void execute(String text) throws SQLException {
        try (var connection = connect();
                var statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    @Override
    String place() {
        return server.place();
    }

    @Override
    Connection connect() throws SQLException {
        return DriverManager.getConnection(
                server.jdbcUrl(), PostgresServer.USER, PostgresServer.PASSWORD);
    }

    @Override
    String kept() throws SQLException {
        List<String> rows = new ArrayList<>();
        try (var connection = connect();
                var statement = connection.createStatement();
                var found =
                        statement.executeQuery(
                                "select a::text from answers a union select j::text from judgements"
                                        + " j")) {
            while (found.next()) {
                rows.add(found.getString(1));
            }
        }
        return String.join("\n", rows);
    }

    @Test
    void theSchemaComesBesideOtherTables() throws SQLException {
        execute("create table orders (id integer); insert into orders values (7)");
        try (var store = FeedbackStore.open(place())) {
            store.record(answer("a", 0, "ann", "?", "x"));
            assertTrue(store.judge(Judgement.of("a", new Thumb(true))));
            assertEquals(1, store.judged(Optional.empty()).size());
        }
        try (var connection = connect();
                var statement = connection.createStatement();
                var orders = statement.executeQuery("select id from orders")) {
            assertTrue(orders.next());
            assertEquals(7, orders.getInt(1));
        }
    }

    /// Two that find no schema would both make its history, and one of them would fail.
    @Test
    void whoOpensWhileAnotherMigratesWaits() throws Exception {
        try (var connection = connect();
                var statement = connection.createStatement();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            statement.execute("select pg_advisory_lock(" + Database.MIGRATION + ")");
            var opened = threads.submit(() -> FeedbackStore.open(place()));
            assertThrows(TimeoutException.class, () -> opened.get(2, TimeUnit.SECONDS));
            statement.execute("select pg_advisory_unlock(" + Database.MIGRATION + ")");
            try (var store = opened.get(1, TimeUnit.MINUTES)) {
                store.record(answer("a", 0, "ann", "?", "x"));
            }
        }
    }

    @Test
    void noErrorTellsThePassword() {
        String wrong = place().replace(PostgresServer.PASSWORD, "wrong-password");
        var refused = assertThrows(ConfigException.class, () -> FeedbackStore.open(wrong));
        assertTrue(refused.getMessage().contains("authentication failed"), refused.getMessage());
        assertFalse(refused.getMessage().contains("wrong-password"), refused.getMessage());
    }
}
