package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class BcoPreparationTest {
    private static final int EOS = ByteTokenizer.EOS;
    private static final int BOS = ByteTokenizer.BOS;
    private static final int NO_LIMIT = Integer.MAX_VALUE;

    @Test
    void promptAndCompletionAreOneTextThatEndsWithEos() {
        assertRow(new int[] {'p', 'q', 'x', 'y', EOS}, 2, NO_LIMIT, "pq", "xy");
        assertRow(new int[] {'p', 'x', EOS}, 1, NO_LIMIT, "p", "x<eos>");
        assertTrue(only(false, NO_LIMIT, labelled("p", "x", true)).desirable());
        assertFalse(only(false, NO_LIMIT, labelled("p", "x", false)).desirable());
    }

    @Test
    void bosIsPutBeforeThePromptIfTheTokenizerHasOne() {
        UnpairedExample row = only(true, NO_LIMIT, labelled("p", "x", true));
        assertArrayEquals(new int[] {BOS, 'p', 'x', EOS}, row.tokens().ids());
        assertEquals(2, row.tokens().completionStart());
    }

    @Test
    void aTokenAcrossTheBoundaryBelongsToTheCompletion() {
        assertRow(new int[] {'x', ByteTokenizer.AB, 'c', EOS}, 1, NO_LIMIT, "xa", "bc");
    }

    /// Of max_length 6 two places are kept for BOS and EOS, that of BOS even if there is none.
    @Test
    void aLongCompletionLosesItsEnd() {
        assertRow(new int[] {'p', 'q', 'w', 'x', EOS}, 2, 6, "pq", "wxyz");
        UnpairedExample opened = only(true, 6, labelled("pq", "wxyz", true));
        assertArrayEquals(new int[] {BOS, 'p', 'q', 'w', 'x', EOS}, opened.tokens().ids());
        assertRow(new int[] {'p', 'q', 'w', 'x', EOS}, 2, 6, "pq", "wx<eos>");
        assertRow(new int[] {'p', 'q', 'x', EOS}, 2, 5, "pq", "xyz");
        PreparationReport report = prepare(false, 6, labelled("pq", "wxyz", true)).report();
        assertEquals(7, report.truncated().getFirst().from());
        assertEquals(5, report.truncated().getFirst().to());
    }

    @Test
    void aPromptThatFillsTheLimitLeavesItsRowOut() {
        for (boolean bos : new boolean[] {false, true}) {
            for (int limit = 2; limit <= 9; limit++) {
                for (int prompt = 1; prompt <= 12; prompt++) {
                    Prepared<UnpairedExample> all =
                            prepare(
                                    bos,
                                    limit + 2,
                                    labelled("p".repeat(prompt), "wxyz", true),
                                    labelled("p", "x", true));
                    String what = bos + " " + limit + " " + prompt;
                    boolean fits = prompt < limit;
                    assertEquals(fits ? 2 : 1, all.rows().size(), what);
                    for (UnpairedExample row : all.rows()) {
                        assertTrue(row.length() <= limit + 2, what);
                    }
                    if (!fits) {
                        var dropped = all.report().dropped().getFirst();
                        assertEquals("the prompt fills max_length", dropped.reason());
                        assertEquals(prompt + " tokens of " + (limit + 2), dropped.detail());
                    }
                }
            }
        }
    }

    @Test
    void nothingLeftSaysWhatIsTooLong() {
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> prepare(false, 4, labelled("p".repeat(9), "x", true)))
                        .getMessage();
        assertTrue(message.contains("the prompt fills max_length"), message);
    }

    @Test
    void pairsBecomeAllChosenThenAllRejectedRows() {
        Row first = row(1, Map.of("prompt", "p", "chosen", "a", "rejected", "z"));
        Row second = row(2, Map.of("prompt", "q", "chosen", "c", "rejected", "y"));
        Prepared<UnpairedExample> all =
                prepare(false, NO_LIMIT, pair(first), labelled("r", "l", false), pair(second));
        assertEquals(
                List.of("pa+", "rl-", "qc+", "pz-", "qy-"),
                all.rows().stream()
                        .map(
                                r ->
                                        ""
                                                + (char) r.tokens().ids()[0]
                                                + (char) r.tokens().ids()[1]
                                                + (r.desirable() ? "+" : "-"))
                        .toList());
        assertEquals(5, all.report().rowsIn());
        assertEquals("rows.jsonl:2", all.rows().getLast().origin().where());
    }

    @Test
    void conversationsHaveEosBehindWhatTheTemplateWrites() {
        String template =
                "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}.{% endfor %}"
                        + "{% if add_generation_prompt %}a:{% endif %}";
        var tokenizer =
                new SampleTokenizer(
                        new ByteTokenizer(false),
                        Optional.of(
                                JinjaChatTemplate.compile("test", template, SpecialTokens.none())));
        Row row =
                row(
                        1,
                        Map.of(
                                "prompt",
                                List.of(Map.of("role", "user", "content", "q")),
                                "completion",
                                List.of(Map.of("role", "assistant", "content", "r")),
                                "label",
                                true));
        Sample sample = new SampleReader(DatasetType.UNPAIRED_PREFERENCE, false).read(row);
        UnpairedExample example =
                new BcoPreparation(tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR)
                        .prepare(List.of(sample), 1)
                        .rows()
                        .getFirst();
        assertArrayEquals(ids("u:q.a:r.", EOS), example.tokens().ids());
        assertEquals(6, example.tokens().completionStart());
    }

    @Test
    void rowsThatCannotBeSplitAreNamed() {
        assertFault("the completion has no tokens", "p", "");
        assertFault("the prompt has no tokens", "", "x");
        assertFault("the prompt has no tokens", "a", "b");
        assertFault("together have 1 tokens, the prompt alone has 3", "<eo", "s>");
        assertThrows(ConfigException.class, () -> prepare(false, 0, labelled("p", "x", true)));
        var bad = labelled("p", "", true);
        Prepared<UnpairedExample> skipped =
                preparation(false, NO_LIMIT, BadRowPolicy.SKIP)
                        .prepare(List.of(bad, labelled("p", "x", true)), 1);
        assertEquals(1, skipped.rows().size());
        assertEquals(1, skipped.report().dropped().size());
    }

    private static void assertFault(String expected, String prompt, String completion) {
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> prepare(false, NO_LIMIT, labelled(prompt, completion, true)))
                        .getMessage();
        assertTrue(message.startsWith("rows.jsonl:1: "), message);
        assertTrue(message.contains(expected), message);
    }

    private static void assertRow(
            int[] expected, int start, int limit, String prompt, String completion) {
        UnpairedExample row = only(false, limit, labelled(prompt, completion, true));
        assertArrayEquals(expected, row.tokens().ids());
        assertEquals(start, row.tokens().completionStart());
    }

    private static UnpairedExample only(boolean bos, int limit, Sample sample) {
        return prepare(bos, limit, sample).rows().getFirst();
    }

    private static Prepared<UnpairedExample> prepare(boolean bos, int limit, Sample... samples) {
        return preparation(bos, limit, BadRowPolicy.ERROR).prepare(Arrays.asList(samples), 2);
    }

    private static BcoPreparation preparation(boolean bos, int limit, BadRowPolicy onBadRow) {
        return new BcoPreparation(
                new SampleTokenizer(new ByteTokenizer(bos), Optional.empty()),
                limit == NO_LIMIT ? OptionalInt.empty() : OptionalInt.of(limit),
                onBadRow);
    }

    private static Sample labelled(String prompt, String completion, boolean label) {
        return new SampleReader(DatasetType.UNPAIRED_PREFERENCE, false)
                .read(row(1, Map.of("prompt", prompt, "completion", completion, "label", label)));
    }

    private static Sample pair(Row row) {
        return new SampleReader(DatasetType.PREFERENCE, false).read(row);
    }

    private static int[] ids(String text, int last) {
        int[] ids = Arrays.copyOf(text.chars().toArray(), text.length() + 1);
        ids[text.length()] = last;
        return ids;
    }

    private static Row row(int line, Map<String, Object> columns) {
        return new Row(columns, new RowOrigin("rows.jsonl", line, line - 1));
    }
}
