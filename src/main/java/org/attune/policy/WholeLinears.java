package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraOptions;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Delta;
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
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/// The base model's weights and biases of linear modules that are trained beside an adapter: of
/// modules that are trained whole (PEFT's `modules_to_save`) both, of others the bias (PEFT's
/// `bias`). Their float32 masters, whole values and no differences, stand among the adapter's
/// parameters. Passes add what a weight's master differs by to the base model's product.
final class WholeLinears {
    private final Map<FusedLinear, List<Trained>> weights = new HashMap<>();
    private final Map<FusedLinear, List<Trained>> biases = new HashMap<>();
    private final List<Change> changes = new ArrayList<>();

    /// @param part number inside the layer
    private record Trained(int part, ParameterSpace.Parameter parameter) {}

    /// A weight's difference, `W' − W`, as passes read it.
    private record Change(
            FusedLinear layer, int part, ParameterSpace.Parameter master, Tensor matrix) {
        void refresh(FlatParameters flat) {
            try (var _ = TensorScope.open("whole")) {
                Tensor base = layer.weight(part).to(DType.FLOAT32);
                matrix.copyInPlace(flat.value(master).sub(base));
            }
        }
    }

    /// Adds the parameters that are asked for.
    ///
    /// @param config of which [AdapterFit] knows that its modules can be trained whole
    /// @param adapted whether the module of a path has an adapter
    WholeLinears(
            Decoder decoder,
            AdapterConfig config,
            Predicate<String> adapted,
            FlatParameters.Plan plan) {
        for (FusedLinear layer : decoder.linears()) {
            List<Trained> ownWeights = new ArrayList<>();
            List<Trained> ownBiases = new ArrayList<>();
            for (int i = 0; i < layer.parts().size(); i++) {
                FusedLinear.Part part = layer.parts().get(i);
                boolean whole = config.savesAround(part.path(), false);
                boolean has = adapted.test(part.path());
                if (whole) {
                    String name = config.nameOfSaved(part.path() + ".weight");
                    boolean decays = isRead(decoder, part.path());
                    ownWeights.add(new Trained(i, plan.add(name, decays, part.out(), layer.in())));
                }
                if (part.hasBias() && (whole || isMeant(config.biases(), has))) {
                    String name =
                            whole
                                    ? config.nameOfSaved(part.path() + ".bias")
                                    : name(part.path(), has);
                    ownBiases.add(new Trained(i, plan.add(name, false, part.out())));
                }
            }
            weights.put(layer, ownWeights);
            biases.put(layer, ownBiases);
        }
    }

    /// Whether passes read a weight. Others learn nothing, so they mustn't decay either.
    static boolean isRead(Decoder decoder, String name) {
        return decoder.config().vision().filter(v -> v.isUnread(name)).isEmpty();
    }

    /// Whether PEFT's `bias` means a module's.
    ///
    /// @param adapted whether the module has an adapter
    static boolean isMeant(LoraOptions.Biases which, boolean adapted) {
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
        return Stream.concat(weights.values().stream(), biases.values().stream())
                .allMatch(List::isEmpty);
    }

    /// What passes compute with, made in the current scope; the masters get the base model's
    /// values.
    ///
    /// @param copies that are made anew when parameters change
    List<LayerUpdate> updates(
            FusedLinear layer, FlatParameters flat, boolean learns, ScaledCopies copies) {
        List<LayerUpdate> updates = new ArrayList<>();
        for (Trained t : weights.getOrDefault(layer, List.of())) {
            Tensor base = layer.weight(t.part());
            Tensor matrix = Tensor.zeros(base.device(), base.dtype(), base.shape());
            flat.value(t.parameter()).copyInPlace(base);
            changes.add(new Change(layer, t.part(), t.parameter(), matrix));
            updates.add(new Delta(t.part(), matrix, learner(t, flat, learns)));
        }
        for (Trained t : biases.getOrDefault(layer, List.of())) {
            Tensor value = layer.bias(t.part()).copy();
            try (var _ = TensorScope.open("bias")) {
                flat.value(t.parameter()).copyInPlace(value.to(DType.FLOAT32));
                copyOf(flat.value(t.parameter()), 1, value, copies);
            }
            updates.add(new LayerUpdate.Bias(t.part(), true, value, learner(t, flat, learns)));
        }
        return updates;
    }

    private static Consumer<Tensor> learner(Trained t, FlatParameters flat, boolean learns) {
        return learns ? g -> flat.gradient(t.parameter()).addInPlace(g) : null;
    }

    /// Brings what passes read of weights up to date.
    void refresh(FlatParameters flat) {
        changes.forEach(c -> c.refresh(flat));
    }

    /// Adds the copy of a vector.
    static void copyOf(Tensor vector, double factor, Tensor to, ScaledCopies copies) {
        copies.add(vector.reshape(1, vector.size(0)), factor, to.reshape(1, to.size(0)));
    }

    /// The weight of a module that is trained whole, float32.
    Optional<Tensor> weight(FusedLinear layer, int part, FlatParameters flat) {
        return value(weights, layer, part, flat);
    }

    /// The bias of a module that is trained, float32.
    Optional<Tensor> bias(FusedLinear layer, int part, FlatParameters flat) {
        return value(biases, layer, part, flat);
    }

    private static Optional<Tensor> value(
            Map<FusedLinear, List<Trained>> of, FusedLinear layer, int part, FlatParameters flat) {
        return of.getOrDefault(layer, List.of()).stream()
                .filter(t -> t.part() == part)
                .map(t -> flat.value(t.parameter()))
                .findFirst();
    }

    /// Whether a parameter is a bias of a module whose weight isn't trained whole.
    boolean isBias(ParameterSpace.Parameter parameter) {
        return biases.entrySet().stream()
                .anyMatch(
                        e ->
                                e.getValue().stream()
                                        .anyMatch(
                                                t ->
                                                        t.parameter().equals(parameter)
                                                                && !isWhole(e.getKey(), t)));
    }

    private boolean isWhole(FusedLinear layer, Trained bias) {
        return weights.get(layer).stream().anyMatch(t -> t.part() == bias.part());
    }
}
