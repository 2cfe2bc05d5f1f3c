package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraInitialisation;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LayerUpdate;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// A linear module with an adapter: its trained values among the adapter's parameters, and what
/// passes compute with.
sealed interface AdaptedModule permits LoraModule, Ia3Module, FormulaModule {
    /// The place of a module and of its trained values.
    ///
    /// @param part number of the module inside its layer
    /// @param shape of the module's weight, `(out, in)`
    /// @param weight of the base model, a view `(out, in)` in the current scope
    /// @param original the weight before it was brought to few bits, if it was
    /// @param parameters as the target [lists][AdapterTarget#tensors] them
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Place(
            int part,
            long[] shape,
            Supplier<Tensor> weight,
            Supplier<Optional<Tensor>> original,
            List<ParameterSpace.Parameter> parameters) {}

    AdapterTarget target();

    /// The updates that the layer applies.
    List<LayerUpdate> updates();

    /// Writes the values that a fresh adapter begins with.
    ///
    /// @param initialisation of matrices
    void initialise(LoraInitialisation initialisation, UniformRandomProvider random);

    /// Whether [#refresh] reads the base model's weight.
    boolean readsWeight();

    /// Brings up to date what isn't merely copied from parameters, in the current scope.
    void refresh();

    /// Whether the module is as without the adapter.
    boolean changesNothing();

    /// The module's weight with the adapter merged in, in the current scope.
    ///
    /// @param weight float32 `(out, in)`
    Tensor merged(Tensor weight);

    /// The module's bias with the adapter merged in, in the current scope.
    ///
    /// @param bias float32 `(out)`
    Tensor mergedBias(Tensor bias);

    /// Whether the module needs a bias for the adapter to be merged in.
    default boolean needsBias() {
        return false;
    }

    /// Brings modules up to date, block by block if some read the base model's weights.
    ///
    /// @param decoder that they are of
    static void refresh(List<AdaptedModule> modules, Decoder decoder) {
        if (modules.stream().noneMatch(AdaptedModule::readsWeight)) {
            EnginePieces.each(modules, AdaptedModule::refreshAlone);
            return;
        }
        Set<AdaptedModule> left = new LinkedHashSet<>(modules);
        for (int block = 0; block < decoder.blocks().size(); block++) {
            int number = block;
            Set<String> paths =
                    decoder.blocks().get(block).linears().stream()
                            .flatMap(linear -> linear.parts().stream())
                            .map(FusedLinear.Part::path)
                            .collect(Collectors.toSet());
            List<AdaptedModule> own =
                    modules.stream().filter(m -> paths.contains(m.target().path())).toList();
            own.forEach(left::remove);
            if (decoder.presence().varies()) {
                Engine.run(
                        () -> {
                            try (var _ = decoder.presence().hold(number)) {
                                own.forEach(AdaptedModule::refreshAlone);
                            }
                        });
            } else {
                EnginePieces.each(own, AdaptedModule::refreshAlone);
            }
        }
        EnginePieces.each(left, AdaptedModule::refreshAlone);
    }

    private void refreshAlone() {
        try (var _ = TensorScope.open("lora")) {
            refresh();
        }
    }

    /// Whether all numbers are one number.
    static boolean isAll(double number, Tensor tensor) {
        for (float value : tensor.toFloats()) {
            if (value != number) {
                return false;
            }
        }
        return true;
    }
}
