package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class KtoPreparationTest {
    private static final int EOS = ByteTokenizer.EOS;

    /// Blocks of two rows; the last one is alone and keeps its completion.
    @Test
    void completionsChangePlacesWithinTheirBlock() {
        List<KtoExample> rows =
                prepare(
                                20,
                                2,
                                row("p", "a"),
                                row("q", "bb"),
                                row("r", "c"),
                                row("s", "d"),
                                row("t", "e"))
                        .rows();
        assertMismatched("pbb", rows.get(0));
        assertMismatched("qa", rows.get(1));
        assertMismatched("rd", rows.get(2));
        assertMismatched("sc", rows.get(3));
        assertMismatched("te", rows.get(4));
        assertArrayEquals(bytes("qbb"), rows.get(1).row().tokens().ids());
    }

    /// A completion that its own row cuts is whole behind a shorter prompt.
    @Test
    void bothSequencesAreCutByThemselves() {
        var prepared = prepare(4, 2, row("ppp", "xyz"), row("q", "z"));
        KtoExample cut = prepared.rows().get(0);
        assertArrayEquals(new int[] {'p', 'p', 'p', 'x'}, cut.row().tokens().ids());
        assertArrayEquals(new int[] {'p', 'p', 'p', 'z'}, cut.mismatched().orElseThrow().ids());
        assertMismatched("qxyz", prepared.rows().get(1), false);
        assertEquals(7, prepared.report().truncated().getFirst().from());
        assertEquals(4, prepared.report().truncated().getFirst().to());
    }

    /// Blocks are cut from what is left.
    @Test
    void aPromptThatFillsTheLimitLeavesItsRowOut() {
        var prepared = prepare(3, 2, row("p", "a"), row("qqq", "b"), row("r", "c"));
        assertEquals(2, prepared.rows().size());
        assertEquals(1, prepared.report().dropped().size());
        assertMismatched("pc", prepared.rows().get(0));
        assertMismatched("ra", prepared.rows().get(1));
    }

    /// Each micro-batch has both labels, and no row gets a completion of its prompt.
    @Test
    void pairsBecomeChosenAndRejectedInTurn() {
        for (int count = 3; count <= 9; count++) {
            List<KtoExample> rows = prepare(20, 2 * count, true, pairs(count)).rows();
            assertEquals(2 * count, rows.size());
            var seen = new HashSet<String>();
            for (int i = 0; i < rows.size(); i++) {
                assertEquals(i % 2 == 0, rows.get(i).row().desirable());
                seen.add(Arrays.toString(rows.get(i).row().tokens().ids()));
                int[] mismatched = rows.get(i).mismatched().orElseThrow().ids();
                assertNotEquals(mismatched[0], mismatched[1], count + " pairs, row " + i);
            }
            assertEquals(2 * count, seen.size());
        }
    }

    /// Prompt, chosen and rejected completion begin with the pair's letter.
    private static Sample[] pairs(int count) {
        var pairs = new Sample[count];
        for (int i = 0; i < count; i++) {
            String letter = Character.toString('a' + i);
            pairs[i] =
                    new SampleReader(DatasetType.PREFERENCE, false)
                            .read(
                                    sample(
                                            Map.of(
                                                    "prompt", letter,
                                                    "chosen", letter + "+",
                                                    "rejected", letter + "-")));
        }
        return pairs;
    }

    /// As in TRL, and with fewer than three pairs.
    @Test
    void pairsBecomeAllChosenThenAllRejected() {
        Sample.Preference pair =
                (Sample.Preference)
                        new SampleReader(DatasetType.PREFERENCE, false)
                                .read(
                                        sample(
                                                Map.of(
                                                        "prompt",
                                                        "p",
                                                        "chosen",
                                                        "a",
                                                        "rejected",
                                                        "b")));
        Sample.Preference other =
                (Sample.Preference)
                        new SampleReader(DatasetType.PREFERENCE, false)
                                .read(
                                        sample(
                                                Map.of(
                                                        "prompt",
                                                        "q",
                                                        "chosen",
                                                        "c",
                                                        "rejected",
                                                        "d")));
        assertEquals(
                List.of(true, true, false, false),
                prepare(20, 4, true, pair, other).rows().stream()
                        .map(row -> row.row().desirable())
                        .toList());
        List<KtoExample> rows = prepare(20, 4, pair, other).rows();
        assertArrayEquals(bytes("pa"), rows.get(0).row().tokens().ids());
        assertArrayEquals(bytes("qc"), rows.get(1).row().tokens().ids());
        assertArrayEquals(bytes("pb"), rows.get(2).row().tokens().ids());
        assertTrue(rows.get(1).row().desirable());
        assertFalse(rows.get(2).row().desirable());
        assertMismatched("pd", rows.get(0));
        assertMismatched("qb", rows.get(3));
    }

    @Test
    void withoutBlocksNothingIsMismatched() {
        var preparation =
                new KtoPreparation(
                        tokenizer(),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        true,
                        BadRowPolicy.ERROR);
        var rows = preparation.prepare(List.of(row("p", "a"), row("q", "b")), 1).rows();
        assertTrue(rows.stream().allMatch(row -> row.mismatched().isEmpty()));
    }

    @Test
    void limitsArePositive() {
        assertThrows(ConfigException.class, () -> prepare(0, 2, row("p", "a")));
        assertThrows(ConfigException.class, () -> prepare(5, 0, row("p", "a")));
    }

    private static void assertMismatched(String text, KtoExample row) {
        assertMismatched(text, row, true);
    }

    private static void assertMismatched(String text, KtoExample row, boolean whole) {
        int[] ids = row.mismatched().orElseThrow().ids();
        assertArrayEquals(whole ? bytes(text) : text.chars().toArray(), ids);
        assertEquals(
                row.row().tokens().completionStart(),
                row.mismatched().orElseThrow().completionStart());
        assertArrayEquals(ids, row.beside().row().tokens().ids());
    }

    private static int[] bytes(String text) {
        int[] ids = new int[text.length() + 1];
        for (int i = 0; i < text.length(); i++) {
            ids[i] = text.charAt(i);
        }
        ids[text.length()] = EOS;
        return ids;
    }

    private static Prepared<KtoExample> prepare(int limit, int block, Sample... samples) {
        return prepare(limit, block, false, samples);
    }

    private static Prepared<KtoExample> prepare(
            int limit, int block, boolean inTurn, Sample... samples) {
        return new KtoPreparation(
                        tokenizer(),
                        OptionalInt.of(limit),
                        OptionalInt.of(block),
                        inTurn,
                        BadRowPolicy.ERROR)
                .prepare(List.of(samples), 2);
    }

    private static SampleTokenizer tokenizer() {
        return new SampleTokenizer(new ByteTokenizer(false), Optional.empty());
    }

    private static Sample row(String prompt, String completion) {
        return new SampleReader(DatasetType.UNPAIRED_PREFERENCE, false)
                .read(sample(Map.of("prompt", prompt, "completion", completion, "label", true)));
    }

    private static Row sample(Map<String, Object> columns) {
        return new Row(columns, new RowOrigin("rows.jsonl", 1, 0));
    }
}
