package org.attune.policy;

import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraOptions;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LayerUpdate;
import org.attune.tensor.DType;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/// The base model's biases of linear modules that are trained beside an adapter (PEFT's `bias`).
/// Their float32 masters, whole biases and no differences, stand among the adapter's parameters.
final class BaseBiases {
    private final Map<FusedLinear, List<Trained>> byLayer = new HashMap<>();

    /// @param part number inside the layer
    private record Trained(int part, ParameterSpace.Parameter parameter) {}

    /// Adds the parameters that are asked for.
    ///
    /// @param adapted whether the module of a path has an adapter
    BaseBiases(
            List<FusedLinear> layers,
            LoraOptions.Biases which,
            Predicate<String> adapted,
            FlatParameters.Plan plan) {
        for (FusedLinear layer : layers) {
            List<Trained> own = new ArrayList<>();
            for (int i = 0; i < layer.parts().size(); i++) {
                FusedLinear.Part part = layer.parts().get(i);
                boolean has = adapted.test(part.path());
                if (part.hasBias() && isMeant(which, has)) {
                    own.add(new Trained(i, plan.add(name(part.path(), has), false, part.out())));
                }
            }
            byLayer.put(layer, own);
        }
    }

    private static boolean isMeant(LoraOptions.Biases which, boolean adapted) {
        return switch (which) {
            case NONE -> false;
            case ADAPTED -> adapted;
            case ALL -> true;
        };
    }

    /// Name in PEFT's files.
    static String name(String path, boolean adapted) {
        return AdapterTarget.PREFIX + path + (adapted ? ".base_layer.bias" : ".bias");
    }

    boolean isEmpty() {
        return byLayer.values().stream().allMatch(List::isEmpty);
    }

    /// What passes compute with, made in the current scope; the masters get the base model's
    /// values.
    ///
    /// @param copies that are made anew when parameters change
    List<LayerUpdate> updates(
            FusedLinear layer, FlatParameters flat, boolean learns, ScaledCopies copies) {
        List<LayerUpdate> updates = new ArrayList<>();
        for (Trained t : byLayer.getOrDefault(layer, List.of())) {
            Tensor value = layer.bias(t.part()).copy();
            try (var _ = TensorScope.open("bias")) {
                flat.value(t.parameter()).copyInPlace(value.to(DType.FLOAT32));
                copyOf(flat.value(t.parameter()), 1, value, copies);
            }
            updates.add(
                    new LayerUpdate.Bias(
                            t.part(),
                            true,
                            value,
                            learns ? g -> flat.gradient(t.parameter()).addInPlace(g) : null));
        }
        return updates;
    }

    /// Adds the copy of a vector.
    static void copyOf(Tensor vector, double factor, Tensor to, ScaledCopies copies) {
        copies.add(vector.reshape(1, vector.size(0)), factor, to.reshape(1, to.size(0)));
    }

    /// The parameter that is trained in a bias's place.
    Optional<ParameterSpace.Parameter> parameterOf(FusedLinear layer, int part) {
        return byLayer.getOrDefault(layer, List.of()).stream()
                .filter(t -> t.part() == part)
                .map(Trained::parameter)
                .findFirst();
    }

    /// Whether a parameter is such a bias.
    boolean contains(ParameterSpace.Parameter parameter) {
        return byLayer.values().stream()
                .flatMap(List::stream)
                .anyMatch(t -> t.parameter().equals(parameter));
    }
}
