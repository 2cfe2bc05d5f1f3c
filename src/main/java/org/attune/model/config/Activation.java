package org.attune.model.config;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Function inside a feed-forward part, with the names that `hidden_act` has. What is not here is
/// computed nowhere and refused where a configuration is read; the compiler names every computation
/// that must know another one.
public enum Activation {
    /// x·σ(x).
    SILU("silu", "swish"),
    /// x·Φ(x), Φ the normal distribution's
    /// ([Hendrycks and Gimpel 2016, Eq. 1](https://arxiv.org/abs/1606.08415)).
    GELU("gelu"),
    /// GELU's approximation by a hyperbolic tangent, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))).
    GELU_TANH("gelu_pytorch_tanh", "gelu_new", "gelu_fast"),
    /// GELU's approximation by the logistic function, x·σ(1.702 x)
    /// ([Hendrycks and Gimpel 2016, §2](https://arxiv.org/abs/1606.08415)).
    GELU_SIGMOID("quick_gelu"),
    /// max(x, 0).
    RELU("relu"),
    /// max(x, 0)² ([So et al. 2021, §3](https://arxiv.org/abs/2109.08668)).
    RELU_SQUARED("relu2"),
    /// A square above 0 and an exponential below, with two trained numbers for each layer
    /// ([Huang and Schlag 2024](https://arxiv.org/abs/2411.13010)). Of parts without gates.
    XIELU("xielu");

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
    ///
    /// @param learning whether activations with weights are accepted
    static List<String> allNames(boolean learning) {
        return Arrays.stream(values())
                .filter(a -> learning || a != XIELU)
                .flatMap(a -> a.names.stream())
                .toList();
    }
}
