package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

class PromptPreparationTest {
    @Test
    void ofPreferencePairsOnlyThePromptIsRead() {
        PromptExample prompt = prepare(OptionalInt.empty(), "pq").rows().getFirst();
        assertArrayEquals(new int[] {'p', 'q'}, prompt.ids());
        assertEquals(Map.of("chosen", "good", "rejected", "bad"), prompt.columns());
    }

    @Test
    void promptsThatAreTooLongAreLeftOutAndCounted() {
        Prepared<PromptExample> prepared = prepare(OptionalInt.of(3), "pqr", "pqrs", "p");
        assertEquals(
                List.of("pqr", "p"), prepared.rows().stream().map(PromptExample::text).toList());
        assertEquals(
                "2 rows from 3, 4 tokens; 1 dropped: the prompt is longer than"
                        + " max_prompt_length",
                prepared.report().summary());
    }

    @Test
    void whereNoPromptIsShortEnoughTheKeyIsNamed() {
        String message =
                assertThrows(DatasetException.class, () -> prepare(OptionalInt.of(1), "pq"))
                        .getMessage();
        assertTrue(message.contains("2 tokens, 1 are allowed; raise max_prompt_length"), message);
        assertThrows(ConfigException.class, () -> prepare(OptionalInt.of(0), "pq"));
        var tokenizer = new SampleTokenizer(new ByteTokenizer(false), Optional.empty());
        var limited =
                new PromptPreparation(tokenizer, OptionalInt.of(1), BadRowPolicy.ERROR)
                        .limitedBy("max_length");
        String other =
                assertThrows(DatasetException.class, () -> limited.prepare(List.of(pair("pq")), 1))
                        .getMessage();
        assertTrue(other.contains("longer than max_length 2 tokens"), other);
        assertTrue(other.contains("raise max_length"), other);
    }

    @Test
    void episodesRefuseWhatTheirTurnsCouldNotObey() {
        var turn = Map.of("role", "user", "content", "p");
        Map<String, Object> own = Map.of("enable_thinking", false);
        assertTrue(
                episode(Map.of("prompt", List.of(turn), "chat_template_kwargs", own))
                        .contains("chat_template_kwargs of its own"));
        assertTrue(episode(Map.of("prompt", "p")).contains("episodes need a list of messages"));
    }

    private static String episode(Map<String, Object> columns) {
        var row = new Row(columns, new RowOrigin("prompts.jsonl", 1, 0));
        Sample sample = new SampleReader(DatasetType.PROMPT_ONLY, false).read(row);
        var preparation =
                new PromptPreparation(
                        new SampleTokenizer(new ByteTokenizer(false), Optional.empty()),
                        OptionalInt.empty(),
                        BadRowPolicy.ERROR,
                        new SharedOptions(List.of(), Map.of(), true));
        return assertThrows(DatasetException.class, () -> preparation.prepare(List.of(sample), 1))
                .getMessage();
    }

    private static Prepared<PromptExample> prepare(OptionalInt most, String... prompts) {
        var tokenizer = new SampleTokenizer(new ByteTokenizer(false), Optional.empty());
        return new PromptPreparation(tokenizer, most, BadRowPolicy.ERROR)
                .prepare(Stream.of(prompts).map(PromptPreparationTest::pair).toList(), 2);
    }

    private static Sample pair(String prompt) {
        var columns = Map.<String, Object>of("prompt", prompt, "chosen", "good", "rejected", "bad");
        var row = new Row(columns, new RowOrigin("pairs.jsonl", 1, 0));
        return new SampleReader(DatasetType.PREFERENCE, false).read(row);
    }
}
