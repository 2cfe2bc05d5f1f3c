package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.SortingUsers.Asked;
import org.attune.cli.command.ExitCodes;
import org.attune.feedback.FeedbackStore;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// From complaints to a better answer, and what doesn't become one.
class LearnCommandTest {
    private static final List<String> RUN =
            List.of("dtype=float32", "learning_rate=5e-4", "num_train_epochs=2");

    @TempDir Path folder;

    private String said = "";

    private int attune(String command, String... words) {
        return attuneOn(place(), command, words);
    }

    private int attuneOn(String store, String command, String... words) {
        var out = new StringWriter();
        List<String> all = new ArrayList<>(List.of(command, store));
        all.addAll(List.of(words));
        int code =
                Main.commandLine(new PrintWriter(out), new PrintWriter(out), command)
                        .execute(all.toArray(String[]::new));
        said = out.toString();
        return code;
    }

    private int learn(String... options) {
        List<String> words = new ArrayList<>(RUN);
        words.addAll(List.of(options));
        return attune("learn", words.toArray(String[]::new));
    }

    private String place() {
        return folder.resolve("feedback.db").toString();
    }

    private Path runs() {
        return folder.resolve("feedback.db-learned");
    }

    /// Keeps answers with their judgements.
    private void keep(List<Asked> asked) {
        try (var store = FeedbackStore.open(place())) {
            for (Asked one : asked) {
                store.record(one.answer());
                one.judgements().forEach(store::judge);
            }
        }
    }

    @Test
    void whatCannotBeLearnedFromIsSaid() throws IOException {
        assertEquals(ExitCodes.USAGE, learn("--dry-run"));
        assertTrue(said.contains("has no answers"), said);
        keep(SortingUsers.careless(12, 1));
        assertEquals(ExitCodes.FAILED, learn("--dry-run"));
        assertTrue(said.contains("are too few"), said);
        keep(SortingUsers.careless(200, 2));
        assertEquals(ExitCodes.DONE, learn("--dry-run"), said);
        assertTrue(said.contains("method: dpo; items to learn from: "), said);
        assertTrue(said.contains("loss_type: [sigmoid, sft]"), said);
        assertFalse(Files.exists(runs()), "a dry run writes nothing");
        assertEquals(ExitCodes.USAGE, learn("--dry-run", "--name", "other"));
        assertEquals(ExitCodes.USAGE, learn("--promote", "--shuffle"));
        assertEquals(ExitCodes.USAGE, learn("--method", "ppo"));
        assertEquals(ExitCodes.USAGE, learn("--user-share", "0"));
        assertEquals(ExitCodes.USAGE, attune("learn", "--rollback"));
        assertTrue(said.contains("nothing to go back to"), said);

        Path rows = folder.resolve("rows.jsonl");
        assertEquals(ExitCodes.DONE, attune("feedback", "--out", rows.toString()), said);
        List<String> lines = Files.readAllLines(rows);
        assertTrue(lines.size() > 150, said);
        assertTrue(
                lines.getFirst().contains("\"chosen\":[{\"role\":\"assistant\""), lines.getFirst());
        assertEquals(ExitCodes.DONE, attune("feedback"));
        assertTrue(said.contains("helper answered by helper: 212 answers, 212 judgements"), said);
        assertEquals(ExitCodes.DONE, attune("feedback", "--forget", "user1"));
        assertEquals(ExitCodes.DONE, attune("feedback", "--retention", "30"));
        assertTrue(said.contains("212 answers") || said.contains("answers or judgements"), said);
    }

    /// In this process, where [#theExampleRuns] starts programs.
    @Tag("slow")
    @Test
    void complaintsBecomeABetterAnswer() throws Exception {
        try (var users = new SortingUsers(place())) {
            Set<String> asked = users.complain(250, 1);
            double before = users.right(80, 2, asked);
            assertEquals(ExitCodes.DONE, learn("--promote"), said);
            assertTrue(said.contains("better: liked answers gain on disliked ones +"), said);
            users.await("helper@1");
            double after = users.right(80, 2, asked);
            assertTrue(after > before + 0.15, before + " before, " + after + " after");
            assertEquals(ExitCodes.DONE, attune("learn", "--rollback"), said);
            users.await("helper");
            assertEquals(before, users.right(80, 2, asked));
            assertEquals(ExitCodes.DONE, attune("feedback", "--forget", "user1"), said);
            assertTrue(said.contains("helper-1 was learned from some of it"), said);
        }
    }

