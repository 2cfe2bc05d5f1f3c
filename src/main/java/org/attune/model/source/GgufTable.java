package org.attune.model.source;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Tensors of a GGUF file: of one that is read, or of one that is to be written, whose tensors are
/// planned as weights ask for them.
interface GgufTable {
    /// The file, for messages.
    String where();

    /// Whether the file has a tensor.
    boolean has(String tensor);

    /// Shape of a tensor, outermost first; empty if there is none.
    long[] shape(String tensor);

    /// Whether the file has a tensor of which it might have another instead. Of a file that is to
    /// be written: whether llama.cpp looks for it.
    boolean chooses(String tensor);

    /// Names of all tensors.
    Set<String> names();

    /// A list of numbers of the metadata.
    Optional<List<Float>> floats(String key);

    /// Whether the file is to be written.
    default boolean plans() {
        return false;
    }

    /// Shape of a weight of the model that is to be written; empty if there is none, or if the file
    /// is read.
    default long[] weight(String name) {
        return new long[0];
    }

    /// Plans a tensor of the file that is to be written, unless it is there.
    default void plan(String tensor, long... shape) {}

    /// Plans a tensor of which the weights may not make all rows. Those that are left are copies of
    /// the first one, or zeros if no weight makes one.
    default void fill(String tensor, long... shape) {}

    /// Plans a tensor that has at least so many rows.
    ///
    /// @param columns of each; 0: it is a vector
    default void planRows(String tensor, long rows, long columns) {}
}
