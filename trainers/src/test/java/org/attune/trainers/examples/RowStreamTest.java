package org.attune.trainers.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.ColumnUse;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.trainers.prepare.PackingStrategy;
import org.attune.trainers.prepare.SampleTokenizer;
import org.attune.trainers.prepare.SftOptions;
import org.attune.trainers.prepare.SftPreparation;
import org.attune.trainers.prepare.TruncationMode;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Rows that are read when they are asked for.
class RowStreamTest {
    private static final Set<DatasetType> TYPES =
            EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);

    @TempDir Path folder;

    private DatasetLoader loader(BadRowPolicy onBadRow) {
        return new DatasetLoader(folder, new HubCache(folder), onBadRow, new ColumnUse.RowsOnly());
    }

    private static SftPreparation preparation(Optional<PackingStrategy> packing) {
        return new SftPreparation(
                new SampleTokenizer(new ByteTokenizer(false), Optional.empty()),
                new SftOptions(
                        OptionalInt.of(20),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        false,
                        packing),
                BadRowPolicy.ERROR);
    }

    private List<DatasetSource> file(String name, int rows) throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            lines.add("{\"text\": \"%s%d\"}".formatted("x".repeat(i % 17), i));
        }
        return List.of(DatasetSource.of(Files.write(folder.resolve(name), lines).toString()));
    }

    private RowStream<PackedRow> stream(
            List<DatasetSource> sources, SftPreparation preparation, int held) {
        return new RowStream<>(
                epoch ->
                        preparation.blocks(
                                loader(BadRowPolicy.ERROR).stream(
                                        sources, TYPES, Optional.empty(), epoch == 0),
                                2),
                100,
                held,
                "");
    }

    @Test
    void rowsAreThoseThatReadingAllGives() throws IOException {
        List<DatasetSource> sources = file("rows.jsonl", 2500);
        List<Sample> samples = loader(BadRowPolicy.ERROR).load(sources, TYPES).samples();
        for (var packing :
                List.of(Optional.<PackingStrategy>empty(), Optional.of(PackingStrategy.BFD))) {
            SftPreparation preparation = preparation(packing);
            List<PackedRow> all = new ArrayList<>();
            for (int from = 0; from < samples.size(); from += 1000) { // what is packed together
                int to = Math.min(samples.size(), from + 1000);
                all.addAll(preparation.prepare(samples.subList(from, to), 1).rows());
            }
            try (RowStream<PackedRow> stream = stream(sources, preparation, 3000)) {
                for (int i = 0; i < 2 * all.size(); i++) { // the second epoch too
                    PackedRow row = all.get(i % all.size());
                    assertEquals(row.origins(), stream.get(i).origins(), "row " + i);
                    assertArrayEquals(
                            row.sequences().getFirst(), stream.get(i).sequences().getFirst());
                }
                assertEquals(100, stream.size());
                assertEquals(
                        all.getFirst().origins(), RowStream.known(stream).getFirst().origins());
            }
        }
    }

    /// Four files' worth of rows pass through a window of a few hundred.
    @Test
    void whatIsHeldDoesNotGrowWithTheRows() throws IOException {
        List<DatasetSource> sources = file("large.jsonl", 20_000);
        try (RowStream<PackedRow> stream = stream(sources, preparation(Optional.empty()), 100)) {
            int most = 0;
            for (int i = 0; i < 40_000; i++) {
                stream.get(i);
                most = Math.max(most, stream.held());
            }
            assertTrue(most <= 1200, most + " rows are held");
            List<String> early = stream.get(7).origins(); // read anew
            assertTrue(early.getFirst().endsWith("large.jsonl:8"), early.toString());
            assertEquals(stream.get(20_007).origins(), early);
        }
    }

    @Test
    void faultsComeWhenTheyAreMet() throws IOException {
        List<DatasetSource> sources = file("bad.jsonl", 3000);
        Path path = folder.resolve("bad.jsonl");
        List<String> lines = new ArrayList<>(Files.readAllLines(path));
        lines.set(2500, "{\"text\": 5}");
        Files.write(path, lines);
        try (RowStream<PackedRow> stream = stream(sources, preparation(Optional.empty()), 100)) {
            stream.get(500);
            var fault = assertThrows(DatasetException.class, () -> stream.get(2999));
            assertTrue(fault.getMessage().contains("bad.jsonl:2501"), fault.getMessage());
        }
        Stream<Sample> skipping =
                loader(BadRowPolicy.SKIP).stream(sources, TYPES, Optional.empty(), true);
        try (skipping) {
            assertEquals(2999, skipping.count());
        }
    }

    @Test
    void contentThatNothingReadsEndsTheRunBeforeItTrains() throws IOException {
        Path path = folder.resolve("more.jsonl");
        Files.write(
                path,
                IntStream.range(0, 2000)
                        .mapToObj(i -> "{\"text\": \"xyz\", \"context\": \"what %d\"}".formatted(i))
                        .toList());
        List<DatasetSource> sources = List.of(DatasetSource.of(path.toString()));
        try (RowStream<PackedRow> stream = stream(sources, preparation(Optional.empty()), 100)) {
            var fault = assertThrows(DatasetException.class, () -> RowStream.known(stream));
            assertTrue(fault.getMessage().contains("nothing reads"), fault.getMessage());
        }
    }

    @Test
    void filesComeInAnotherOrderAndRangesAreRefused() throws IOException {
        Path parts = Files.createDirectories(folder.resolve("parts"));
        for (int i = 0; i < 9; i++) {
            Files.writeString(
                    parts.resolve("p%d.jsonl".formatted(i)), "{\"text\": \"%d\"}".formatted(i));
        }
        List<DatasetSource> sources = List.of(DatasetSource.of(parts.toString()));
        DatasetLoader loader = loader(BadRowPolicy.ERROR);
        Set<List<String>> orders = new HashSet<>();
        for (long seed : new long[] {1, 1, 2}) {
            var random = RandomSource.XO_SHI_RO_256_PP.create(seed);
            try (var stream = loader.stream(sources, TYPES, Optional.of(random), false)) {
                orders.add(stream.map(s -> (String) s.row().get("text")).toList());
            }
        }
        assertEquals(2, orders.size());
        orders.forEach(order -> assertEquals(9, new HashSet<>(order).size()));
        String before = loader.fingerprint(sources);
        assertEquals(before, loader.fingerprint(sources));
        Files.writeString(parts.resolve("p3.jsonl"), "{\"text\": \"4\"}");
        assertNotEquals(before, loader.fingerprint(sources));

        DatasetSource whole = sources.getFirst();
        var part =
                new DatasetSource(
                        whole.path(),
                        whole.name(),
                        whole.type(),
                        SplitSpec.parse("train[:5]"),
                        whole.columns(),
                        whole.sampleBy(),
                        whole.fraction());
        var refused = assertThrows(DatasetException.class, () -> loader.fingerprint(List.of(part)));
        assertTrue(refused.getMessage().contains("streaming: false"), refused.getMessage());
    }

    @Test
    void closingEndsTheThreadThatReads() throws Exception {
        List<DatasetSource> sources = file("open.jsonl", 5000);
        var stream = loader(BadRowPolicy.ERROR).stream(sources, TYPES, Optional.empty(), false);
        assertTrue(stream.iterator().hasNext());
        List<Thread> readers = readers();
        assertFalse(readers.isEmpty());
        stream.close();
        for (Thread reader : readers) {
            reader.join(10_000);
            assertFalse(reader.isAlive());
        }
    }

    private static List<Thread> readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("attune-reader"))
                .toList();
    }
}
