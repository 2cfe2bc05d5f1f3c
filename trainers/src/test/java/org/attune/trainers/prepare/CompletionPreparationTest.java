package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class CompletionPreparationTest {
    private static final int EOS = ByteTokenizer.EOS;

    /// `u` before a question, `a` before an answer, `.` after both.
    private static final ChatTemplate TEMPLATE =
            JinjaChatTemplate.compile(
                    "test",
                    "{% for t in tools or [] %}{{ t.name }}{% endfor %}"
                            + "{% for m in messages %}{{ m.role[0] }}{{ m.content }}.{% endfor %}"
                            + "{% if add_generation_prompt %}a{% endif %}",
                    SpecialTokens.none());

    private static CompletionTokens only(
            DatasetType type, int maxLength, Map<String, Object> columns) {
        return only(type, maxLength, columns, false);
    }

    private static CompletionTokens only(
            DatasetType type, int maxLength, Map<String, Object> columns, boolean bare) {
        var row = new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
        var samples = new SampleTokenizer(new ByteTokenizer(false), Optional.of(TEMPLATE));
        var preparation =
                new CompletionPreparation(
                        samples,
                        maxLength == 0 ? OptionalInt.empty() : OptionalInt.of(maxLength),
                        BadRowPolicy.ERROR,
                        bare);
        return preparation
                .prepare(List.of(new SampleReader(type, true).read(row)), 1)
                .rows()
                .getFirst()
                .tokens();
    }

    private static Map<String, Object> said(String... turns) {
        List<Map<String, String>> messages = new ArrayList<>();
        for (int i = 0; i < turns.length; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", turns[i]));
        }
        return Map.of("messages", messages);
    }

    private static void assertIs(String text, int start, CompletionTokens tokens) {
        assertArrayEquals(text.chars().toArray(), tokens.ids());
        assertEquals(start, tokens.completionStart());
    }

    @Test
    void theLastAnswerOfAConversationIsTheCompletion() {
        DatasetType type = DatasetType.LANGUAGE_MODELING;
        assertIs("uq.ax.", 4, only(type, 0, said("q", "x")));
        assertIs("uq.ax.ur.ay.", 10, only(type, 0, said("q", "x", "r", "y")));
    }

    /// As TRL, which renders messages alone.
    @Test
    void toolsAreShownUnlessItIsToBeAsInTrl() {
        Map<String, Object> columns = new HashMap<>(said("q", "x"));
        columns.put("tools", List.of(Map.of("name", "w")));
        assertIs("wuq.ax.", 5, only(DatasetType.LANGUAGE_MODELING, 0, columns));
        assertIs("uq.ax.", 4, only(DatasetType.LANGUAGE_MODELING, 0, columns, true));
    }

    /// The token is no part of the completion, of which it has a letter.
    @Test
    void aTokenAcrossTheBoundaryBelongsToThePrompt() {
        CompletionTokens tokens = only(DatasetType.LANGUAGE_MODELING, 0, said("q", "bx"));
        assertArrayEquals(new int[] {'u', 'q', '.', ByteTokenizer.AB, 'x', '.'}, tokens.ids());
        assertEquals(4, tokens.completionStart());
    }

    @Test
    void ofALongRowTheLastTokensAreKept() {
        DatasetType type = DatasetType.LANGUAGE_MODELING;
        assertIs(".axyz.", 2, only(type, 6, said("quest", "xyz")));
        String message =
                assertThrows(DatasetException.class, () -> only(type, 4, said("quest", "xyz")))
                        .getMessage();
        assertTrue(message.contains("max_length 4 leaves nothing of the prompt"), message);
    }

    @Test
    void promptsAndCompletionsOfBothFormsAreTaken() {
        DatasetType type = DatasetType.PROMPT_COMPLETION;
        CompletionTokens plain = only(type, 0, Map.of("prompt", "pq", "completion", "xy"));
        assertArrayEquals(new int[] {'p', 'q', 'x', 'y', EOS}, plain.ids());
        assertEquals(2, plain.completionStart());
        Map<String, Object> turns =
                Map.of(
                        "prompt",
                        List.of(Map.of("role", "user", "content", "q")),
                        "completion",
                        List.of(Map.of("role", "assistant", "content", "x")));
        assertIs("uq.ax.", 4, only(type, 0, turns));
    }

    @Test
    void aConversationMustEndWithAnAnswer() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> only(DatasetType.LANGUAGE_MODELING, 0, said("q", "x", "r")))
                        .getMessage();
        assertTrue(message.contains("is by \"user\""), message);
    }

    private static Shaped<CompletionExample> episode(Map<String, Object> columns, int maxLength) {
        var row = new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
        var tools = List.<Object>of(Map.of("name", "w"));
        var preparation =
                new CompletionPreparation(
                        new SampleTokenizer(new ByteTokenizer(false), Optional.of(TEMPLATE)),
                        OptionalInt.of(maxLength),
                        BadRowPolicy.ERROR,
                        false,
                        new SharedOptions(tools, Map.of(), true));
        return preparation.shape(new SampleReader(DatasetType.LANGUAGE_MODELING, true).read(row));
    }

    /// They need the messages and columns, and the prompt as a whole.
    @Test
    void promptsOfEpisodesKeepTheirMessagesAndShowTheRunsTools() {
        Map<String, Object> columns = new HashMap<>(said("q", "x"));
        columns.put("seed", 3L);
        var kept = (Shaped.Kept<CompletionExample>) episode(columns, 7);
        assertIs("wuq.ax.", 5, kept.row().tokens());
        assertEquals(List.of(Message.of("user", "q")), kept.row().prompt());
        assertEquals(3L, kept.row().columns().get("seed"));
        assertTrue(episode(columns, 6) instanceof Shaped.Left<CompletionExample>);
        columns.put("chat_template_kwargs", Map.of("think", true));
        assertThrows(DatasetException.class, () -> episode(columns, 7));
    }
}
