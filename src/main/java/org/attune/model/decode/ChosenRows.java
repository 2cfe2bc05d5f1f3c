package org.attune.model.decode;

import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Expression;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.Weight;
import org.attune.tensor.Tensor;

/// Some rows of a step, which an expert reads.
///
/// @param rows their adapters
record ChosenRows(CachedStep step, AdapterRows rows) implements Expression {
    @Override
    public Tensor value(Weight weight) {
        return step.value(weight);
    }

    @Override
    public Tensor of(FusedLinear linear, Tensor x) {
        return step.of(linear, x, rows);
    }
}
