package org.attune.trainers.rows;

import java.util.List;

/// Questions to a frozen model about each row: a few numbers, which can be kept in a file.
///
/// @param <F> how rows are laid out
public interface ReferenceColumns<F> {
    /// The numbers' names in the file.
    List<String> names();

    /// Reads the numbers of each row, in the order of the names.
    ///
    /// @param tokenLogProbs log-probability of each target, `(M)`
    List<double[]> read(F forest, float[] tokenLogProbs);

    /// Tells numbers that are summed in different ways apart, in the file's name.
    default String variant() {
        return "";
    }
}
