package org.attune.model.config;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Function between the two halves of a feed-forward block, with the names that `hidden_act` has.
/// What is not here is computed nowhere and refused where a configuration is read; the compiler
/// names every computation that must know another one.
public enum Activation {
    /// x·σ(x).
    SILU("silu", "swish");

    private final List<String> names;

    Activation(String... names) {
        this.names = List.of(names);
    }

    /// The name that is written.
    public String configName() {
        return names.getFirst();
    }

    /// The activation with one of its names.
    public static Optional<Activation> ofName(String name) {
        return Arrays.stream(values()).filter(a -> a.names.contains(name)).findFirst();
    }

    /// Every accepted name.
    static List<String> allNames() {
        return Arrays.stream(values()).flatMap(a -> a.names.stream()).toList();
    }
}
