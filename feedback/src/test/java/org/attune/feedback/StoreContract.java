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

import java.io.BufferedReader;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;

/// What stores do, whatever database they are in.
abstract class StoreContract {
    private FeedbackStore store;

    /// What [FeedbackStore#open] takes, with nothing in it at first.
    abstract String place();

    /// All bytes that are kept, as text.
    abstract String kept() throws IOException, SQLException;

    /// The same database, past the store.
    abstract Connection connect() throws SQLException;

    private FeedbackStore open() {
        store = FeedbackStore.open(place());
        return store;
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
    void nothingOfAForgottenUserStays() throws IOException, SQLException {
        FeedbackStore opened = open();
        opened.record(answer("a", 0, "ann", "my number is 5553141", "so it is 5553141"));
        opened.record(answer("b", 0, "ben", "?", "x"));
        opened.judge(by("ann", "b", new Corrected("call 5553141")));
        opened.judge(by("ben", "a", new Thumb(true)));
        opened.judge(by("ben", "b", new Thumb(true)));
        assertEquals(List.of("a", "b"), opened.forget("ann").stream().sorted().toList());
        assertEquals(1, opened.judged(Optional.empty()).size());
        assertFalse(kept().contains("5553141"), "it is there still");
        assertFalse(kept().contains("ann"), "the name is there still");
        assertTrue(kept().contains("ben"), "others stay");
        assertThrows(ConfigException.class, () -> opened.forget(""));
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
    void aLaterSchemaIsRefused() throws SQLException {
        open().close();
        try (var connection = connect();
                var statement = connection.createStatement()) {
            statement.execute(
                    "insert into attune_feedback_schema select 9, '99', 'later', type,"
                            + " 'V99__l.sql', checksum, installed_by, installed_on, execution_time,"
                            + " success from attune_feedback_schema where version = '1'");
        }
        assertThrows(ConfigException.class, () -> FeedbackStore.open(place()));
    }

    /// Each makes the schema if it is the first.
    @Test
    void severalOpenAndWriteAtOnce() throws Exception {
        List<Callable<Void>> writers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            String name = "w" + i;
            writers.add(() -> write(name));
        }
        try (var threads = Executors.newFixedThreadPool(writers.size())) {
            for (var written : threads.invokeAll(writers)) {
                written.get();
            }
        }
        assertEquals(Map.of("helper", Map.of("helper", 100L)), open().answers());
        assertEquals(100, store.judged(Optional.empty()).size());
    }

    private Void write(String name) {
        try (var opened = FeedbackStore.open(place())) {
            for (int i = 0; i < 25; i++) {
                opened.record(answer(name + i, 0, name, "?", "x"));
                assertTrue(opened.judge(Judgement.of(name + i, new Thumb(true))));
            }
        }
        return null;
    }

    /// The other process says what was kept, and is killed while it goes on.
    @Test
    void whatWasAcknowledgedOutlivesAKill() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                KeepsAnswers.class.getName(),
                                place())
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
        try (var opened = FeedbackStore.open(place())) {
            List<String> there =
                    opened.judged(Optional.empty()).stream().map(j -> j.answer().id()).toList();
            assertTrue(there.containsAll(said), "lost of " + said.size());
        }
    }
}
