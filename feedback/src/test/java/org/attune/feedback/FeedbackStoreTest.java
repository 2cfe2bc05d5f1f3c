package org.attune.feedback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

class FeedbackStoreTest {
    /// A PostgreSQL database in place of a file; what is in it is lost.
    private static final String URL = System.getProperty("attune.postgresql", "");

    @TempDir Path folder;
    private FeedbackStore store;

    private FeedbackStore open() {
        if (!URL.isEmpty() && store == null) {
            clear();
        }
        store = FeedbackStore.open(URL.isEmpty() ? folder.resolve("f.db").toString() : URL);
        return store;
    }

    private static void clear() {
        try (var connection = DriverManager.getConnection("jdbc:" + URL);
                var statement = connection.createStatement()) {
            statement.execute("drop schema public cascade; create schema public");
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void close() {
        if (store != null) {
            store.close();
        }
    }

    static GivenAnswer answer(String id, int choice, String user, String question, String text) {
        return new GivenAnswer(
                id,
                choice,
                Instant.now(),
                user,
                new Origin("helper", "helper", "model", "", ""),
                List.of(Map.of("role", "user", "content", question)),
                List.of(),
                Map.of("role", "assistant", "content", text),
                new Usage(3, 4, "stop"));
    }

    private static Judgement by(String user, String id, Judgement.Opinion opinion) {
        return new Judgement(id, 0, user, opinion, "");
    }

    @Test
    void whatWasKeptIsThereAgain() {
        GivenAnswer first = answer("a", 0, "ann", "Wie heißt \"du\"?", "Ich heiße\n😀");
        GivenAnswer second = answer("a", 1, "ann", "Wie heißt \"du\"?", "Max");
        try (var opened = open()) {
            opened.record(List.of(first, second));
            assertTrue(
                    opened.judge(
                            List.of(
                                    new Judgement("a", 0, "", new Corrected("Eva"), "no name"),
                                    by("ben", "a", new BetterThan("a", 1)))));
        }
        List<JudgedAnswer> found = open().judged(Optional.of("helper"));
        assertEquals(2, found.size());
        JudgedAnswer corrected = found.getFirst();
        assertEquals("ann", corrected.judgement().user(), "who asked judges unless somebody else");
        assertEquals(new Corrected("Eva"), corrected.judgement().opinion());
        assertEquals("no name", corrected.judgement().note());
        assertEquals(first.messages(), corrected.answer().messages());
        assertEquals(first.answer(), corrected.answer().answer());
        assertEquals(first.usage(), corrected.answer().usage());
        assertEquals(first.origin(), corrected.answer().origin());
        assertEquals(second.answer(), found.getLast().worse().orElseThrow().answer());
        assertEquals(List.of(), store.judged(Optional.of("other")));
        assertEquals(Map.of("helper", Map.of("helper", 2L)), store.answers());
        assertEquals("model", store.newest("helper").orElseThrow().origin().base());
    }

    @Test
    void aJudgementCountsOnceForUserAndAnswer() {
        FeedbackStore opened = open();
        opened.record(List.of(answer("a", 0, "", "?", "x"), answer("a", 1, "", "?", "y")));
        opened.judge(by("ann", "a", new Thumb(true)));
        opened.judge(by("ann", "a", new Thumb(false)));
        opened.judge(by("ben", "a", new Thumb(true)));
        assertEquals(
                List.of(new Thumb(false), new Thumb(true)),
                opened.judged(Optional.empty()).stream()
                        .map(j -> j.judgement().opinion())
                        .toList());
        opened.judge(by("ann", "a", new BetterThan("a", 1)));
        opened.judge(new Judgement("a", 1, "ann", new BetterThan("a", 0), ""));
        List<JudgedAnswer> preferred =
                opened.judged(Optional.empty()).stream()
                        .filter(j -> j.worse().isPresent())
                        .toList();
        assertEquals(1, preferred.size(), "the later preference takes the place of the first");
        assertEquals(1, preferred.getFirst().answer().choice());
    }

    @Test
    void judgementsOfUnknownAnswersAreRefusedWhole() {
        FeedbackStore opened = open();
        opened.record(answer("a", 0, "", "?", "x"));
        assertFalse(opened.judge(Judgement.of("b", new Thumb(true))));
        assertFalse(opened.judge(Judgement.of("a", new BetterThan("b", 0))));
        assertFalse(
                opened.judge(List.of(by("", "a", new Thumb(true)), by("", "b", new Thumb(true)))));
        assertEquals(List.of(), opened.judged(Optional.empty()));
        assertThrows(IllegalArgumentException.class, () -> new Score(4));
        assertThrows(IllegalArgumentException.class, () -> new Score(Double.NaN));
    }

    @Test
    void nothingOfAForgottenUserStaysInTheFiles() throws IOException {
        FeedbackStore opened = open();
        opened.record(answer("a", 0, "ann", "my number is 5553141", "so it is 5553141"));
        opened.record(answer("b", 0, "ben", "?", "x"));
        opened.judge(by("ann", "b", new Corrected("call 5553141")));
        opened.judge(by("ben", "a", new Thumb(true)));
        opened.judge(by("ben", "b", new Thumb(true)));
        assertEquals(List.of("a", "b"), opened.forget("ann").stream().sorted().toList());
        assertEquals(1, opened.judged(Optional.empty()).size());
        for (Path file : files()) {
            String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
            assertFalse(bytes.contains("5553141"), file + " still has it");
            assertFalse(bytes.contains("ann"), file + " still has the name");
        }
        assertThrows(ConfigException.class, () -> opened.forget(""));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
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
    void oldAnswersGoWithTheirJudgements() {
        FeedbackStore opened = open();
        GivenAnswer now = answer("new", 0, "", "?", "x");
        opened.record(
                new GivenAnswer(
                        "old",
                        0,
                        now.time().minus(Duration.ofDays(40)),
                        "",
                        now.origin(),
                        now.messages(),
                        now.tools(),
                        now.answer(),
                        now.usage()));
        opened.record(now);
        opened.judge(Judgement.of("old", new Thumb(true)));
        opened.judge(Judgement.of("new", new Score(0.75)));
        assertEquals(List.of("old"), opened.forgetBefore(Instant.now().minus(Duration.ofDays(30))));
        assertEquals(
                List.of(new Score(0.75)),
                opened.judged(Optional.empty()).stream()
                        .map(j -> j.judgement().opinion())
                        .toList());
    }

    @Test
    void releasesGoForwardAndBack() {
        FeedbackStore opened = open();
        assertThrows(ConfigException.class, () -> opened.rollback("helper"));
        assertEquals(1, opened.release("helper", "/one", 0, "why").number());
        assertEquals(2, opened.release("helper", "/two", 1, "why").number());
        assertEquals(3, opened.release("other", "/else", 0, "why").number());
        assertThrows(AttuneException.class, () -> opened.release("helper", "/late", 1, "why"));
        assertEquals("/two", opened.current().get("helper").adapter());
        assertEquals("/one", opened.rollback("helper").adapter());
        assertEquals("/one", opened.current().get("helper").adapter());
        assertEquals("/three", opened.release("helper", "/three", 4, "why").adapter());
        assertEquals("/one", opened.rollback("helper").adapter(), "what was in force before");
        assertTrue(opened.rollback("helper").isStart());
        assertThrows(ConfigException.class, () -> opened.rollback("helper"));
        assertEquals("/else", opened.current().get("other").adapter());
    }

    @Test
    void storesThatCannotBeOpenedAreNamed() throws IOException, SQLException {
        String missing = folder.resolve("none/f.db").toString();
        assertThrows(ConfigException.class, () -> FeedbackStore.open(missing));
        assertThrows(ConfigException.class, () -> FeedbackStore.open("mysql://host/db"));
        Path text = Files.writeString(folder.resolve("notes.txt"), "no data base\n".repeat(100));
        var wrong = assertThrows(ConfigException.class, () -> FeedbackStore.open(text.toString()));
        assertTrue(wrong.getMessage().contains("not a database"), wrong.getMessage());
        String newer = folder.resolve("newer.db").toString();
        FeedbackStore.open(newer).close();
        try (var connection = DriverManager.getConnection("jdbc:sqlite:" + newer);
                var statement = connection.createStatement()) {
            statement.execute(
                    "insert into attune_feedback_schema select 9, '99', 'later', type,"
                            + " 'V99__l.sql', checksum, installed_by, installed_on, execution_time,"
                            + " success from attune_feedback_schema where version = '1'");
        }
        assertThrows(ConfigException.class, () -> FeedbackStore.open(newer));
    }

    /// The other process says what was kept, and is killed while it goes on.
    @Test
    void whatWasAcknowledgedOutlivesAKill() throws IOException, InterruptedException {
        Path file = folder.resolve("killed.db");
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                KeepsAnswers.class.getName(),
                                file.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        List<String> said = new ArrayList<>();
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                said.add(line);
                if (said.size() == 25) {
                    process.toHandle().destroyForcibly(); // SIGKILL
                }
            }
        }
        process.waitFor();
        assertTrue(said.size() >= 25, "it kept only " + said);
        try (var opened = FeedbackStore.open(file.toString())) {
            List<String> there =
                    opened.judged(Optional.empty()).stream().map(j -> j.answer().id()).toList();
            assertTrue(there.containsAll(said), "lost of " + said.size());
        }
    }
}
