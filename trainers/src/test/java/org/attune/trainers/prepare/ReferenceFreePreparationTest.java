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
import org.attune.error.DatasetException;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.SpecialTokens;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.prepare.AnswerPairPreparation.Imitated;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Rows of ORPO, CPO and TPO.
class ReferenceFreePreparationTest {
    private static final int EOS = ByteTokenizer.EOS;
    private static final int BOS = ByteTokenizer.BOS;

    @Test
    void bothSidesAreTextsBetweenBosAndEos() {
        ImitationPair row = pair(true, OptionalInt.empty(), Imitated.COMPLETION, "p", "x", "yz");
        assertSide(row.pair().chosen(), 2, BOS, 'p', 'x', EOS);
        assertSide(row.pair().rejected(), 2, BOS, 'p', 'y', 'z', EOS);
        assertSide(row.imitated(), 2, BOS, 'p', 'x', EOS);
        assertFalse(row.third());
        assertEquals(9, row.length());
        assertEquals(2, row.sequences().size());
        ImitationPair ended = pair(false, OptionalInt.empty(), Imitated.ALL, "p", "x<eos>", "y");
        assertSide(ended.pair().chosen(), 1, 'p', 'x', EOS);
        assertEquals(2, ended.imitated().trainedTokens(), "the prompt's tokens but the first too");
        ImitationPair nothing = pair(false, OptionalInt.empty(), Imitated.NOTHING, "p", "x", "y");
        assertEquals(0, nothing.imitated().trainedTokens());
    }

    /// `ab` is one token, so it belongs to the side that has it.
    @Test
    void eachSideHasItsOwnStart() {
        ImitationPair row = pair(false, OptionalInt.empty(), Imitated.COMPLETION, "xa", "bc", "d");
        assertSide(row.pair().chosen(), 1, 'x', ByteTokenizer.AB, 'c', EOS);
        assertSide(row.pair().rejected(), 2, 'x', 'a', 'd', EOS);
    }

    @Test
    void aLongCompletionLosesItsEndAndEos() {
        ImitationPair row = pair(false, OptionalInt.of(4), Imitated.COMPLETION, "pq", "wxyz", "v");
        assertSide(row.pair().chosen(), 2, 'p', 'q', 'w', 'x');
        assertSide(row.pair().rejected(), 2, 'p', 'q', 'v', EOS);
    }

    @Test
    void aPromptThatFillsTheLimitLeavesItsRowOutUnlessKept() {
        Sample full = preference("pqrs", "w", "v");
        Sample fits = preference("p", "w", "v");
        Prepared<ImitationPair> left =
                answers(false, OptionalInt.of(3), Imitated.COMPLETION, false)
                        .prepare(List.of(full, fits), 1);
        assertEquals(1, left.rows().size());
        assertEquals("4 tokens of 3", left.report().dropped().getFirst().detail());
        Prepared<ImitationPair> kept =
                answers(false, OptionalInt.of(3), Imitated.COMPLETION, true)
                        .prepare(List.of(full, fits), 1);
        assertSide(kept.rows().getFirst().pair().chosen(), 4, 'p', 'q', 'r', 's');
        assertEquals(0, kept.rows().getFirst().imitated().trainedTokens());
    }

    @Test
    void conversationsEndWithEosBehindWhatTheTemplateWrites() {
        String template =
                "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}.{% endfor %}"
                        + "{% if add_generation_prompt %}a:{% endif %}";
        var tokenizer =
                new SampleTokenizer(
                        new ByteTokenizer(false),
                        Optional.of(
                                JinjaChatTemplate.compile("test", template, SpecialTokens.none())));
        Sample sample =
                read(
                        DatasetType.PREFERENCE,
                        Map.of(
                                "chosen",
                                List.of(turn("user", "q"), turn("assistant", "r")),
                                "rejected",
                                List.of(turn("user", "q"), turn("assistant", "s"))));
        ImitationPair row =
                new AnswerPairPreparation(
                                tokenizer,
                                OptionalInt.empty(),
                                Imitated.COMPLETION,
                                false,
                                BadRowPolicy.ERROR)
                        .prepare(List.of(sample), 1)
                        .rows()
                        .getFirst();
        assertSide(row.pair().chosen(), 6, 'u', ':', 'q', '.', 'a', ':', 'r', '.', EOS);
    }

    @Test
    void aThirdAnswerIsASequenceOfItsOwn() {
        ImitationPair row = triple(true, OptionalInt.empty(), TruncationMode.KEEP_START, false);
        assertSide(row.pair().chosen(), 2, 'p', 'q', 'w', 'x', EOS);
        assertSide(row.pair().rejected(), 2, 'p', 'q', 'v', EOS);
        assertSide(row.imitated(), 2, 'p', 'q', 'r', 's', 't', EOS);
        assertEquals(15, row.length());
        assertEquals(3, row.sequences().size());
        ImitationPair pair = triple(false, OptionalInt.empty(), TruncationMode.KEEP_START, false);
        assertEquals(9, pair.length());
        assertEquals(0, pair.imitated().trainedTokens());
    }

