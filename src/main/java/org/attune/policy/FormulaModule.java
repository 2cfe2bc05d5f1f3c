package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.adapter.FormulaTarget;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.formula.WeightFormula;
import org.attune.model.layer.Delta;
import org.attune.model.layer.LayerUpdate;
import org.attune.tensor.Autograd;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;

/// A module whose weight is updated by a formula. Its matrix is computed when parameters change;
/// a backward pass computes it once more, recorded by autograd, and follows it back to them.
final class FormulaModule implements AdaptedModule {
    private final FormulaTarget target;
    private final Place place;
    private final FlatParameters flat;
    private final WeightFormula.Base base;
    private final Delta delta;

    /// @param shared frozen tensors that the formula reads
    /// @param learns whether there are gradients
    /// @param dtype of the compute copy
    FormulaModule(
            FormulaTarget target,
            Place place,
            FlatParameters flat,
            List<Tensor> shared,
            boolean learns,
            DType dtype) {
        this.target = target;
        this.place = place;
        this.flat = flat;
        base =
                new WeightFormula.Base(
                        place.shape()[0],
                        place.shape()[1],
                        () -> place.weight().get().to(DType.FLOAT32),
                        shared);
        delta =
                new Delta(
                        place.part(),
                        Tensor.empty(flat.values().device(), dtype, place.shape()),
                        learns ? this::learn : null);
    }

    @Override
    public FormulaTarget target() {
        return target;
    }

    @Override
    public List<LayerUpdate> updates() {
        return List.of(delta);
    }

    @Override
    public void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        List<WeightFormula.Part> parts = target.formula().parts(base.out(), base.in());
        for (int i = 0; i < parts.size(); i++) {
            WeightFormula.Start start =
                    initialisation == LoraInitialisation.RANDOM_BOTH
                            ? parts.get(i).random()
                            : parts.get(i).start();
            ParameterSpace.Parameter parameter = place.parameters().get(i);
            flat.write(parameter, start.values(parameter.shape(), random));
        }
    }

    @Override
    public boolean readsWeight() {
        return target.formula().readsWeight();
    }

    @Override
    public void refresh() {
        try (var _ = TensorScope.open("formula")) {
            delta.matrix().copyInPlace(target.formula().delta(base, values()));
        }
    }

    private List<Tensor> values() {
        return place.parameters().stream().map(flat::value).toList();
    }

    /// @param gradient of the formula's result, float32 `(out, in)`
    private void learn(Tensor gradient) {
        List<Tensor> leaves = new ArrayList<>();
        values().forEach(v -> leaves.add(v.detach().requireGradient(true)));
        try (var _ = Autograd.enabled()) {
            target.formula().delta(base, leaves).backward(gradient);
        }
        for (int i = 0; i < leaves.size(); i++) {
            flat.gradient(place.parameters().get(i)).addInPlace(leaves.get(i).gradient());
        }
    }

    @Override
    public boolean changesNothing() {
        return AdaptedModule.isAll(0, delta.matrix().to(DType.FLOAT32));
    }

    @Override
    public Tensor merged(Tensor weight) {
        var read = new WeightFormula.Base(base.out(), base.in(), () -> weight, base.shared());
        return weight.add(target.formula().delta(read, values()));
    }

    @Override
    public Tensor mergedBias(Tensor bias) {
        return bias;
    }
}
