package org.attune.policy;

import org.attune.adapter.AdapterTarget;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.tensor.Tensor;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// A module that gets an adapter.
///
/// @param target the module
/// @param place of its values
record AdapterSlot(AdapterTarget target, AdaptedModule.Place place) {
    /// Adds a module's values to a plan.
    ///
    /// @param part number of the module inside its layer
    /// @param shape of the module's weight, `(out, in)`
    /// @param weight of the base model
    static AdapterSlot of(
            int part,
            AdapterTarget target,
            long[] shape,
            Supplier<Tensor> weight,
            FlatParameters.Plan plan) {
        return of(part, target, shape, weight, Optional::empty, plan);
    }

    /// Adds a part of linear layers to a plan.
    static AdapterSlot of(
            int part,
            AdapterTarget target,
            Decoder decoder,
            FusedLinear linear,
            FlatParameters.Plan plan) {
        return of(
                part,
                target,
                new long[] {linear.parts().get(part).out(), linear.in()},
                () -> decoder.weight(linear, part),
                () -> linear.original(part),
                plan);
    }

    private static AdapterSlot of(
            int part,
            AdapterTarget target,
            long[] shape,
            Supplier<Tensor> weight,
            Supplier<Optional<Tensor>> original,
            FlatParameters.Plan plan) {
        List<ParameterSpace.Parameter> parameters =
                target.tensors(shape[0], shape[1]).stream()
                        .map(t -> plan.add(t.name(), true, t.shape()))
                        .toList();
        var place = new AdaptedModule.Place(part, shape, weight, original, parameters);
        return new AdapterSlot(target, place);
    }

    /// Shapes of the modules' weights.
    static Map<AdapterTarget, long[]> shapes(Collection<List<AdapterSlot>> slots) {
        return slots.stream()
                .flatMap(List::stream)
                .collect(Collectors.toMap(AdapterSlot::target, s -> s.place().shape()));
    }

    RankBudget.Triplet triplet() {
        return RankBudget.Triplet.of(target.path(), place.parameters());
    }
}