    /// `examples/learning-loop/run`, with this build in place of the launcher.
    @Tag("thorough")
    @DisabledOnOs(OS.WINDOWS)
    @Test
    void theExampleRuns() throws Exception {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Path launcher =
                Files.writeString(
                        folder.resolve("attune"),
                        "#!/bin/sh\nexec '%s' --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector -cp '%s' org.attune.cli.Main \"$@\"\n"
                                .formatted(java, System.getProperty("java.class.path")));
        assertTrue(launcher.toFile().setExecutable(true));
        Path root = Path.of(System.getProperty("attune.root", "..")).toAbsolutePath().normalize();
        Path log = folder.resolve("log");
        var script =
                new ProcessBuilder(
                                root.resolve("examples/learning-loop/run").toString(),
                                folder.resolve("out").toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile());
        script.environment().put("ATTUNE", launcher.toString());
        script.environment().put("JAVA_HOME", System.getProperty("java.home"));
        assertEquals(0, script.start().waitFor(), () -> read(log));
        List<Integer> right =
                Pattern.compile("right: (\\d+) of 100")
                        .matcher(read(log))
                        .results()
                        .map(found -> Integer.valueOf(found.group(1)))
                        .toList();
        assertEquals(2, right.size(), read(log));
        assertTrue(right.getLast() > right.getFirst() + 10, right.toString());

        String store = folder.resolve("out/feedback.db").toString();
        assertEquals(ExitCodes.DONE, attuneOn(store, "feedback", "--forget", "user1"), said);
        assertTrue(said.contains("helper-1 was learned from some of it"), said);
        assertEquals(ExitCodes.DONE, attuneOn(store, "learn", "--rollback"), said);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// What users say is drawn: there is nothing to learn.
    @Tag("thorough")
    @Test
    void noiseDoesNotGetIn() {
        List<Asked> noise = new ArrayList<>();
        for (Asked one : SortingUsers.careless(300, 3)) {
            boolean isUp = one.question().hashCode() % 2 == 0;
            noise.add(one.judged(new Thumb(isUp)));
        }
        keep(noise);
        assertEquals(ExitCodes.NO_BETTER, learn("--promote"), said);
        assertTrue(said.contains("no better: "), said);
        assertNothingLetIn();
    }

    /// Half of the users say the opposite of the other half.
    @Test
    void contradictionsDoNotGetIn() {
        List<Asked> torn = new ArrayList<>();
        for (Asked one : SortingUsers.careless(100, 4)) {
            String id = one.answer().id();
            torn.add(
                    new Asked(
                            one.question(),
                            one.answer(),
                            List.of(
                                    new Judgement(id, 0, "ann", new Thumb(true), ""),
                                    new Judgement(id, 0, "ben", new Thumb(false), ""))));
        }
        keep(torn);
        assertEquals(ExitCodes.FAILED, learn("--promote"), said);
        assertTrue(said.contains("0 items to learn from"), said);
        assertNothingLetIn();
    }

    /// All users together want something else, so what is held out agrees; the guard doesn't.
    @Tag("thorough")
    @Test
    void aConcertedWishDoesNotPassTheGuard() throws IOException {
        List<Asked> poison = new ArrayList<>();
        for (Asked one : SortingUsers.careless(300, 5)) {
            String reversed =
                    new StringBuilder(SortingUsers.sorted(one.question())).reverse().toString();
            poison.add(one.judged(new Corrected(reversed)));
        }
        keep(poison);
        List<String> lines = new ArrayList<>();
        for (Asked one : SortingUsers.careless(40, 6)) {
            lines.add(
                    "{\"prompt\":\"%s\",\"completion\":\"%s\"}"
                            .formatted(one.question(), SortingUsers.sorted(one.question())));
        }
        Path guard = Files.write(folder.resolve("guard.jsonl"), lines);
        assertEquals(ExitCodes.NO_BETTER, learn("--promote", "--guard", guard.toString()), said);
        assertTrue(said.contains(": worse"), said);
        assertNothingLetIn();
    }

    private void assertNothingLetIn() {
        try (var store = FeedbackStore.open(place())) {
            assertEquals(List.of(), store.releases());
        }
    }

    /// Right answers of the candidate, of the control and of the model before, on other questions.
    @Tag("slow")
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void threeSeedsBeatTheirControls(int seed) throws Exception {
        String seeded = "seed=" + seed;
        try (var users = new SortingUsers(place())) {
            Set<String> asked = users.complain(400, 100 + seed);
            double before = users.right(200, 200 + seed, asked);
            String real = runs().resolve("real").toString();
            String control = runs().resolve("control").toString();
            assertEquals(ExitCodes.NO_BETTER, learn(seeded, "--shuffle", "--out", control), said);
            String line = said;
            assertEquals(ExitCodes.DONE, learn(seeded, "--out", real, "--promote"), said);
            line += said;
            users.await("helper@1");
            double after = users.right(200, 200 + seed, asked);
            assertEquals(
                    ExitCodes.DONE,
                    attune("learn", "--candidate", real, "--against", control),
                    said);
            line += said;
            try (var store = FeedbackStore.open(place())) {
                store.release("helper", control, 1, "to ask it");
            }
            users.await("helper@2");
            double without = users.right(200, 200 + seed, asked);
            System.out.println(
                    "seed %d: right before %.3f, after %.3f, control %.3f"
                                    .formatted(seed, before, after, without)
                            + "\n"
                            + line.lines()
                                    .filter(l -> l.contains("better: "))
                                    .reduce("", (one, other) -> one + "  " + other + "\n"));
            assertTrue(after > before + 0.15, before + " before, " + after + " after");
            assertTrue(after > without + 0.15, without + " control, " + after + " after");
        }
    }
}
