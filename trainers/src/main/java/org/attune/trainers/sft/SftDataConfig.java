package org.attune.trainers.sft;

import jakarta.validation.constraints.NotBlank;

import org.attune.records.CopyMethods;
import org.attune.trainers.prepare.PackingStrategy;

import java.util.Optional;

/// How rows become training rows: the column of plain text, and packing of documents into rows
/// of `max_length` tokens.
///
/// @param datasetTextField column of plain text rows
/// @param packing pack the training rows
/// @param packingStrategy how
/// @param evalPacking pack the evaluation rows; unset: as `packing`
/// @param rowWeightColumn column of numbers that say how much a row counts in the loss, under the
///     name that `columns` gives it; unset: all rows count alike
@CopyMethods
public record SftDataConfig(
        @NotBlank(message = "a column name") String datasetTextField,
        boolean packing,
        PackingStrategy packingStrategy,
        Optional<Boolean> evalPacking,
        Optional<String> rowWeightColumn)
        implements SftDataConfigCopies {
    /// The defaults, as listed at the parameters.
    public static SftDataConfig defaults() {
        return SftDataConfigCopies.blank()
                .withDatasetTextField("text")
                .withPackingStrategy(PackingStrategy.BFD);
    }
}
