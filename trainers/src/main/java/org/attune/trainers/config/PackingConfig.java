package org.attune.trainers.config;

import java.util.Optional;

/// Packing of documents into rows of `max_length` tokens.
///
/// @param packing pack the training rows
/// @param packingStrategy how
/// @param evalPacking pack the evaluation rows; unset: as `packing`
public record PackingConfig(
        boolean packing, PackingStrategy packingStrategy, Optional<Boolean> evalPacking) {
    /// The defaults, as listed at the parameters.
    public static PackingConfig defaults() {
        return new PackingConfig(false, PackingStrategy.BFD, Optional.empty());
    }

    public PackingConfig withPacking(boolean packing) {
        return new PackingConfig(packing, packingStrategy, evalPacking);
    }

    public PackingConfig withPackingStrategy(PackingStrategy packingStrategy) {
        return new PackingConfig(packing, packingStrategy, evalPacking);
    }

    public PackingConfig withEvalPacking(Boolean evalPacking) {
        return new PackingConfig(packing, packingStrategy, Optional.of(evalPacking));
    }
}
