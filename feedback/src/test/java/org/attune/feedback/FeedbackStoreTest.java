package org.attune.feedback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;

class FeedbackStoreTest extends StoreContract {
    @TempDir private Path folder;

    @Override
    String place() {
        return folder.resolve("f.db").toString();
    }

    /// The file and what SQLite has beside it.
    @Override
    String kept() throws IOException {
        var all = new StringBuilder();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return all.toString();
    }

    @Override
    Connection connect() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + place());
    }

    @Test
    void commitsAreOnTheDiskAndDeletionsOverwrite() {
        try (var database = Database.open(folder.resolve("a?b c.db").toString())) {
            assertEquals(List.of("wal"), database.rows(r -> r.getString(1), "pragma journal_mode"));
            assertEquals(List.of(2), database.rows(r -> r.getInt(1), "pragma synchronous"));
            assertEquals(List.of(1), database.rows(r -> r.getInt(1), "pragma secure_delete"));
            assertEquals(List.of(1), database.rows(r -> r.getInt(1), "pragma foreign_keys"));
        }
        assertTrue(Files.exists(folder.resolve("a?b c.db")));
    }

    @Test
    void storesThatCannotBeOpenedAreNamed() throws IOException {
        String missing = folder.resolve("none/f.db").toString();
        assertThrows(ConfigException.class, () -> FeedbackStore.open(missing));
        assertThrows(ConfigException.class, () -> FeedbackStore.open("mysql://host/db"));
        Path text = Files.writeString(folder.resolve("notes.txt"), "no data base\n".repeat(100));
        var wrong = assertThrows(ConfigException.class, () -> FeedbackStore.open(text.toString()));
        assertTrue(wrong.getMessage().contains("not a database"), wrong.getMessage());
    }
}
