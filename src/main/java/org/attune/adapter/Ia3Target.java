package org.attune.adapter;

import java.util.List;

/// (IA)³ of one module: trained factors `l` of what comes out, `l ⊙ (W x + b)`, or, where the
/// module is a feed-forward one, of what goes in, `W (l ⊙ x) + b`.
///
/// @param path        of the module, e.g. `model.layers.0.self_attn.k_proj`
/// @param feedforward whether its input is scaled
public record Ia3Target(String path, boolean feedforward) implements AdapterTarget {
    static final String SUFFIX = ".ia3_l";

    @Override
    public List<NamedShape> tensors(long out, long in) {
        String name = PREFIX + path + SUFFIX;
        return List.of(feedforward ? new NamedShape(name, 1, in) : new NamedShape(name, out, 1));
    }
}
