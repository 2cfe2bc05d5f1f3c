package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.error.ConfigException;
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
    private final Optional<StartingUpdates> start;
    private final Optional<LowRank> constant; // takes away what the module began as
    private LostBits lost = LostBits.NONE;

    /// @param start where the base is without what modules begin as
    /// @param learns whether there are gradients
    /// @param dtype of the compute copies
    /// @param copies that are made anew when parameters change; gets those of the matrices
    LoraModule(
            LoraTarget target,
            Place place,
            FlatParameters flat,
            Optional<StartingUpdates> start,
            boolean learns,
            DType dtype,
            ScaledCopies copies) {
        this.target = target;
        this.place = place;
        this.flat = flat;
        this.start = start;
        update = lowRank(learns, dtype);
        constant = start.map(_ -> lowRank(false, dtype));
        magnitude = target.decomposed() ? Optional.of(magnitude(learns)) : Optional.empty();
        bias =
                target.form() == LoraTarget.Form.BIASED
                        ? Optional.of(bias(learns, dtype))
                        : Optional.empty();
        try (var _ = TensorScope.open("masters")) {
            copies.add(flat.value(a()), update.scaling(), update.scaledA());
            copies.add(flat.value(b()), 1, update.b());
            constant.ifPresent(c -> addConstant(c, copies));
            bias.ifPresent(
                    c ->
                            WholeLinears.copyOf(
                                    flat.value(ofBias()), update.scaling(), c.value(), copies));
        }
    }

    private LowRank lowRank(boolean learns, DType dtype) {
        Device device = flat.values().device();
        return new LowRank(
                place.part(),
                target.rank(),
                target.scaling(),
                Tensor.empty(device, dtype, a().shape()),
                Tensor.empty(device, dtype, b().shape()),
                learns ? flat.gradient(a()) : null,
                learns ? flat.gradient(b()) : null);
    }

    private void addConstant(LowRank update, ScaledCopies copies) {
        StartingUpdates began = start.orElseThrow();
        began.add(a(), b());
        copies.add(began.of(a()), update.scaling(), update.scaledA());
        copies.add(began.of(b()), -1, update.b());
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
        constant.ifPresent(updates::add);
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
        switch (initialisation) {
            case KAIMING -> flat.write(a(), kaiming(a(), random));
            case GAUSSIAN -> flat.write(a(), normal(a().count(), 1.0 / target.rank(), random));
            case RANDOM_BOTH -> {
                flat.write(a(), kaiming(a(), random));
                float[] b = new float[(int) b().count()];
                for (int i = 0; i < b.length; i++) {
                    b[i] = (float) (2 * random.nextDouble() - 1) / (float) Math.sqrt(target.rank());
                }
                flat.write(b(), b);
            }
            case ORTHOGONAL -> orthogonal(random);
            case EVA, LORA_GA ->
                    throw ConfigException.about(
                            "peft_kwargs",
                            "init_lora_weights \"eva\" and \"lora_ga\" read rows of the run, which"
                                    + " this adapter has none of; accepted for the policy that is"
                                    + " trained");
            case LOFTQ -> {
                try (var _ = TensorScope.open("start")) {
                    place.original()
                            .get()
                            .ifPresentOrElse(
                                    w -> mend(w, random),
                                    () -> flat.write(a(), kaiming(a(), random)));
                }
            }
            case PISSA, OLORA -> {
                try (var _ = TensorScope.open("start")) {
                    start.orElseThrow().begin(target, weight(), a(), b(), random);
                }
            }
        }
        magnitude.ifPresent(
                m -> {
                    try (var _ = TensorScope.open("norm")) {
                        m.magnitude().copyInPlace(Magnitude.norms(updated(weight())));
                    }
                });
    }

    /// `s B A` is the best approximation of what few bits leave out of the weight, `W − Q(W)`: the
    /// first step of LoftQ ([Li et al. 2023, Algorithm 1](https://arxiv.org/abs/2310.08659)).
    ///
    /// @param original `W`
    private void mend(Tensor original, UniformRandomProvider random) {
        StartingUpdates.requireDirections(target, original, LoraInitialisation.LOFTQ);
        Tensor whole = original.to(DType.FLOAT32);
        Tensor missing = whole.sub(weight());
        var start = StartingUpdates.principal(missing, target.rank(), target.scaling(), 0, random);
        flat.value(a()).copyInPlace(start.a());
        flat.value(b()).copyInPlace(start.b());
        Tensor left = missing.sub(start.b().mm(start.a()).mul(target.scaling()));
        lost = new LostBits(squares(whole), squares(missing), squares(left));
    }

    private static double squares(Tensor matrix) {
        return matrix.square().sum().item();
    }

    /// What few bits left out of the weight when the module was [initialised][#initialise] to bring
    /// it back.
    LostBits lost() {
        return lost;
    }

    /// `A = Q₁ᵀ X / 10` and `B = Y Q₂ / 10`, where the rows of `Q₁` and `Q₂` are orthogonal to each
    /// other and `X`, `Y` normal, so that `B A = 0`.
    private void orthogonal(UniformRandomProvider random) {
        int r = target.rank();
        try (var _ = TensorScope.open("start")) {
            float[] q = random(r, r, random).qr()[0].contiguous().toFloats();
            float[] half = new float[r * r / 2]; // odd rows, counted from 1
            float[] other = new float[r * r / 2];
            for (int row = 0; row < r; row++) {
                System.arraycopy(q, row * r, row % 2 == 0 ? half : other, row / 2 * r, r);
            }
            Tensor x = random(a().shape()[1], r / 2, random); // (in, r/2)
            Tensor y = random(b().shape()[0], r / 2, random); // (out, r/2)
            Tensor q1 = Tensor.of(Device.cpu(), half, r / 2, r);
            Tensor q2 = Tensor.of(Device.cpu(), other, r / 2, r);
            flat.value(a()).copyInPlace(x.mm(q1).t().mul(0.1));
            flat.value(b()).copyInPlace(y.mm(q2).mul(0.1));
        }
    }

    private static Tensor random(long rows, long columns, UniformRandomProvider random) {
        return Tensor.of(Device.cpu(), normal(rows * columns, 1, random), rows, columns);
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
    static float[] normal(long count, double deviation, UniformRandomProvider random) {
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        float[] values = new float[(int) count];
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
        return isAsBegun()
                && (bias.isEmpty() || AdaptedModule.isAll(0, flat.value(ofBias())))
                && magnitude.filter(m -> !AdaptedModule.isAll(1, m.factor())).isEmpty();
    }

    private boolean isAsBegun() {
        return start.isEmpty()
                ? AdaptedModule.isAll(0, flat.value(b()))
                : isAsBegun(start.get(), a()) && isAsBegun(start.get(), b());
    }

    private boolean isAsBegun(StartingUpdates began, ParameterSpace.Parameter matrix) {
        return AdaptedModule.isAll(0, flat.value(matrix).sub(began.of(matrix)));
    }

    /// `W + s B A`, less what the module began as.
    private Tensor updated(Tensor weight) {
        Tensor updated = weight.add(flat.value(b()).mm(flat.value(a())).mul(target.scaling()));
        start.ifPresent(s -> updated.subInPlace(s.of(b()).mm(s.of(a())).mul(target.scaling())));
        return updated;
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