    @Test
    void allThreeAreCut() {
        ImitationPair start = triple(true, OptionalInt.of(4), TruncationMode.KEEP_START, false);
        assertSide(start.imitated(), 2, 'p', 'q', 'r', 's');
        ImitationPair end = triple(true, OptionalInt.of(3), TruncationMode.KEEP_END, false);
        assertSide(end.imitated(), 0, 's', 't', EOS);
        assertSide(end.pair().rejected(), 1, 'q', 'v', EOS);
        assertThrows(
                DatasetException.class,
                () -> triple(true, OptionalInt.of(2), TruncationMode.KEEP_START, false));
        ImitationPair empty = triple(true, OptionalInt.of(2), TruncationMode.KEEP_START, true);
        assertSide(empty.imitated(), 2, 'p', 'q');
    }

    @Test
    void aCommonPromptIsTakenOffTheThirdAnswerToo() {
        Sample.Triple texts =
                (Sample.Triple)
                        read(
                                DatasetType.TRIPLE_PREFERENCE,
                                Map.of("chosen", "q: a", "rejected", "q: b", "reference", "q: c"));
        assertEquals("q:", texts.pair().row().get("prompt"));
        assertEquals(" c", texts.row().get("reference"));
        Sample.Triple turns =
                (Sample.Triple)
                        read(
                                DatasetType.TRIPLE_PREFERENCE,
                                Map.of(
                                        "chosen",
                                        List.of(turn("user", "q"), turn("assistant", "a")),
                                        "rejected",
                                        List.of(turn("user", "q"), turn("assistant", "b")),
                                        "reference",
                                        List.of(turn("user", "q"), turn("assistant", "c"))));
        assertEquals(List.of(turn("assistant", "c")), turns.row().get("reference"));
        String message =
                assertThrows(
                                DatasetException.class,
                                () ->
                                        read(
                                                DatasetType.TRIPLE_PREFERENCE,
                                                Map.of(
                                                        "chosen", "q: a",
                                                        "rejected", "q: b",
                                                        "reference", "c")))
                        .getMessage();
        assertTrue(message.startsWith("rows.jsonl:1: column reference doesn't begin"), message);
    }

    @Test
    void promptsOfPlainTextBecomeMessagesWithAllTheirAnswers() {
        Sample.Triple row =
                (Sample.Triple)
                        PlainPrompts.asMessages(
                                read(
                                        DatasetType.TRIPLE_PREFERENCE,
                                        Map.of(
                                                "prompt", "p",
                                                "chosen", "a",
                                                "rejected", "b",
                                                "reference", "c")));
        assertTrue(row.reference().toString().contains("assistant"), row.toString());
        assertEquals(1, PlainPrompts.count(List.of(preference("p", "a", "b"))));
    }

    private static Map<String, Object> turn(String role, String content) {
        return Map.of("role", role, "content", content);
    }

    private static void assertSide(CompletionTokens side, int start, int... ids) {
        assertArrayEquals(ids, side.ids());
        assertEquals(start, side.completionStart());
    }

    private static ImitationPair pair(
            boolean bos,
            OptionalInt limit,
            Imitated imitated,
            String prompt,
            String chosen,
            String rejected) {
        return answers(bos, limit, imitated, false)
                .prepare(List.of(preference(prompt, chosen, rejected)), 1)
                .rows()
                .getFirst();
    }

    private static AnswerPairPreparation answers(
            boolean bos, OptionalInt limit, Imitated imitated, boolean keepsEmpty) {
        return new AnswerPairPreparation(
                new SampleTokenizer(new ByteTokenizer(bos), Optional.empty()),
                limit,
                imitated,
                keepsEmpty,
                BadRowPolicy.ERROR);
    }

    private static ImitationPair triple(
            boolean imitates, OptionalInt limit, TruncationMode mode, boolean keepsEmpty) {
        return new TriplePreparation(
                        new SampleTokenizer(new ByteTokenizer(false), Optional.empty()),
                        new PreferenceOptions(limit, mode),
                        imitates,
                        keepsEmpty,
                        BadRowPolicy.ERROR)
                .prepare(
                        List.of(
                                read(
                                        DatasetType.TRIPLE_PREFERENCE,
                                        Map.of(
                                                "prompt", "pq",
                                                "chosen", "wx",
                                                "rejected", "v",
                                                "reference", "rst"))),
                        1)
                .rows()
                .getFirst();
    }

    private static Sample preference(String prompt, String chosen, String rejected) {
        return read(
                DatasetType.PREFERENCE,
                Map.of("prompt", prompt, "chosen", chosen, "rejected", rejected));
    }

    private static Sample read(DatasetType type, Map<String, Object> columns) {
        return new SampleReader(type, false)
                .read(new Row(columns, new RowOrigin("rows.jsonl", 1, 0)));
    }
}
