package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class PreparationTest {
    private static final int EOS = ByteTokenizer.EOS;

    private final SampleTokenizer tokenizer =
            new SampleTokenizer(new ByteTokenizer(false), Optional.empty());

    @Test
    void textsEndWithOneEos() {
        List<PackedRow> rows = sft(SftOptions.DEFAULTS, text("xy"), text("xy<eos>")).rows();
        assertArrayEquals(new int[] {'x', 'y', EOS}, document(rows.get(0)).ids());
        assertArrayEquals(new int[] {'x', 'y', EOS}, document(rows.get(1)).ids());
    }

    @Test
    void samplesThatNobodyNeedsAreLetGo() {
        var preparation = new SftPreparation(tokenizer, SftOptions.DEFAULTS, BadRowPolicy.ERROR);
        List<Sample> given = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            given.add(text("x".repeat(i % 7 + 1)));
        }
        Prepared<PackedRow> kept = preparation.prepare(given, 2);
        assertEquals(200, given.size());
        for (int threads : new int[] {1, 3}) {
            List<Sample> taken = new ArrayList<>(given);
            Prepared<PackedRow> prepared = preparation.prepareTaking(taken, threads);
            assertEquals(List.of(), taken);
            assertEquals(kept.report(), prepared.report());
            for (int i = 0; i < 200; i++) {
                assertArrayEquals(
                        document(kept.rows().get(i)).ids(), document(prepared.rows().get(i)).ids());
            }
        }
    }

    @Test
    void textsGetTheTokenizersOwnBos() {
        var withBos = new SampleTokenizer(new ByteTokenizer(true), Optional.empty());
        assertArrayEquals(
                new int[] {ByteTokenizer.BOS, 'x', EOS}, withBos.tokenize(text("x"), false).ids());
        assertEquals(2, withBos.tokenize(completion("x", "y"), false).completionStart());
    }

    @Test
    void theCompletionStartsWhereTokensDiffer() {
        // "xa" + "b" is x·ab: the prompt's own second token is gone, so the completion is "ab".
        SftExample example =
                document(sft(SftOptions.DEFAULTS, completion("xa", "b")).rows().get(0));
        assertArrayEquals(new int[] {'x', ByteTokenizer.AB, EOS}, example.ids());
        assertArrayEquals(new boolean[] {false, true, true}, example.completionMask());
    }

    @Test
    void aPairsCompletionStartsAtTheSmallerOfBothSides() {
        PreferenceExample pair = tokenizer.tokenize(pair("xa", "b", "c"));
        assertEquals(1, pair.chosen().completionStart());
        assertEquals(1, pair.rejected().completionStart());
        assertArrayEquals(new int[] {'a', 'c', EOS}, pair.rejected().completionIds());
    }

    @Test
    void completionOnlyLossCanBeTurnedOff() {
        var all =
                new SftOptions(
                        OptionalInt.empty(),
                        TruncationMode.KEEP_START,
                        Optional.of(false),
                        false,
                        Optional.empty());
        assertEquals(3, document(sft(all, completion("pq", "r")).rows().get(0)).trainedTokens());
    }

    @Test
    void completionOnlyLossNeedsAPrompt() {
        var only =
                new SftOptions(
                        OptionalInt.empty(),
                        TruncationMode.KEEP_START,
                        Optional.of(true),
                        false,
                        Optional.empty());
        var error = assertThrows(DatasetException.class, () -> sft(only, text("x")));
        assertTrue(error.getMessage().startsWith("data.jsonl:1: completion_only_loss"));
    }

    @Test
    void truncationKeepsTheAskedEndAndIsListed() {
        Prepared<PackedRow> start = sft(limited(2, TruncationMode.KEEP_START), text("wxyz"));
        assertArrayEquals(new int[] {'w', 'x'}, document(start.rows().get(0)).ids());
        Prepared<PackedRow> end = sft(limited(2, TruncationMode.KEEP_END), text("wxyz"));
        assertArrayEquals(new int[] {'z', EOS}, document(end.rows().get(0)).ids());
        assertEquals(
                List.of(new PreparationReport.Truncated(origin(1), 5, 2)),
                end.report().truncated());
    }

    @Test
    void rowsWithoutATrainedTokenAreDroppedAndListed() {
        Prepared<PackedRow> prepared =
                sft(limited(3, TruncationMode.KEEP_START), completion("wxyz", "!"), text("ok"));
        assertEquals(1, prepared.rows().size());
        assertEquals(
                List.of(
                        new PreparationReport.Dropped(
                                origin(1), "no token counts in the loss", "6 tokens, cut to 3")),
                prepared.report().dropped());
        assertEquals(
                "1 rows from 2, 3 tokens, 2 trained; 1 dropped: no token counts in the loss",
                prepared.report().summary());
    }

    @Test
    void nothingLeftIsAnErrorThatNamesTheFirstRow() {
        var error =
                assertThrows(
                        DatasetException.class,
                        () -> sft(limited(2, TruncationMode.KEEP_START), completion("wxyz", "!")));
        assertTrue(error.getMessage().contains("data.jsonl:1"), error::getMessage);
    }

    @Test
    void messagesNeedATemplate() {
        var turns = new Content.Turns(List.of(Message.of("assistant", "hi")));
        var sample = new Sample.LanguageModeling(turns, TemplateOptions.NONE, row(1));
        var error = assertThrows(DatasetException.class, () -> sft(SftOptions.DEFAULTS, sample));
        assertTrue(error.getMessage().startsWith("data.jsonl:1: "), error::getMessage);
        Prepared<PackedRow> skipped =
                new SftPreparation(tokenizer, SftOptions.DEFAULTS, BadRowPolicy.SKIP)
                        .prepare(List.of(sample, text("x")), 1);
        assertEquals(1, skipped.report().dropped().size());
    }

    @Test
    void theNumberOfThreadsChangesNothing() {
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < 500; i++) {
            samples.add(text("row " + i));
        }
        var preparation = new SftPreparation(tokenizer, SftOptions.DEFAULTS, BadRowPolicy.ERROR);
        List<PackedRow> one = preparation.prepare(samples, 1).rows();
        List<PackedRow> four = preparation.prepare(samples, 4).rows();
        assertEquals(one.size(), four.size());
        for (int i = 0; i < one.size(); i++) {
            assertArrayEquals(document(one.get(i)).ids(), document(four.get(i)).ids());
        }
    }

    @Test
    void pairsWhosePromptFillsTheLengthAreDroppedWithKeepStartOnly() {
        List<Sample> pairs = List.of(pair("wxyz", "1", "2"), pair("p", "123456", "4"));
        Prepared<PreferenceExample> start =
                pairs(new PreferenceOptions(OptionalInt.of(4), TruncationMode.KEEP_START), pairs);
        assertEquals(1, start.rows().size());
        assertEquals("4 tokens of 4", start.report().dropped().getFirst().detail());
        assertArrayEquals(new int[] {'p', '1', '2', '3'}, start.rows().get(0).chosen().ids());
        assertArrayEquals(new int[] {'p', '4', EOS}, start.rows().get(0).rejected().ids());

        Prepared<PreferenceExample> end =
                pairs(new PreferenceOptions(OptionalInt.of(4), TruncationMode.KEEP_END), pairs);
        assertEquals(2, end.rows().size());
        assertArrayEquals(new int[] {'y', 'z', '1', EOS}, end.rows().get(0).chosen().ids());
        assertEquals(2, end.rows().get(0).chosen().completionStart());
        assertEquals(0, end.rows().get(1).chosen().completionStart());
    }

    @Test
    void packingNeedsALength() {
        assertThrows(
                ConfigException.class,
                () ->
                        new SftOptions(
                                OptionalInt.empty(),
                                TruncationMode.KEEP_START,
                                Optional.empty(),
                                false,
                                Optional.of(PackingStrategy.BFD)));
    }

    @Test
    void packedRowsAreNotCutBeforehand() {
        var packed =
                new SftOptions(
                        OptionalInt.of(4),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        false,
                        Optional.of(PackingStrategy.BFD_SPLIT));
        Prepared<PackedRow> prepared = sft(packed, text("12345"), text("6"));
        assertEquals(8, prepared.report().tokens());
        assertEquals(2, prepared.rows().size());
        assertEquals(List.of(), prepared.report().truncated());
    }

    private Prepared<PackedRow> sft(SftOptions options, Sample... samples) {
        return new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(List.of(samples), 1);
    }

    private Prepared<PreferenceExample> pairs(PreferenceOptions options, List<Sample> pairs) {
        return new PreferencePreparation(tokenizer, options, BadRowPolicy.ERROR).prepare(pairs, 1);
    }

    private static SftOptions limited(int length, TruncationMode mode) {
        return new SftOptions(
                OptionalInt.of(length), mode, Optional.empty(), false, Optional.empty());
    }

    private static SftExample document(PackedRow row) {
        return row.documents().getFirst();
    }

    private static Sample text(String text) {
        return new Sample.LanguageModeling(new Content.Text(text), TemplateOptions.NONE, row(1));
    }

    private static Sample completion(String prompt, String completion) {
        return new Sample.PromptCompletion(
                new Content.Text(prompt),
                new Content.Text(completion),
                TemplateOptions.NONE,
                row(1));
    }

    private static Sample.Preference pair(String prompt, String chosen, String rejected) {
        return new Sample.Preference(
                new Content.Text(prompt),
                new Content.Text(chosen),
                new Content.Text(rejected),
                TemplateOptions.NONE,
                row(1));
    }

    private static Row row(long line) {
        return new Row(Map.of(), origin(line));
    }

    private static RowOrigin origin(long line) {
        return new RowOrigin("data.jsonl", line, line - 1);
    }
}
