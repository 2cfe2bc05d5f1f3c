package org.attune.trainers.batch;

import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.StoredRows;
import org.attune.trainers.examples.TrainingRow;

import java.util.AbstractList;
import java.util.List;
import java.util.Optional;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/// Rows of several data sets, one data set after the other, of which each epoch takes a
/// [Mixture].
///
/// @param <T> kind of row
public final class MixedRows<T extends TrainingRow> extends AbstractList<T>
        implements RandomAccess {
    private final List<List<T>> parts;
    private final int[] starts;
    private final Mixture mixture;

    private MixedRows(List<List<T>> parts, Mixture mixture) {
        this.parts = parts.stream().map(StoredRows::unchanged).toList();
        this.mixture = mixture;
        starts = starts(mixture.sizes());
    }

    /// Rows of which an epoch takes as many as until the first data set is used up; the next epoch
    /// goes on in the others.
    ///
    /// @param parts the rows of each data set
    /// @param weights how often rows of each come, > 0; only ratios count
    /// @throws org.attune.error.ConfigException if an epoch has none of a data set
    public static <T extends TrainingRow> MixedRows<T> untilFirst(
            List<List<T>> parts, List<Double> weights) {
        return new MixedRows<>(parts, Mixture.untilFirst(sizes(parts), weights));
    }

    /// Rows of which an epoch takes as many as until all data sets are used up; rows of the others
    /// come again.
    ///
    /// @param parts the rows of each data set
    /// @param weights how often rows of each come, > 0; only ratios count
    /// @throws org.attune.error.ConfigException if an epoch has more rows than an int counts
    public static <T extends TrainingRow> MixedRows<T> untilAll(
            List<List<T>> parts, List<Double> weights) {
        return new MixedRows<>(parts, Mixture.untilAll(sizes(parts), weights));
    }

    /// Rows of which an epoch takes each once, those of likelier data sets earlier.
    ///
    /// @param parts the rows of each data set
    /// @param weights how often rows of each are drawn while all have some, > 0
    public static <T extends TrainingRow> MixedRows<T> eachOnce(
            List<List<T>> parts, List<Double> weights) {
        return new MixedRows<>(parts, Mixture.eachOnce(sizes(parts), weights));
    }

    private static <T> List<Integer> sizes(List<List<T>> parts) {
        return parts.stream().map(List::size).toList();
    }

    /// The mixture in words, for a log.
    ///
    /// @param names of the data sets
    public String words(List<String> names) {
        return mixture.words(names);
    }

    /// Whether rows are mixed ones.
    public static boolean areMixed(List<?> rows) {
        return rows instanceof MixedRows;
    }

    /// Where each data set's rows start, and at the end their number.
    static int[] starts(List<Integer> sizes) {
        int[] starts = new int[sizes.size() + 1];
        for (int i = 0; i < sizes.size(); i++) {
            starts[i + 1] = Math.addExact(starts[i], sizes.get(i));
        }
        return starts;
    }

    /// The rows as a list that nobody changes: themselves where they are mixed or stored, else a
    /// copy.
    public static <T> List<T> unchanged(List<T> rows) {
        return rows instanceof MixedRows ? rows : StoredRows.unchanged(rows);
    }

    /// The mixture of rows; empty where they are no mixed ones.
    static Optional<Mixture> mixture(List<?> rows) {
        return rows instanceof MixedRows<?> mixed ? Optional.of(mixed.mixture) : Optional.empty();
    }

    /// Lengths of rows in tokens, without making rows that are stored; of a stream those of what is
    /// known of it.
    public static <T extends TrainingRow> int[] lengths(List<T> all) {
        List<T> rows = RowStream.known(all);
        return rows instanceof MixedRows<?> mixed
                ? mixed.parts.stream()
                        .flatMapToInt(part -> IntStream.of(StoredRows.lengths(part)))
                        .toArray()
                : StoredRows.lengths(rows);
    }

    @Override
    public T get(int index) {
        int part = 0;
        while (index >= starts[part + 1]) {
            part++;
        }
        return parts.get(part).get(index - starts[part]);
    }

    @Override
    public int size() {
        return starts[parts.size()];
    }
}
