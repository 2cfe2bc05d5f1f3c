package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.files.JsonFields;
import org.attune.trainers.examples.LabelledExample;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class LabelNamesTest {
    private static List<LabelledExample> rows(Object... labels) {
        List<LabelledExample> rows = new ArrayList<>();
        for (Object label : labels) {
            rows.add(row(label, rows.size() + 1));
        }
        return rows;
    }

    private static LabelledExample row(Object label, int line) {
        return new LabelledExample(
                List.of(new int[] {1}),
                new int[0],
                List.of(label),
                new RowOrigin("rows.jsonl", line, line - 1));
    }

    private static LabelNames of(Object... labels) {
        return LabelNames.of(ClassifyConfig.defaults(), List.of(), rows(labels));
    }

    @Test
    void theProblemIsWhatTheLabelsLookLike() {
        assertEquals(ProblemType.SINGLE_LABEL_CLASSIFICATION, of("b", "a").problem());
        assertEquals(ProblemType.SINGLE_LABEL_CLASSIFICATION, of(0L, 3L).problem());
        assertEquals(ProblemType.REGRESSION, of(1L, 2.5).problem());
        assertEquals(ProblemType.MULTI_LABEL_CLASSIFICATION, of(List.of("a"), List.of()).problem());
    }

    @Test
    void namesAreThoseOfTheRowsOrTransformersOwn() {
        assertEquals(List.of("a", "b"), of("b", "a", "b").names());
        assertEquals(List.of("LABEL_0", "LABEL_1", "LABEL_2"), of(2L, 0L).names());
        assertEquals(List.of("LABEL_0"), of(0.5, 0.7).names());
        assertEquals(3, of(List.of(0.0, 1.0, 1.0)).size());
        assertEquals(List.of("false", "true"), of(true, false).names());
    }

    @Test
    void targetsAreNumbersOfNamesOrOneOfEach() {
        LabelledExample any = row("a", 7);
        var single = new LabelNames(ProblemType.SINGLE_LABEL_CLASSIFICATION, List.of("x", "a"));
        assertArrayEquals(new double[] {1}, single.target("a", any));
        assertArrayEquals(new double[] {1}, single.target(1L, any));
        var several = new LabelNames(ProblemType.MULTI_LABEL_CLASSIFICATION, List.of("x", "a"));
        assertArrayEquals(new double[] {0, 1}, several.target(List.of("a"), any));
        assertArrayEquals(new double[] {1, 0}, several.target(List.of(1L, 0L), any));
        for (Object bad : List.of("b", 2L, -1L, 0.5)) {
            var e = assertThrows(DatasetException.class, () -> single.target(bad, any));
            assertTrue(
                    e.getMessage().startsWith("rows.jsonl:7: the label is " + bad), e::getMessage);
        }
        assertThrows(DatasetException.class, () -> several.target(List.of(1L), any));
        assertThrows(DatasetException.class, () -> several.target("a", any));
    }

    @Test
    void oneLabelAloneTeachesNothing() {
        var e = assertThrows(DatasetException.class, () -> of("a", "a"));
        assertTrue(e.getMessage().contains("id2label"), e::getMessage);
    }

    @Test
    void namesStandInTheConfigurationOfAModelAndBesideAnAdapter(@TempDir Path folder)
            throws IOException {
        var names = new LabelNames(ProblemType.SINGLE_LABEL_CLASSIFICATION, List.of("x", "a"));
        names.beside(_ -> {}).write(folder);
        JsonFields alone = JsonFields.read(folder.resolve("labels.json"));
        assertEquals("a", alone.object("id2label").orElseThrow().text("1"));
        Files.writeString(folder.resolve("config.json"), "{\"hidden_size\": 4}");
        names.beside(_ -> {}).write(folder);
        JsonFields whole = JsonFields.read(folder.resolve("config.json"));
        assertEquals(4, whole.integer("hidden_size"));
        assertEquals(1, whole.object("label2id").orElseThrow().integer("a"));
        assertEquals("single_label_classification", whole.text("problem_type"));
    }
}
