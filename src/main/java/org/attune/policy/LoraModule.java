package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.model.layer.LayerUpdate;
import org.attune.model.layer.LowRank;
import org.attune.model.layer.Magnitude;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A module with LoRA, or DoRA where the target is decomposed. What it makes is the current
/// scope's.
final class LoraModule implements AdaptedModule {
    private final LoraTarget target;
    private final Place place;
    private final FlatParameters flat;
    private final LowRank update;
    private final Optional<Magnitude> magnitude;
    private final Optional<LayerUpdate.Bias> bias;

    /// @param learns whether there are gradients
    /// @param dtype of the compute copies
    /// @param copies that are made anew when parameters change; gets those of the matrices
    LoraModule(
            LoraTarget target,
            Place place,
            FlatParameters flat,
            boolean learns,
            DType dtype,
            ScaledCopies copies) {
        this.target = target;
        this.place = place;
        this.flat = flat;
        Device device = flat.values().device();
        update =
                new LowRank(
                        place.part(),
                        target.rank(),
                        target.scaling(),
                        Tensor.empty(device, dtype, a().shape()),
                        Tensor.empty(device, dtype, b().shape()),
                        learns ? flat.gradient(a()) : null,
                        learns ? flat.gradient(b()) : null);
        magnitude = target.decomposed() ? Optional.of(magnitude(learns)) : Optional.empty();
        bias =
                target.form() == LoraTarget.Form.BIASED
                        ? Optional.of(bias(learns, dtype))
                        : Optional.empty();
        try (var _ = TensorScope.open("masters")) {
            copies.add(flat.value(a()), update.scaling(), update.scaledA());
            copies.add(flat.value(b()), 1, update.b());
            bias.ifPresent(
                    c ->
                            BaseBiases.copyOf(
                                    flat.value(ofBias()), update.scaling(), c.value(), copies));
        }
    }

    private Magnitude magnitude(boolean learns) {
        Device device = flat.values().device();
        long rows = m().count();
        return new Magnitude(
                place.part(),
                flat.value(m()),
                Tensor.empty(device, DType.FLOAT32, rows),
                Tensor.empty(device, DType.FLOAT32, rows),
                learns ? flat.gradient(m()) : null);
    }

    private LayerUpdate.Bias bias(boolean learns, DType dtype) {
        Device device = flat.values().device();
        return new LayerUpdate.Bias(
                place.part(),
                false,
                Tensor.empty(device, dtype, ofBias().count()),
                learns ? g -> flat.gradient(ofBias()).addInPlace(g.mul(target.scaling())) : null);
    }

    private ParameterSpace.Parameter ofBias() {
        return place.parameters().get(2);
    }

    private ParameterSpace.Parameter a() {
        return place.parameters().get(0);
    }

    private ParameterSpace.Parameter b() {
        return place.parameters().get(1);
    }

    private ParameterSpace.Parameter m() {
        return place.parameters().get(2);
    }

    @Override
    public LoraTarget target() {
        return target;
    }

    @Override
    public List<LayerUpdate> updates() {
        List<LayerUpdate> updates = new ArrayList<>(List.of(update));
        magnitude.ifPresent(updates::add);
        bias.ifPresent(updates::add);
        return updates;
    }

    /// The update alone.
    LowRank lowRank() {
        return update;
    }

    @Override
    public void initialise(LoraInitialisation initialisation, UniformRandomProvider random) {
        int r = target.rank();
        flat.write(
                a(),
                initialisation == LoraInitialisation.GAUSSIAN
                        ? normal(a(), 1.0 / r, random)
                        : kaiming(a(), random));
        if (initialisation == LoraInitialisation.RANDOM_BOTH) {
            float[] b = new float[(int) b().count()];
            for (int i = 0; i < b.length; i++) {
                b[i] = (float) (2 * random.nextDouble() - 1) / (float) Math.sqrt(r);
            }
            flat.write(b(), b);
        }
        magnitude.ifPresent(
                m -> {
                    try (var _ = TensorScope.open("norm")) {
                        m.magnitude().copyInPlace(Magnitude.norms(updated(weight())));
                    }
                });
    }

    private static float[] kaiming(ParameterSpace.Parameter a, UniformRandomProvider random) {
        double bound = 1 / Math.sqrt(a.shape()[1]);
        float[] values = new float[(int) a.count()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (bound * (2 * random.nextDouble() - 1));
        }
        return values;
    }

    /// @param deviation standard one
    static float[] normal(
            ParameterSpace.Parameter of, double deviation, UniformRandomProvider random) {
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        float[] values = new float[(int) of.count()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (normal.sample() * deviation);
        }
        return values;
    }

    private Tensor weight() {
        return place.weight().get().to(DType.FLOAT32);
    }

    @Override
    public boolean readsWeight() {
        return magnitude.isPresent();
    }

    @Override
    public void refresh() {
        magnitude.ifPresent(
                m -> {
                    try (var _ = TensorScope.open("norm")) {
                        m.refresh(updated(weight()));
                    }
                });
    }

    @Override
    public boolean changesNothing() {
        return AdaptedModule.isAll(0, flat.value(b()))
                && (bias.isEmpty() || AdaptedModule.isAll(0, flat.value(ofBias())))
                && magnitude.filter(m -> !AdaptedModule.isAll(1, m.factor())).isEmpty();
    }

    /// `W + s B A`.
    private Tensor updated(Tensor weight) {
        return weight.add(flat.value(b()).mm(flat.value(a())).mul(target.scaling()));
    }

    /// Some rows of the module's weight with the adapter merged in, in the current scope.
    ///
    /// @param rows float32 `(n, in)`
    /// @param first of them
    Tensor mergedRows(Tensor rows, long first) {
        Tensor own = flat.value(b()).narrow(0, first, rows.size(0)); // (n, r)
        return rows.add(own.mm(flat.value(a())).mul(target.scaling()));
    }

    @Override
    public Tensor merged(Tensor weight) {
        Tensor updated = updated(weight);
        return magnitude.map(m -> updated.mulInPlace(m.factor().unsqueeze(1))).orElse(updated);
    }

    @Override
    public Tensor mergedBias(Tensor own) {
        return bias.map(_ -> own.add(flat.value(ofBias()).mul(target.scaling()))).orElse(own);
    }

    @Override
    public boolean needsBias() {
        return bias.isPresent();
    }
}
