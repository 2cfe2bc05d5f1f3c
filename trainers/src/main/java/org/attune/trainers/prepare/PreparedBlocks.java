package org.attune.trainers.prepare;

import org.attune.datasets.formats.Sample;
import org.attune.trainers.examples.TrainingRow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.TreeMap;

/// Prepares samples as they come. Rows that are put together, as by packing, are those of one
/// block.
///
/// @param <T> kind of row
final class PreparedBlocks<T extends TrainingRow> implements Iterator<List<T>> {
    private static final Logger LOG = LoggerFactory.getLogger(PreparedBlocks.class);
    private static final int SAMPLES = 1024;
    private static final long CHARACTERS = 1 << 22;

    private final RowPreparation<T> preparation;
    private final Iterator<Sample> samples;
    private final int threads;
    private final List<T> kept = new ArrayList<>();
    private final ArrayDeque<List<T>> ready = new ArrayDeque<>();
    private final Map<String, Integer> left = new TreeMap<>();
    private long read;

    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    PreparedBlocks(RowPreparation<T> preparation, Iterator<Sample> samples, int threads) {
        this.preparation = preparation;
        this.samples = samples;
        this.threads = threads;
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && samples.hasNext()) {
            shape(chunk());
            boolean end = !samples.hasNext();
            while (kept.size() >= Packing.BATCH || end && !kept.isEmpty()) {
                List<T> block = kept.subList(0, Math.min(kept.size(), Packing.BATCH));
                List<T> rows = preparation.arrange(new ArrayList<>(block), new ArrayList<>());
                block.clear();
                if (!rows.isEmpty()) {
                    ready.add(rows);
                }
            }
            if (end && !left.isEmpty()) {
                LOG.info("of {} rows some were left out: {}", read, left);
            }
        }
        return !ready.isEmpty();
    }

    @Override
    public List<T> next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return ready.remove();
    }

    private List<Sample> chunk() {
        List<Sample> chunk = new ArrayList<>();
        long characters = 0;
        while (chunk.size() < SAMPLES && characters < CHARACTERS && samples.hasNext()) {
            Sample sample = samples.next();
            characters += DocumentStream.characters(sample);
            chunk.add(sample);
        }
        return chunk;
    }

    private void shape(List<Sample> chunk) {
        read += chunk.size();
        for (var placed :
                preparation.shaped(new ArrayList<>(preparation.samples(chunk)), threads)) {
            switch (placed.shaped()) {
                case Shaped.Kept<T> row -> kept.add(row.row());
                case Shaped.Left<T> none -> left.merge(none.reason(), 1, Integer::sum);
            }
        }
    }
}
