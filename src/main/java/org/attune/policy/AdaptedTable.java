package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.LoraInitialisation;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;

/// What an adapter makes of a table `T` with a row for each token, `(V, D)`: the embedding, the
/// output layer, or both where they are one.
sealed interface AdaptedTable extends Weight.RowLearner permits LoraTable, RowsTable {
    /// Writes the values that a fresh adapter begins with.
    ///
    /// @param initialisation of matrices
    void initialise(LoraInitialisation initialisation, UniformRandomProvider random);

    /// The table with the adapter, float32 `(V, D)`, in the current scope.
    Tensor merged();

    /// Writes the table with the adapter.
    ///
    /// @param table in the compute dtype, `(V, D)`, which holds what this wrote before, or the base
    ///     model's numbers
    void write(Tensor table);

    /// Whether the table is as without the adapter.
    boolean changesNothing();
}
