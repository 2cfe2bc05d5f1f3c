package org.attune.trainers.prepare;

import org.attune.datasets.formats.Sample;
import org.attune.error.StopRequest;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StoredRows;
import org.attune.trainers.prepare.PreparationReport.Dropped;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Tokenises samples of SFT as they come, and makes rows of them at the end. Neither the texts nor
/// their tokens have to fit into memory ([StoredRows]); the rows are those of
/// [SftPreparation#prepare].
public final class DocumentStream implements Consumer<Sample> {
    private static final int SAMPLES = 1024;
    private static final long CHARACTERS = 1 << 22;

    private final SftPreparation preparation;
    private final int threads;
    private final Path folder;
    private final int held;
    private final StoredRows documents;
    private final Map<Integer, Shaped.Left<PackedRow>> refused = new HashMap<>();
    private final List<Sample> waiting = new ArrayList<>();
    private long characters;

    /// @param preparation says what of a sample counts; packing and cutting come at the end
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @param folder where files of tokens may lie
    public DocumentStream(SftPreparation preparation, int threads, Path folder) {
        this(preparation, threads, folder, StoredRows.HELD);
    }

    /// @param held bytes that tokens take in memory at most
    DocumentStream(SftPreparation preparation, int threads, Path folder, int held) {
        this.preparation = preparation;
        this.threads = threads;
        this.folder = folder;
        this.held = held;
        documents = new StoredRows(folder, held);
    }

    /// Takes the next sample.
    ///
    /// @throws org.attune.error.DatasetException with the row's place, if a sample taken so far
    ///     can't be used and bad rows are errors
    @Override
    public void accept(Sample sample) {
        waiting.add(sample);
        characters += characters(sample);
        if (waiting.size() == SAMPLES || characters > CHARACTERS) {
            tokenise();
        }
    }

    /// Rows of some of the samples.
    ///
    /// @param as how they are cut and packed; what counts is decided already
    /// @param chosen numbers of the samples, in the order in which they are wanted
    /// @throws org.attune.error.DatasetException if nothing is left to train on
    public Prepared<PackedRow> rows(SftPreparation as, List<Integer> chosen) {
        tokenise();
        var dropped = new ArrayList<Dropped>();
        var arranged = new Arranged(as, new StoredRows(folder, held));
        for (int number : chosen) {
            StopRequest.check();
            SftExample whole = documents.get(number).documents().getFirst();
            Shaped<PackedRow> shaped = refused.get(number);
            switch (shaped == null ? as.cut(whole) : shaped) {
                case Shaped.Kept<PackedRow>(PackedRow row, int before, int after) -> {
                    if (after < before) {
                        arranged.truncated.add(new Truncated(whole.origin(), before, after));
                    }
                    arranged.add(row);
                }
                case Shaped.Left<PackedRow>(String reason, String detail) ->
                        dropped.add(new Dropped(whole.origin(), reason, detail));
            }
        }
        return arranged.prepared(chosen.size(), dropped);
    }

    private void tokenise() {
        List<Shaped<PackedRow>> shaped =
                ParallelRows.map(new ArrayList<>(waiting), threads, preparation::document);
        for (int i = 0; i < shaped.size(); i++) {
            switch (shaped.get(i)) {
                case Shaped.Kept<PackedRow> kept -> documents.add(kept.row());
                case Shaped.Left<PackedRow> left -> {
                    refused.put(documents.size(), left);
                    documents.add(nothing(waiting.get(i)));
                }
            }
        }
        waiting.clear();
        characters = 0;
    }

    private static PackedRow nothing(Sample sample) {
        return new PackedRow(
                List.of(new SftExample(new int[0], new boolean[0], sample.row().origin())));
    }

    /// Number of characters in the columns of a sample that are text.
    static long characters(Sample sample) {
        return sample.row().columns().values().stream()
                .mapToLong(value -> value instanceof String text ? text.length() : 0)
                .sum();
    }

    /// Rows that are put together as many at a time as packing looks at.
    private static final class Arranged {
        private final SftPreparation preparation;
        private final StoredRows rows;
        private final List<PackedRow> batch = new ArrayList<>();
        private final List<Truncated> truncated = new ArrayList<>();
        private long tokens;
        private long trained;

        Arranged(SftPreparation preparation, StoredRows rows) {
            this.preparation = preparation;
            this.rows = rows;
        }

        void add(PackedRow row) {
            batch.add(row);
            if (batch.size() == Packing.BATCH) {
                arrange();
            }
        }

        private void arrange() {
            for (PackedRow row : preparation.arrange(new ArrayList<>(batch), truncated)) {
                rows.add(row);
                tokens += row.length();
                trained += row.trainedTokens();
            }
            batch.clear();
        }

        Prepared<PackedRow> prepared(int rowsIn, List<Dropped> dropped) {
            arrange();
            if (rows.isEmpty()) {
                throw PreparationReport.nothingLeft(rowsIn, dropped, preparation.limit());
            }
            return new Prepared<>(
                    rows,
                    new PreparationReport(
                            rowsIn, rows.size(), tokens, trained, dropped, truncated));
        }
    }
}
