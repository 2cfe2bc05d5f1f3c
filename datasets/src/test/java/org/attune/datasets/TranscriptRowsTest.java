package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Texts with a speaker's name before each turn, as in Anthropic's HH.
final class TranscriptRowsTest {
    private static final String BEGINNING =
            """


            Human: What is 2+2?

            Assistant: It is 4.

            Human: Sure?
            I think: 5.

            Assistant:\
            """; // without a line break behind it
    private static final String CHOSEN = BEGINNING + " Yes, it is 4. User: is no speaker here.";
    private static final String REJECTED = BEGINNING + " Yes, it is 5.\nBot: neither";

    private static Row row(Map<String, Object> columns) {
        return new Row(columns, new RowOrigin("hh.jsonl", 1, 0));
    }

    private static Sample read(
            String type, Map<String, Object> columns, Set<DatasetType> accepted) {
        var source =
                new DatasetSource(
                        "hh.jsonl",
                        Optional.empty(),
                        Optional.ofNullable(type),
                        SplitSpec.parse("train"),
                        Map.of());
        var choice = new InterpreterChoice(source, Optional.empty(), accepted);
        return choice.of(row(columns)).read(row(columns));
    }

    private static List<String> said(Content content) {
        return ((Content.Turns) content)
                .messages().stream().map(m -> m.role() + ": " + m.content()).toList();
    }

    @Test
    void pairsHaveTheirCommonTurnsAsPrompt() {
        var pair =
                (Sample.Preference)
                        read(
                                "transcript",
                                Map.of("chosen", CHOSEN, "rejected", REJECTED),
                                EnumSet.of(DatasetType.PREFERENCE));
        assertEquals(
                List.of("user: What is 2+2?", "assistant: It is 4.", "user: Sure?\nI think: 5."),
                said(pair.prompt()));
        assertEquals(
                List.of("assistant: Yes, it is 4. User: is no speaker here."), said(pair.chosen()));
        assertEquals(List.of("assistant: Yes, it is 5.\nBot: neither"), said(pair.rejected()));
    }

    @Test
    void answersBesideAPromptArePlain() {
        var pair =
                (Sample.Preference)
                        read(
                                "transcript",
                                Map.of("prompt", BEGINNING, "chosen", " Yes.", "rejected", " No."),
                                EnumSet.of(DatasetType.PREFERENCE));
        assertEquals("user: Sure?\nI think: 5.", said(pair.prompt()).getLast());
        assertEquals(List.of("assistant: No."), said(pair.rejected()));
    }

    @Test
    void textsBecomeConversations() {
        var text =
                (Sample.LanguageModeling)
                        read(
                                "transcript",
                                Map.of("text", CHOSEN),
                                EnumSet.of(DatasetType.LANGUAGE_MODELING));
        List<Message> messages = ((Content.Turns) text.content()).messages();
        assertEquals(4, messages.size());
    }

    @Test
    void whatIsNoTranscriptIsNamed() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () ->
                                        read(
                                                "transcript",
                                                Map.of("chosen", CHOSEN, "rejected", "No."),
                                                EnumSet.of(DatasetType.PREFERENCE)))
                        .getMessage();
        assertTrue(message.contains("hh.jsonl:1: column rejected is no transcript"), message);
        assertTrue(message.endsWith("got \"No.\""), message);
    }

    /// As in some rows of HH.
    @Test
    void anEmptyAnswerIsRefused() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () ->
                                        read(
                                                "transcript",
                                                Map.of("chosen", CHOSEN, "rejected", BEGINNING),
                                                EnumSet.of(DatasetType.PREFERENCE)))
                        .getMessage();
        assertTrue(message.contains("column rejected is no transcript"), message);
    }

    /// Read as plain text, the prompt would go on into "Yes, it is ".
    @Test
    void pairsOfTranscriptsAreNotReadAsText() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () ->
                                        read(
                                                null,
                                                Map.of("chosen", CHOSEN, "rejected", REJECTED),
                                                EnumSet.of(DatasetType.PREFERENCE)))
                        .getMessage();
        assertTrue(message.contains("type: transcript"), message);
    }
}
