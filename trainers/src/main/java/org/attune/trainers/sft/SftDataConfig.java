package org.attune.trainers.sft;

import jakarta.validation.constraints.NotBlank;

import org.attune.datasets.prepare.PackingStrategy;

import java.util.Optional;

/// How rows become training rows: the column of plain text, and packing of documents into rows
/// of `max_length` tokens.
///
/// @param datasetTextField column of plain text rows
/// @param packing pack the training rows
/// @param packingStrategy how
/// @param evalPacking pack the evaluation rows; unset: as `packing`
public record SftDataConfig(
        @NotBlank(message = "a column name") String datasetTextField,
        boolean packing,
        PackingStrategy packingStrategy,
        Optional<Boolean> evalPacking) {
    /// The defaults, as listed at the parameters.
    public static SftDataConfig defaults() {
        return new SftDataConfig("text", false, PackingStrategy.BFD, Optional.empty());
    }

    public SftDataConfig withDatasetTextField(String datasetTextField) {
        return new SftDataConfig(datasetTextField, packing, packingStrategy, evalPacking);
    }

    public SftDataConfig withPacking(boolean packing) {
        return new SftDataConfig(datasetTextField, packing, packingStrategy, evalPacking);
    }

    public SftDataConfig withPackingStrategy(PackingStrategy packingStrategy) {
        return new SftDataConfig(datasetTextField, packing, packingStrategy, evalPacking);
    }

    public SftDataConfig withEvalPacking(Boolean evalPacking) {
        return new SftDataConfig(
                datasetTextField, packing, packingStrategy, Optional.of(evalPacking));
    }
}
