package org.attune.feedback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.attune.feedback.Judgement.Corrected;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class RedactionTest {
    private static final String SECRET = "ann@example.org";

    private static final GivenAnswer ANSWER =
            new GivenAnswer(
                    "call-" + SECRET,
                    0,
                    Instant.EPOCH,
                    SECRET,
                    new Origin("helper", "helper", "model", "", ""),
                    List.of(
                            Map.of("role", "user", "content", "I am " + SECRET),
                            Map.of(
                                    "role",
                                    "user",
                                    "content",
                                    List.of(Map.of("type", "text", "text", SECRET)))),
                    List.of(),
                    Map.of(
                            "role",
                            "assistant",
                            "content",
                            "Hello " + SECRET,
                            "tool_calls",
                            List.of(
                                    Map.of(
                                            "id",
                                            "c1",
                                            "type",
                                            "function",
                                            "function",
                                            Map.of(
                                                    "name",
                                                    "mail",
                                                    "arguments",
                                                    "{\"to\": \"" + SECRET + "\"}")))),
                    new Usage(3, 4, "stop"));

    @TempDir Path folder;

    @Test
    void textsAreChangedBeforeTheyAreOnTheDisk() throws IOException {
        Path file = folder.resolve("f.db");
        try (var store = FeedbackStore.open(file.toString(), t -> t.replace(SECRET, "someone"))) {
            store.record(ANSWER);
            store.judge(
                    new Judgement(ANSWER.id(), 0, "ben", new Corrected("Hi " + SECRET), SECRET));
            JudgedAnswer found = store.judged(Optional.empty()).getFirst();
            assertEquals("someone", found.judgement().note());
            assertEquals(new Corrected("Hi someone"), found.judgement().opinion());
            String kept = found.answer().messages() + " " + found.answer().answer();
            assertFalse(kept.contains(SECRET), kept);
            assertTrue(kept.contains("{\"to\": \"someone\"}"), kept);
            assertEquals(SECRET, found.answer().user(), "who is forgotten by name needs one");
        }
        byte[] bytes = Files.readAllBytes(file);
        assertFalse(new String(bytes, StandardCharsets.UTF_8).contains("I am " + SECRET));
    }

    @Test
    void aTextThatCannotBeChangedIsNotKept() {
        var failing =
                FeedbackStore.open(
                        folder.resolve("g.db").toString(),
                        text -> {
                            throw new IllegalStateException("no");
                        });
        try (failing) {
            assertThrows(AttuneException.class, () -> failing.record(ANSWER));
            assertEquals(Map.of(), failing.answers());
        }
    }
}
