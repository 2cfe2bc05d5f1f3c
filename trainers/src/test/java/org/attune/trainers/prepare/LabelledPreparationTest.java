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
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class LabelledPreparationTest {
    /// @param columns name, value, name, value, …
    private static LabelledExample read(DatasetType type, Object... columns) {
        return read(type, OptionalInt.empty(), columns).rows().getFirst();
    }

    private static Prepared<LabelledExample> read(
            DatasetType type, OptionalInt most, Object... columns) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int i = 0; i < columns.length; i += 2) {
            row.put((String) columns[i], columns[i + 1]);
        }
        var sample =
                new SampleReader(type, false).read(new Row(row, new RowOrigin("rows.jsonl", 3, 2)));
        return new SampleTokenizer(new ByteTokenizer(false), Optional.empty())
                .labelled(most, BadRowPolicy.ERROR)
                .prepare(List.of(sample), 1);
    }

    private static void assertSequences(LabelledExample row, String... texts) {
        assertEquals(texts.length, row.sequences().size());
        for (int i = 0; i < texts.length; i++) {
            assertArrayEquals(texts[i].chars().toArray(), row.sequences().get(i));
        }
    }

    @Test
    void textsAndPairsHaveTheirLabelAndNoEnd() {
        LabelledExample text = read(DatasetType.CLASSIFICATION, "text", "xy", "label", "good");
        assertSequences(text, "xy");
        assertEquals(List.of("good"), text.labels());
        assertSequences(
                read(DatasetType.CLASSIFICATION, "sentence1", "x", "sentence2", "yz", "label", 1L),
                "xyz");
        assertEquals(
                List.of(List.of("q", "r")),
                read(DatasetType.CLASSIFICATION, "text", "x", "labels", List.of("q", "r"))
                        .labels());
    }

    @Test
    void wordsAreJudgedAtTheirLastTokens() {
        LabelledExample row =
                read(
                        DatasetType.TOKEN_CLASSIFICATION,
                        "tokens",
                        List.of("pq", "r"),
                        "ner_tags",
                        List.of("O", "N"));
        assertSequences(row, "pq r");
        assertArrayEquals(new int[] {1, 3}, row.places());
        assertEquals(List.of("O", "N"), row.labels());
    }

    @Test
    void whatIsTooLongLosesItsEndAndWordsTheirLabels() {
        var cut = read(DatasetType.CLASSIFICATION, OptionalInt.of(2), "text", "xyz", "label", 0L);
        assertSequences(cut.rows().getFirst(), "xy");
        assertEquals(3, cut.report().truncated().getFirst().from());
        LabelledExample words =
                read(
                                DatasetType.TOKEN_CLASSIFICATION,
                                OptionalInt.of(3),
                                "tokens",
                                List.of("pq", "r"),
                                "tags",
                                List.of("O", "N"))
                        .rows()
                        .getFirst();
        assertSequences(words, "pq ");
        assertEquals(List.of("O"), words.labels());
    }

    @Test
    void documentsStandBehindTheirQuery() {
        LabelledExample row =
                read(
                        DatasetType.RANKING,
                        "query",
                        "q",
                        "positive",
                        "p",
                        "negative_1",
                        "n",
                        "negatives",
                        List.of("m", "o"));
        assertSequences(row, "qp", "qn", "qm", "qo");
        assertEquals(List.of(1, 0, 0, 0), row.labels());
        LabelledExample judged =
                read(
                        DatasetType.RANKING,
                        "query",
                        "q",
                        "docs",
                        List.of("a", "b"),
                        "labels",
                        List.of(0.5, 0L));
        assertSequences(judged, "qa", "qb");
        assertEquals(List.of(0.5, 0L), judged.labels());
    }

    @Test
    void textsThatAreEmbeddedStandAlone() {
        assertSequences(
                read(DatasetType.EMBEDDING, "anchor", "a", "positive", "p", "negative", "n"),
                "a",
                "p",
                "n");
        LabelledExample pair =
                read(DatasetType.EMBEDDING, "sentence1", "a", "sentence2", "b", "score", 0.3);
        assertSequences(pair, "a", "b");
        assertEquals(List.of(0.3), pair.labels());
    }

    @Test
    void faultsNameTheRowAndWhatIsAccepted() {
        assertFault(
                "one label for each word",
                DatasetType.TOKEN_CLASSIFICATION,
                "tokens",
                List.of("a"),
                "tags",
                List.of());
        assertFault(
                "strings",
                DatasetType.RANKING,
                "query",
                "q",
                "docs",
                List.of(1L),
                "labels",
                List.of(1L));
        assertFault(
                "one label for each document",
                DatasetType.RANKING,
                "query",
                "q",
                "docs",
                List.of("a"),
                "labels",
                List.of());
        assertFault("label is null", DatasetType.CLASSIFICATION, "text", "a", "label", null);
        assertFault("no tokens", DatasetType.CLASSIFICATION, "text", "", "label", "x");
    }

    private static void assertFault(String words, DatasetType type, Object... columns) {
        var e = assertThrows(DatasetException.class, () -> read(type, columns));
        assertTrue(e.getMessage().startsWith("rows.jsonl:3: "), e::getMessage);
        assertTrue(e.getMessage().contains(words), e::getMessage);
    }
}
