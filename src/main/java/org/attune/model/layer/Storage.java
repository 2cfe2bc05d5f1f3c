package org.attune.model.layer;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.tensor.vector.LevelRows;

import java.util.Optional;

/// How frozen weights of a decoder's linear layers are kept in memory. Embedding, output layer,
/// norms, biases and the routers of experts are dense always.
@Api(EXPERIMENTAL)
public enum Storage {
    /// As a folder in few bits holds them; dense where it isn't, and from GGUF files.
    AUTO,

    /// Dense, in the compute dtype.
    NONE,

    /// As the file holds them, where that is in few bits.
    KEEP,

    /// A byte a number, with a size for each row.
    INT8,

    /// Quantiles of a normal distribution of 4 bits, in blocks of 64 with a float32 size.
    NF4,

    /// [#NF4] with sizes of a byte.
    NF4_DOUBLE,

    /// Floating-point numbers of 4 bits, in blocks of 64 with a float32 size.
    FP4,

    /// [#FP4] with sizes of a byte.
    FP4_DOUBLE;

    /// The levels of numbers of 4 bits.
    Optional<LevelRows.Levels> levels() {
        return switch (this) {
            case NF4, NF4_DOUBLE -> Optional.of(LevelRows.Levels.NF4);
            case FP4, FP4_DOUBLE -> Optional.of(LevelRows.Levels.FP4);
            case AUTO, NONE, KEEP, INT8 -> Optional.empty();
        };
    }

    /// Whether sizes of blocks are in few bits too.
    boolean isDouble() {
        return this == NF4_DOUBLE || this == FP4_DOUBLE;
    }

    /// Whether numbers are brought to few bits when they are read.
    public boolean quantises() {
        return this == INT8 || levels().isPresent();
    }
}
