package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.datasets.rows.RowOrigin;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// The oracles are those of TRL's `tests/test_data_utils.py` (`TestPackDataset*`).
class PackingTest {
    private static final List<SftExample> SHORT = documents("1 2 3", "4 5 6 7", "8");
    private static final List<SftExample> OVERLONG =
            documents("1 2 3 4 5", "6 7", "8 9 10 11", "12");

    @Test
    void wrappedCutsTheStreamEveryLength() {
        assertEquals(
                "[1 2 3] [4 5 6] [7 8]", text(Packing.pack(SHORT, 3, PackingStrategy.WRAPPED)));
    }

    @Test
    void wrappedKeepsEachTokensMask() {
        List<SftExample> masked =
                List.of(
                        new SftExample(ints("1 2 3"), bits("011"), origin(0)),
                        new SftExample(ints("4 5 6 7"), bits("0011"), origin(1)),
                        new SftExample(ints("8"), bits("1"), origin(2)));
        List<PackedRow> rows = Packing.pack(masked, 3, PackingStrategy.WRAPPED);
        assertEquals(
                "[0, 1, 1] [0, 0, 1] [1, 1]",
                String.join(
                        " ",
                        rows.stream()
                                .map(row -> row.documents().getFirst().completionMask())
                                .map(PackingTest::numbers)
                                .toList()));
        assertEquals(1, rows.get(2).documents().getFirst().origin().row());
    }

    @Test
    void bfdPutsTheLongestFirstAndFillsUp() {
        assertEquals("[4 5 6 7] [1 2 3|8]", text(Packing.pack(SHORT, 4, PackingStrategy.BFD)));
    }

    @Test
    void bfdSplitKeepsTheRestOfALongDocument() {
        assertEquals(
                "[1 2 3 4] [8 9 10 11] [6 7|5|12]",
                text(Packing.pack(OVERLONG, 4, PackingStrategy.BFD_SPLIT)));
    }

    @Test
    void bfdDropsTheRestOfALongDocument() {
        assertEquals(
                "[1 2 3 4] [8 9 10 11] [6 7|12]",
                text(Packing.pack(OVERLONG, 4, PackingStrategy.BFD)));
    }

    @Test
    void lengthNeedNotBeAPowerOfTwo() {
        assertEquals(
                "[1 2 3 4 5] [7 8 9 10|6] [11 12 13]",
                text(
                        Packing.pack(
                                documents("1 2 3 4 5", "6", "7 8 9 10", "11 12 13"),
                                5,
                                PackingStrategy.BFD_SPLIT)));
    }

    @Test
    void emptyDocumentsAreLeftOut() {
        assertEquals(
                "[3 4 5|6] [1 2]",
                text(
                        Packing.pack(
                                documents("1 2", "", "3 4 5", "", "6"),
                                4,
                                PackingStrategy.BFD_SPLIT)));
    }

    @Test
    void documentsArePackedByTheThousand() {
        List<SftExample> documents =
                IntStream.range(0, 1001)
                        .mapToObj(i -> new SftExample(new int[] {i}, new boolean[1], origin(i)))
                        .toList();
        List<PackedRow> rows = Packing.pack(documents, 600, PackingStrategy.WRAPPED);
        assertEquals(List.of(600, 400, 1), rows.stream().map(PackedRow::length).toList());
    }

    private static List<SftExample> documents(String... texts) {
        var documents = new ArrayList<SftExample>();
        for (String text : texts) {
            int[] ids = ints(text);
            documents.add(new SftExample(ids, new boolean[ids.length], origin(documents.size())));
        }
        return documents;
    }

    private static int[] ints(String text) {
        return text.isEmpty()
                ? new int[0]
                : Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
    }

    private static boolean[] bits(String text) {
        boolean[] bits = new boolean[text.length()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = text.charAt(i) == '1';
        }
        return bits;
    }

    private static String numbers(boolean[] mask) {
        return IntStream.range(0, mask.length)
                .map(i -> mask[i] ? 1 : 0)
                .boxed()
                .toList()
                .toString();
    }

    private static RowOrigin origin(int row) {
        return new RowOrigin("test", 0, row);
    }

    /// Rows in brackets, documents divided by `|`.
    private static String text(List<PackedRow> rows) {
        var out = new ArrayList<String>();
        for (PackedRow row : rows) {
            out.add(
                    "["
                            + String.join(
                                    "|",
                                    row.documents().stream()
                                            .map(
                                                    d ->
                                                            String.join(
                                                                    " ",
                                                                    Arrays.stream(d.ids())
                                                                            .mapToObj(
                                                                                    String::valueOf)
                                                                            .toList()))
                                            .toList())
                            + "]");
        }
        return String.join(" ", out);
    }
}
