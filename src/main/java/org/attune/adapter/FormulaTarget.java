package org.attune.adapter;

import org.attune.adapter.formula.WeightFormula;

import java.util.List;

/// One module whose weight is updated by a formula.
///
/// @param path of the module, e.g. `model.layers.0.self_attn.q_proj`
/// @param formula of the update
public record FormulaTarget(String path, WeightFormula formula) implements AdapterTarget {
    @Override
    public List<NamedShape> tensors(long out, long in) {
        return formula.parts(out, in).stream()
                .map(p -> new NamedShape(PREFIX + path + "." + p.suffix(), p.shape()))
                .toList();
    }
}
