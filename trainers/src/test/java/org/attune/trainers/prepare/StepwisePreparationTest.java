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
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.StepwiseExample.JudgedStep;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class StepwisePreparationTest {
    private static final StepwiseOptions WHOLE = options("|", false);

    @Test
    void stepsAreJudgedAtTheLastTokenOfTheirSeparators() {
        StepwiseExample row = only(options("--", false), row("pq", "x", true, "yz", false));
        assertArrayEquals(ids("pqx--yz--"), row.ids());
        assertEquals(List.of(new JudgedStep(4, true), new JudgedStep(8, false)), row.steps());
    }

    @Test
    void partsAreEncodedEachOnItsOwn() {
        // "xa" and "b|" would share the token "ab" if they were encoded together.
        StepwiseExample row = only(WHOLE, row("xa", "b", true, "a", false));
        assertArrayEquals(new int[] {'x', 'a', 'b', '|', 'a', '|'}, row.ids());
    }

    @Test
    void promptsStandBehindBosEvenIfTheTokenizerAddsNone() {
        var withBos = new SampleTokenizer(new ByteTokenizer(true), Optional.empty());
        StepwiseExample row =
                new StepwisePreparation(withBos, WHOLE, BadRowPolicy.ERROR)
                        .prepare(List.of(read(row("p", "x", true))), 1)
                        .rows()
                        .getFirst();
        assertArrayEquals(new int[] {ByteTokenizer.BOS, 'p', 'x', '|'}, row.ids());
    }

    @Test
    void ofTheLastStepOnlyTheOthersAreRead() {
        Row row = row("p", "x", true, "y", false);
        assertEquals(List.of(new JudgedStep(4, false)), only(options("|", true), row).steps());
        StepwiseOptions held = options("|", true).ofAllSteps();
        assertEquals(2, only(held, row).steps().size());
    }

    @Test
    void whatIsTooLongIsCutAndWhatKeepsNoStepIsLeftOut() {
        Row row = row("pq", "x", true, "yz", false);
        Prepared<StepwiseExample> cut = prepare(limited(5, null), row);
        assertArrayEquals(ids("pqx|y"), cut.rows().getFirst().ids());
        assertEquals(List.of(new JudgedStep(3, true)), cut.rows().getFirst().steps());
        assertEquals(7, cut.report().truncated().getFirst().from());
        Prepared<StepwiseExample> completion = prepare(limited(null, 2), row);
        assertArrayEquals(ids("pqx|"), completion.rows().getFirst().ids());
        Prepared<StepwiseExample> two = prepare(limited(4, 9), row, row("pqrs", "x", true));
        assertEquals(1, two.rows().size());
        assertEquals("no judged step is left", two.report().dropped().getFirst().reason());
        assertThrows(DatasetException.class, () -> prepare(limited(3, null), row));
        assertThrows(ConfigException.class, () -> limited(0, null));
    }

    @Test
    void faultyColumnsAreNamed() {
        assertFault(
                "completions has 1 steps and column labels 2 labels",
                columns("p", List.of("x"), List.of(true, false)));
        assertFault(
                "column labels[0] is a string, true or false",
                columns("p", List.of("x"), List.of("yes")));
        assertFault(
                "column completions[1] is null, a string",
                columns("p", Arrays.asList("x", null), List.of(true, true)));
        assertFault(
                "column completions is a string, a list of strings", columns("p", "x", List.of()));
        Map<String, Object> missing = new LinkedHashMap<>();
        missing.put("prompt", "p");
        missing.put("completions", List.of("x"));
        missing.put("label", List.of(true));
        assertFault("column labels is missing; the columns are prompt", missing);
        assertEquals(
                List.of(true, false),
                ((Sample.Stepwise) read(row(columns("p", List.of("x", "y"), List.of(1, 0)))))
                        .labels());
    }

    @Test
    void stepsWithoutATokenHaveNoPlace() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> prepare(options("", false), row("p", "x", true, "", false)))
                        .getMessage();
        assertTrue(message.startsWith("steps.jsonl:1: completions[1]"), message);
        assertEquals(1, only(options("", false), row("p", "x", true)).steps().getFirst().end());
    }

    private static void assertFault(String expected, Map<String, Object> columns) {
        String message =
                assertThrows(DatasetException.class, () -> read(row(columns))).getMessage();
        assertTrue(message.startsWith("steps.jsonl:1: "), message);
        assertTrue(message.contains(expected), message);
    }

    private static StepwiseOptions options(String separator, boolean last) {
        return new StepwiseOptions(separator, last, OptionalInt.empty(), OptionalInt.empty());
    }

    private static StepwiseOptions limited(Integer length, Integer completion) {
        return new StepwiseOptions("|", false, optional(length), optional(completion));
    }

    private static OptionalInt optional(Integer value) {
        return value == null ? OptionalInt.empty() : OptionalInt.of(value);
    }

    private static StepwiseExample only(StepwiseOptions options, Row row) {
        return prepare(options, row).rows().getFirst();
    }

    private static Prepared<StepwiseExample> prepare(StepwiseOptions options, Row... rows) {
        var tokenizer = new SampleTokenizer(new ByteTokenizer(false), Optional.empty());
        return new StepwisePreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(Arrays.stream(rows).map(StepwisePreparationTest::read).toList(), 2);
    }

    private static Sample read(Row row) {
        return new SampleReader(DatasetType.STEPWISE_SUPERVISION, false).read(row);
    }

    private static int[] ids(String text) {
        return text.chars().toArray();
    }

    /// @param steps texts and labels in turn
    private static Row row(String prompt, Object... steps) {
        var texts = new ArrayList<Object>();
        var labels = new ArrayList<Object>();
        for (int i = 0; i < steps.length; i += 2) {
            texts.add(steps[i]);
            labels.add(steps[i + 1]);
        }
        return row(columns(prompt, texts, labels));
    }

    private static Map<String, Object> columns(String prompt, Object completions, Object labels) {
        Map<String, Object> columns = new LinkedHashMap<>();
        columns.put("prompt", prompt);
        columns.put("completions", completions);
        columns.put("labels", labels);
        return columns;
    }

    private static Row row(Map<String, Object> columns) {
        return new Row(columns, new RowOrigin("steps.jsonl", 1, 0));
    }
}
