package org.attune.datasets.formats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.error.Spelling;
import org.junit.jupiter.api.Test;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;

class ConversionsTest {
    @Test
    void thePromptOfStringsLeavesTheSpaceToTheAnswers() {
        Map<String, Object> pair =
                Conversions.extractPrompt(
                        Map.of("chosen", "The sky is blue.", "rejected", "The sky is green."));
        assertEquals("The sky is", pair.get("prompt"));
        assertEquals(" blue.", pair.get("chosen"));
        assertEquals(" green.", pair.get("rejected"));
    }

    @Test
    void equalStringsKeepTheirLastCharacter() {
        Map<String, Object> pair =
                Conversions.extractPrompt(Map.of("chosen", "ok 😀", "rejected", "ok 😀"));
        assertEquals("😀", pair.get("chosen"));
        assertEquals("ok ", pair.get("prompt"));
    }

    @Test
    void charactersAreNeverHalved() {
        // U+1F600 and U+1F601 begin with the same surrogate.
        Map<String, Object> pair =
                Conversions.extractPrompt(Map.of("chosen", "a😀", "rejected", "a😁"));
        assertEquals("a", pair.get("prompt"));
        assertEquals("😁", pair.get("rejected"));
    }

    @Test
    void thePromptOfMessagesEndsBeforeTheFirstDifferentOne() {
        Object user = Map.of("role", "user", "content", "q");
        Object good = Map.of("role", "assistant", "content", "a");
        Object bad = Map.of("role", "assistant", "content", "b");
        Map<String, Object> pair =
                Conversions.extractPrompt(
                        Map.of("chosen", List.of(user, good), "rejected", List.of(user, bad)));
        assertEquals(List.of(user), pair.get("prompt"));
        assertEquals(List.of(good), pair.get("chosen"));
        assertEquals(List.of(bad), pair.get("rejected"));
    }

    @Test
    void unpairedRowsAreAllChosenThenAllRejected() {
        List<Map<String, Object>> rows =
                Conversions.unpair(
                        List.of(
                                Map.of("prompt", "p1", "chosen", "c1", "rejected", "r1", "n", 1),
                                Map.of("prompt", "p2", "chosen", "c2", "rejected", "r2", "n", 2)));
        assertEquals(
                List.of("c1", "c2", "r1", "r2"),
                rows.stream().map(row -> row.get("completion")).toList());
        assertEquals(
                List.of(true, true, false, false),
                rows.stream().map(row -> row.get("label")).toList());
        assertEquals(List.of(1, 2, 1, 2), rows.stream().map(row -> row.get("n")).toList());
    }

    @Test
    void chatmlRenamesKeysAndKeepsRoles() {
        Map<String, Object> row =
                Conversions.toChatml(
                        Map.of("conversations", List.of(Map.of("from", "human", "value", "Hi"))));
        assertEquals(Map.of("messages", List.of(Map.of("role", "human", "content", "Hi"))), row);
        assertTrue(Conversions.isConversational(row));
        assertFalse(Conversions.isConversational(Map.of("prompt", "text")));
    }

    @Test
    void typesAreToldByTheirColumns() {
        var all = EnumSet.allOf(DatasetType.class);
        assertEquals(
                DatasetType.PREFERENCE,
                DatasetType.detect("f", List.of("chosen", "rejected", "score"), all));
        assertEquals(
                DatasetType.UNPAIRED_PREFERENCE,
                DatasetType.detect("f", List.of("prompt", "completion", "label"), all));
        var sft = EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
        assertEquals(
                DatasetType.PROMPT_COMPLETION,
                DatasetType.detect("f", List.of("prompt", "completion", "label"), sft));
    }

    @Test
    void unfitColumnsAreNamedWithWhatIsAcceptedAndHowToRename() {
        var error =
                assertThrows(
                        DatasetException.class,
                        () ->
                                DatasetType.detect(
                                        "f.jsonl:1",
                                        List.of("promt", "completion"),
                                        EnumSet.of(DatasetType.PROMPT_COMPLETION)));
        assertEquals(
                "f.jsonl:1: the columns are promt, completion; accepted are prompt_completion"
                        + " (prompt, completion); rename columns with columns: {promt: prompt}",
                error.getMessage());
    }

    @Test
    void theNearestNameIsNearOrNone() {
        assertEquals("completions", Spelling.nearest("completion", List.of("completions")).get());
        assertTrue(Spelling.nearest("completion", List.of("text")).isEmpty());
    }
}
