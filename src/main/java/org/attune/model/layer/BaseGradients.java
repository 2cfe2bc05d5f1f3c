package org.attune.model.layer;

import org.attune.tensor.OuterProducts;
import org.attune.tensor.Tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/// Gradients of the base parameters of layers that read the same input, where these are trained.
///
/// @param parts the layers
/// @param weights float32 views, one a layer, null where it isn't trained; none: nothing is ever
///     trained
/// @param biases likewise, null where a layer has no bias or it isn't trained
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record BaseGradients(List<FusedLinear.Part> parts, Tensor[] weights, Tensor[] biases) {
    static BaseGradients none() {
        return new BaseGradients(List.of(), new Tensor[0], new Tensor[0]);
    }

    boolean isEmpty() {
        return weights.length == 0;
    }

    /// Whether something is trained now.
    boolean learn() {
        return Stream.of(weights, biases).flatMap(Arrays::stream).anyMatch(Objects::nonNull);
    }

    /// Adds what a pass gives.
    ///
    /// @param dy gradient of all layers' output, `(N, out)`
    /// @param x their input, `(N, in)`
    void add(Tensor dy, Tensor x) {
        for (int i = 0; i < weights.length; i++) {
            FusedLinear.Part p = parts.get(i);
            Tensor d = dy.narrow(1, p.firstRow(), p.out());
            if (weights[i] != null) {
                OuterProducts.add(List.of(OuterProducts.Product.of(weights[i], d, x, 1)));
            }
            if (biases[i] != null) {
                Gradients.addRows(biases[i], d);
            }
        }
    }
}
