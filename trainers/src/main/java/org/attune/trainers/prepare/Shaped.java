package org.attune.trainers.prepare;

/// What became of a sample.
///
/// @param <T> kind of row
public sealed interface Shaped<T> {
    /// A row to train on.
    ///
    /// @param before tokens that it had before it was cut; of a pair, of the longer side
    /// @param after its tokens, counted likewise
    record Kept<T>(T row, int before, int after) implements Shaped<T> {}

    /// No row.
    ///
    /// @param reason why; equal reasons have equal words
    /// @param detail what was special about this row, or empty
    record Left<T>(String reason, String detail) implements Shaped<T> {}

    /// A row of which nothing was cut.
    static <T> Shaped<T> whole(T row) {
        return new Kept<>(row, 0, 0);
    }
}
