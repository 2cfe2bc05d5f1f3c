package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.Ia3Target;
import org.attune.adapter.LoraInitialisation;
import org.attune.model.layer.InputScale;
import org.attune.model.layer.LayerUpdate;
import org.attune.model.layer.OutputScale;
import org.attune.model.layer.Scale;
import org.attune.tensor.Tensor;

import java.util.List;

/// A module whose input or output is scaled (IA³). Passes compute with the parameters themselves.
final class Ia3Module implements AdaptedModule {
    private final Ia3Target target;
    private final ParameterSpace.Parameter parameter;
    private final FlatParameters flat;
    private final Scale scale;

    /// @param learns whether there are gradients
    Ia3Module(Ia3Target target, Place place, FlatParameters flat, boolean learns) {
        this.target = target;
        this.flat = flat;
        parameter = place.parameters().getFirst();
        Tensor factor = flat.value(parameter).reshape(parameter.count());
        Tensor gradient = learns ? flat.gradient(parameter).reshape(parameter.count()) : null;
        scale =
                target.feedforward()
                        ? new InputScale(place.part(), factor, gradient)
                        : new OutputScale(place.part(), factor, gradient);
    }

    @Override
    public Ia3Target target() {
        return target;
    }

    @Override
    public List<LayerUpdate> updates() {
        return List.of(scale);
    }

    @Override
    public void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        scale.factor().fillInPlace(1);
    }

    @Override
    public boolean readsWeight() {
        return false;
    }

    @Override
    public void refresh() {
        // nothing is made of the parameters
    }

    @Override
    public boolean changesNothing() {
        return AdaptedModule.isAll(1, flat.value(parameter));
    }

    @Override
    public Tensor merged(Tensor weight) {
        return weight.mul(flat.value(parameter)); // (out, 1) or (1, in)
    }

    @Override
    public Tensor mergedBias(Tensor bias) {
        return target.feedforward() ? bias : bias.mul(scale.factor());
    }
}
