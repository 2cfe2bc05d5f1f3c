package org.attune.trainers.examples;

import org.attune.error.DatasetException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.RandomAccess;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/// Rows that are read when they are asked for, in their order. Any number of them takes the memory
/// of some thousands. When the data ends it begins anew, with the next epoch. A row that is no
/// longer held is found by reading everything up to it again, so each number has one row.
///
/// Thread-safe. Iterating reads as many rows as [#size] says.
///
/// @param <T> kind of row
public final class RowStream<T extends TrainingRow> extends AbstractList<T>
        implements RandomAccess, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RowStream.class);

    private final IntFunction<Stream<List<T>>> epochs;
    private final int size;
    private final int held;
    private final String identity;
    private final List<T> window = new ArrayList<>();
    private List<T> beginning = List.of();
    private Stream<List<T>> open;
    private Iterator<List<T>> blocks;
    private int first; // number of the window's first row
    private int epoch;
    private int rowsOfEpoch;

    /// @param epochs opens the rows of an epoch, from 0, in blocks. Each number always gives the
    ///     same ones
    /// @param size rows that the run takes; more can be asked for
    /// @param held rows that are held behind those read last, ≥ 1
    /// @param identity tells these rows and their order from others
    public RowStream(IntFunction<Stream<List<T>>> epochs, int size, int held, String identity) {
        this.epochs = epochs;
        this.size = size;
        this.held = held;
        this.identity = identity;
    }

    /// What is known of rows before a run: all of them, or the first block of a stream.
    public static <T extends TrainingRow> List<T> known(List<T> rows) {
        return rows instanceof RowStream<T> stream ? stream.beginning() : rows;
    }

    /// Tells the rows and their order from others.
    public String identity() {
        return identity;
    }

    private synchronized List<T> beginning() {
        if (beginning.isEmpty()) {
            get(0);
        }
        return beginning;
    }

    @Override
    public synchronized T get(int index) {
        if (index < 0) {
            throw new IndexOutOfBoundsException("row " + index);
        }
        if (index < first) {
            LOG.info("row {} is asked for again; the data is read from its beginning", index);
            restart();
        }
        while (index >= first + window.size()) {
            more();
        }
        return window.get(index - first);
    }

    private void more() {
        if (blocks == null) {
            begin(0);
        }
        while (!blocks.hasNext()) {
            if (rowsOfEpoch == 0) {
                throw new DatasetException("no row of the data is left to train on");
            }
            LOG.info("epoch {} of the data had {} rows; it begins anew", epoch, rowsOfEpoch);
            begin(epoch + 1);
        }
        List<T> block = blocks.next();
        if (beginning.isEmpty()) {
            beginning = List.copyOf(block);
        }
        rowsOfEpoch += block.size();
        int spare = window.size() - held;
        if (spare > held) {
            window.subList(0, spare).clear();
            first += spare;
        }
        window.addAll(block);
    }

    private void begin(int number) {
        close();
        epoch = number;
        rowsOfEpoch = 0;
        open = epochs.apply(number);
        blocks = open.iterator();
    }

    private void restart() {
        close();
        window.clear();
        first = 0;
    }

    /// Number of rows that are held.
    public synchronized int held() {
        return window.size();
    }

    /// Rows that the run takes.
    @Override
    public int size() {
        return size;
    }

    /// Ends the reading. A row that is asked for later begins it again.
    @Override
    public synchronized void close() {
        if (open != null) {
            open.close();
        }
        open = null;
        blocks = null;
    }
}
