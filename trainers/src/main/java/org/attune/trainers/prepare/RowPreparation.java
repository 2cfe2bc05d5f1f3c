package org.attune.trainers.prepare;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.prepare.PreparationReport.Dropped;
import org.attune.trainers.prepare.PreparationReport.Truncated;

import java.util.ArrayList;
import java.util.List;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// How the samples of a data set become rows of one kind. A kind says how [one][#shape] sample
/// does; [#prepare] does the rest: threads, bad rows, what is reported.
///
/// @param <T> kind of row
public interface RowPreparation<T extends TrainingRow> {
    /// What happens to a row that can't be used.
    BadRowPolicy onBadRow();

    /// Makes a row of a sample. Called from several threads at a time.
    ///
    /// @throws DatasetException without the row's place, if the sample can't be used
    Shaped<T> shape(Sample sample);

    /// Number of tokens of a row that count in the loss; what the report sums up.
    long trained(T row);

    /// Why rows are left out of which [#shape] throws, where bad rows are skipped.
    default String refusal() {
        return "the row can't be used";
    }

    /// The key whose value may have been too low where no row is left.
    default String limit() {
        return "max_length";
    }

    /// The samples of which rows are made, in order.
    default List<Sample> samples(List<? extends Sample> given) {
        return List.copyOf(given);
    }

    /// Puts rows together, or orders them anew.
    ///
    /// @param rows can be changed, and are not used afterwards
    /// @param truncated rows that were cut; what is cut here is added
    default List<T> arrange(List<T> rows, List<Truncated> truncated) {
        return rows;
    }

    /// Prepares all samples, once.
    ///
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    /// @throws DatasetException with the row's place, if a row can't be used and bad rows are
    ///     errors; or if nothing is left to train on
    default Prepared<T> prepare(List<? extends Sample> given, int threads) {
        return prepareTaking(new ArrayList<>(given), threads);
    }

    /// Prepares samples that nobody needs afterwards. A text can be collected as soon as its tokens
    /// are there, so that a corpus is not held as both.
    ///
    /// @param given can be changed; empty afterwards
    default Prepared<T> prepareTaking(List<? extends Sample> given, int threads) {
        List<Sample> samples = new ArrayList<>(samples(given));
        given.clear();
        int rowsIn = samples.size();
        List<Placed<T>> shaped = shaped(samples, threads);
        var dropped = new ArrayList<Dropped>();
        var truncated = new ArrayList<Truncated>();
        var kept = new ArrayList<T>();
        for (Placed<T> placed : shaped) {
            RowOrigin origin = placed.origin();
            switch (placed.shaped()) {
                case Shaped.Kept<T>(T row, int before, int after) -> {
                    kept.add(row);
                    if (after < before) {
                        truncated.add(new Truncated(origin, before, after));
                    }
                }
                case Shaped.Left<T>(String reason, String detail) ->
                        dropped.add(new Dropped(origin, reason, detail));
            }
        }
        List<T> rows = arrange(kept, truncated);
        if (rows.isEmpty()) {
            throw PreparationReport.nothingLeft(rowsIn, dropped, limit());
        }
        long tokens = rows.stream().mapToLong(TrainingRow::length).sum();
        long trained = rows.stream().mapToLong(this::trained).sum();
        return new Prepared<>(
                rows,
                new PreparationReport(rowsIn, rows.size(), tokens, trained, dropped, truncated));
    }

    /// What becomes of each of some samples, in their order.
    ///
    /// @param samples can be changed; empty afterwards
    /// @param threads how many tokenise at a time, ≥ 1
    default List<Placed<T>> shaped(List<Sample> samples, int threads) {
        return ParallelRows.map(
                samples,
                threads,
                sample -> new Placed<>(sample.row().origin(), shapeOrRefuse(sample)));
    }

    /// Prepares samples as they come, in blocks of which each is arranged by itself.
    ///
    /// @param samples closed with what is returned
    /// @param threads how many tokenise at a time, ≥ 1; the result doesn't depend on it
    default Stream<List<T>> blocks(Stream<Sample> samples, int threads) {
        var blocks = new PreparedBlocks<>(this, samples.iterator(), threads);
        return StreamSupport.stream(
                        Spliterators.spliteratorUnknownSize(blocks, Spliterator.ORDERED), false)
                .onClose(samples::close);
    }

    /// What became of a sample.
    ///
    /// @param <T> kind of row
    record Placed<T extends TrainingRow>(RowOrigin origin, Shaped<T> shaped) {}

    private Shaped<T> shapeOrRefuse(Sample sample) {
        return shapeOrRefuse(sample.row().origin(), () -> shape(sample));
    }

    /// What is made of a row, or why nothing is where bad rows are skipped.
    ///
    /// @throws DatasetException with the row's place, if it can't be used and bad rows are errors
    default Shaped<T> shapeOrRefuse(RowOrigin origin, Supplier<Shaped<T>> shape) {
        try {
            return shape.get();
        } catch (DatasetException e) {
            if (onBadRow() == BadRowPolicy.SKIP) {
                return new Shaped.Left<>(refusal(), e.getMessage());
            }
            throw placed(origin, e);
        }
    }

    /// Adds the row's place to a failure.
    static DatasetException placed(RowOrigin origin, DatasetException e) {
        String where = origin.where() + ": ";
        boolean located = e.getMessage().startsWith(where); // as the names of pictures are
        return new DatasetException((located ? "" : where) + e.getMessage(), e);
    }

    /// A sample of the type that is needed.
    ///
    /// @param needed that type in words, as "a preference pair is"
    /// @throws DatasetException if it is of another type
    static <S extends Sample> S require(Class<S> type, String needed, Sample sample) {
        if (type.isInstance(sample)) {
            return type.cast(sample);
        }
        throw new DatasetException(needed + " needed, got " + sample.type().key());
    }
}
