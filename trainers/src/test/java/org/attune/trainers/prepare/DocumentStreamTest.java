package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.Positions;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StoredRows;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;

/// Rows that go through files are those that stay in memory.
class DocumentStreamTest {
    private static final int SMALL = 256;

    @TempDir Path folder;

    private static SftPreparation preparation(
            Optional<PackingStrategy> packing, BadRowPolicy onBadRow) {
        return new SftPreparation(
                new SampleTokenizer(new ByteTokenizer(false), Optional.empty()),
                new SftOptions(
                        OptionalInt.of(20),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        false,
                        packing),
                onBadRow);
    }

    private static List<Sample> samples(int count) {
        var random = new Random(3);
        var samples = new ArrayList<Sample>();
        for (int i = 0; i < count; i++) {
            var row = new Row(Map.of(), new RowOrigin("file" + i % 2, i + 1, i));
            var text = new Content.Text("x".repeat(1 + random.nextInt(30)) + (char) ('a' + i % 26));
            samples.add(
                    i % 3 == 0
                            ? new Sample.LanguageModeling(text, TemplateOptions.NONE, row)
                            : new Sample.PromptCompletion(
                                    new Content.Text("p" + i), text, TemplateOptions.NONE, row));
        }
        return samples;
    }

    private static String shown(List<PackedRow> rows) {
        var shown = new StringBuilder();
        for (PackedRow row : rows) {
            for (SftExample document : row.documents()) {
                for (int i = 0; i < document.length(); i++) {
                    boolean counts = document.completionMask()[i];
                    shown.append(counts ? "+" : "-").append(document.ids()[i]);
                }
                shown.append(' ').append(document.origin()).append('|');
            }
            shown.append('\n');
        }
        return shown.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"WRAPPED", "BFD", "BFD_SPLIT", "none"})
    void rowsAreThoseOfSamplesThatAreThereAtOnce(String strategy) throws Exception {
        Optional<PackingStrategy> packing =
                strategy.equals("none")
                        ? Optional.empty()
                        : Optional.of(PackingStrategy.valueOf(strategy));
        SftPreparation preparation = preparation(packing, BadRowPolicy.ERROR);
        List<Sample> samples = samples(2500);
        Positions order = Positions.copyOf(Positions.range(0, samples.size()));
        Collections.shuffle(order, new Random(7));
        List<Integer> chosen = order.subList(100, 2400);
        Prepared<PackedRow> atOnce =
                preparation.prepare(chosen.stream().map(samples::get).toList(), 1);
        for (int held : new int[] {SMALL, StoredRows.HELD}) {
            var stream = new DocumentStream(preparation, 2, folder, held);
            samples.forEach(stream);
            Prepared<PackedRow> streamed = stream.rows(preparation, chosen);
            assertEquals(atOnce.report(), streamed.report());
            assertEquals(shown(atOnce.rows()), shown(streamed.rows()));
            var stored = (StoredRows) streamed.rows();
            assertSame(stored, StoredRows.unchanged(stored));
            assertArrayEquals(StoredRows.lengths(atOnce.rows()), StoredRows.lengths(stored));
            assertEquals(held == SMALL, stored.held() < 4096, "bytes held: " + stored.held());
        }
        try (var left = Files.list(folder)) {
            assertEquals(List.of(), left.toList()); // the files have no names
        }
    }

    @Test
    void rowsThatCannotBeUsedAreNamed() {
        var bad =
                new Sample.LanguageModeling(
                        new Content.Turns(List.of()),
                        TemplateOptions.NONE,
                        new Row(Map.of(), new RowOrigin("chat.jsonl", 9, 8)));
        List<Sample> samples = new ArrayList<>(samples(5));
        samples.add(2, bad);
        SftPreparation skipping = preparation(Optional.empty(), BadRowPolicy.SKIP);
        var stream = new DocumentStream(skipping, 1, folder);
        samples.forEach(stream);
        Prepared<PackedRow> rows = stream.rows(skipping, Positions.range(0, 6));
        assertEquals(skipping.prepare(samples, 1).report(), rows.report());
        assertEquals(1, rows.report().dropped().size());

        SftPreparation strict = preparation(Optional.empty(), BadRowPolicy.ERROR);
        var refusing = new DocumentStream(strict, 1, folder);
        samples.forEach(refusing);
        var error =
                assertThrows(
                        DatasetException.class, () -> refusing.rows(strict, Positions.range(0, 6)));
        assertTrue(error.getMessage().startsWith("chat.jsonl:9: "), error.getMessage());
    }

    @Test
    void weightsAndLongRowsComeBack() {
        int[] ids = new int[1000];
        boolean[] mask = new boolean[1000];
        float[] weights = new float[1000];
        for (int i = 0; i < 1000; i++) {
            ids[i] = i * 77;
            mask[i] = i % 3 > 0;
            weights[i] = i / 8f;
        }
        var origin = new RowOrigin("f", 1L << 40, 1L << 41);
        var rows = new StoredRows(folder, SMALL);
        for (int i = 0; i < 3; i++) {
            rows.add(new PackedRow(List.of(new SftExample(ids, mask, weights, origin))));
            rows.add(new PackedRow(List.of(new SftExample(new int[0], new boolean[0], origin))));
        }
        SftExample back = rows.get(4).documents().getFirst();
        assertArrayEquals(ids, back.ids());
        assertArrayEquals(mask, back.completionMask());
        assertArrayEquals(weights, back.weights());
        assertEquals(origin, back.origin());
        assertEquals(0, rows.get(5).length());
        assertThrows(IndexOutOfBoundsException.class, () -> rows.get(6));
    }
}
