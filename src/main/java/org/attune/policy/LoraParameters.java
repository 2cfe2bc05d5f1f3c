package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LowRank;
import org.attune.model.layer.OutputLayer;
import org.attune.model.layer.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.ScaledCopies;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What is trained with one LoRA adapter, its matrices and the modules trained whole: float32
/// masters in a flat parameter space, and compute copies bound to a decoder's layers, refreshed
/// when the masters change.
final class LoraParameters implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LoraParameters.class);

    private final TensorScope scope = TensorScope.detached("lora");
    private final Decoder decoder;
    private final LoraConfig config;
    private final FlatParameters flat;
    private final WholeModules whole;
    private final List<Pair> pairs = new ArrayList<>();
    private final ScaledCopies computed = new ScaledCopies(scope);
    private final Map<FusedLinear, List<LowRank>> updates = new LinkedHashMap<>();
    private Optional<LowRank> headUpdate = Optional.empty();

    /// @param a float32 master `(r, in)`
    /// @param b float32 master `(out, r)`
    private record Pair(
            LoraTarget target,
            ParameterSpace.Parameter a,
            ParameterSpace.Parameter b,
            LowRank update) {}

    /// A projection with an adapter.
    private record Slot(
            int part, LoraTarget target, ParameterSpace.Parameter a, ParameterSpace.Parameter b) {}

    private LoraParameters(Decoder decoder, LoraConfig config, Adapter role) {
        this.decoder = decoder;
        this.config = config;
        var paths = new ArrayList<String>();
        decoder.linears().forEach(l -> l.parts().forEach(p -> paths.add(p.path())));
        if (!decoder.config().scores()) {
            paths.add(OutputLayer.PATH); // a score head is trained whole, if at all
        }
        Map<String, LoraTarget> targets = new LinkedHashMap<>();
        config.matchAll(paths).forEach(t -> targets.put(t.path(), t));
        var plan = new FlatParameters.Plan();
        Map<FusedLinear, List<Slot>> slots = new LinkedHashMap<>();
        decoder.linears().forEach(l -> slots.put(l, slots(l, targets, plan)));
        long[] head = decoder.output().weight().base().shape(); // (V, D)
        Optional<Slot> headSlot =
                Optional.ofNullable(targets.get(OutputLayer.PATH))
                        .map(t -> slot(0, t, head[0], head[1], plan));
        whole = new WholeModules(decoder, config, plan);
        flat =
                new FlatParameters(
                        scope, decoder.device(), plan.parameters(), role.equals(Adapter.TRAINED));
        try (var _ = scope.enter()) {
            slots.forEach((linear, s) -> Engine.leavingCores(() -> attach(linear, s, role)));
            attachHead(headSlot, role);
            whole.attach(flat, role);
        }
        flat.onChange(_ -> refresh());
    }

    private static List<Slot> slots(
            FusedLinear linear, Map<String, LoraTarget> targets, FlatParameters.Plan plan) {
        var slots = new ArrayList<Slot>();
        for (int i = 0; i < linear.parts().size(); i++) {
            FusedLinear.Part part = linear.parts().get(i);
            LoraTarget t = targets.get(part.path());
            if (t != null) {
                slots.add(slot(i, t, part.out(), linear.in(), plan));
            }
        }
        return slots;
    }

    private static Slot slot(
            int part, LoraTarget target, long out, long in, FlatParameters.Plan plan) {
        return new Slot(
                part,
                target,
                plan.add(target.nameOfA(), true, target.rank(), in),
                plan.add(target.nameOfB(), true, out, target.rank()));
    }

    private void attach(FusedLinear linear, List<Slot> slots, Adapter role) {
        List<LowRank> own = slots.stream().map(s -> computed(s, role)).toList();
        updates.put(linear, own);
        if (role.equals(Adapter.TRAINED)) {
            linear.attachTrained(own);
        } else {
            linear.attachFrozen(role, own);
        }
    }

    private void attachHead(Optional<Slot> slot, Adapter role) {
        headUpdate = slot.map(s -> computed(s, role));
        if (role.equals(Adapter.TRAINED)) {
            decoder.output().attachTrained(headUpdate);
        } else {
            decoder.output().attachFrozen(role, headUpdate);
        }
    }

    /// Takes the place of another adapter that is trained on the same weights.
    void attachAgain() {
        updates.forEach(FusedLinear::attachTrained);
        updates.keySet().forEach(FusedLinear::refreshTrained);
        decoder.output().attachTrained(headUpdate);
        whole.attachAgain();
    }

    private LowRank computed(Slot s, Adapter role) {
        boolean learns = role.equals(Adapter.TRAINED);
        Device device = decoder.device();
        DType dtype = decoder.dtype();
        var update =
                new LowRank(
                        s.part(),
                        s.target().rank(),
                        s.target().scaling(),
                        Tensor.empty(device, dtype, s.a().shape()),
                        Tensor.empty(device, dtype, s.b().shape()),
                        learns ? flat.gradient(s.a()) : null,
                        learns ? flat.gradient(s.b()) : null);
        pairs.add(new Pair(s.target(), s.a(), s.b(), update));
        try (var _ = TensorScope.open("masters")) {
            computed.add(flat.value(s.a()), update.scaling(), update.scaledA());
            computed.add(flat.value(s.b()), 1, update.b());
        }
        return update;
    }

    /// A fresh adapter.
    ///
    /// @param random source of the initial values
    static LoraParameters fresh(Decoder decoder, LoraConfig config, UniformRandomProvider random) {
        AdapterFit.require(decoder.config(), config);
        var lora = new LoraParameters(decoder, config, Adapter.TRAINED);
        lora.initialise(random);
        lora.refresh();
        if (new MergedWeights(decoder, Optional.of(lora)).unties()) {
            LOG.info(
                    "Embedding and output layer of the model are one tensor; with this adapter they"
                            + " part, and merging writes both");
        }
        return lora;
    }

    /// An adapter from a PEFT folder.
    ///
    /// @param role what it is attached as
    static LoraParameters load(Decoder decoder, AdapterFolder folder, Adapter role) {
        AdapterFit.require(decoder.config(), folder);
        var lora = new LoraParameters(decoder, folder.config(), role);
        try {
            new LoraFile(decoder, lora).read(folder);
        } catch (RuntimeException | Error e) {
            lora.close();
            throw e;
        }
        lora.refresh();
        return lora;
    }

    /// A copy of this adapter's present values.
    ///
    /// @param role what it is attached as, a frozen one
    LoraParameters snapshot(Adapter role) {
        var copy = new LoraParameters(decoder, config, role);
        copy.flat.values().copyInPlace(flat.values());
        copy.refresh();
        return copy;
    }

    private void initialise(UniformRandomProvider random) {
        var normal = ZigguratSampler.NormalizedGaussian.of(random);
        for (Pair pair : pairs) {
            int r = pair.target().rank();
            int in = (int) pair.a().shape()[1];
            double bound = 1 / Math.sqrt(in);
            float[] a = new float[(int) pair.a().count()];
            for (int i = 0; i < a.length; i++) {
                a[i] =
                        (float)
                                (config.initialisation() == LoraInitialisation.GAUSSIAN
                                        ? normal.sample() / r
                                        : bound * (2 * random.nextDouble() - 1));
            }
            write(pair.a(), a);
            if (config.initialisation() == LoraInitialisation.RANDOM_BOTH) {
                float[] b = new float[(int) pair.b().count()];
                for (int i = 0; i < b.length; i++) {
                    b[i] = (float) (2 * random.nextDouble() - 1) / (float) Math.sqrt(r);
                }
                write(pair.b(), b);
            }
        }
    }

    private void write(ParameterSpace.Parameter p, float[] values) {
        try (var _ = TensorScope.open("lora")) {
            flat.value(p).copyInPlace(Tensor.of(decoder.device(), values, p.shape()));
        }
    }

    /// Brings the compute copies up to date.
    private void refresh() {
        try (var _ = TensorScope.open("lora")) {
            computed.run();
            whole.refresh(flat);
        }
        decoder.linears().forEach(FusedLinear::refreshTrained);
    }

    FlatParameters parameters() {
        return flat;
    }

    LoraConfig config() {
        return config;
    }

    List<LoraTarget> targets() {
        return pairs.stream().map(Pair::target).toList();
    }

    /// Whether the model is as without the adapter: as long as a fresh one hasn't learnt.
    boolean changesNothing() {
        return whole.isEmpty() && pairs.stream().allMatch(pair -> isZero(pair.b()));
    }

    private boolean isZero(ParameterSpace.Parameter p) {
        try (var _ = TensorScope.open("lora")) {
            for (float value : flat.value(p).toFloats()) {
                if (value != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    /// Whether a module has a LoRA update.
    boolean adapts(String path) {
        return pairs.stream().anyMatch(p -> p.target().path().equals(path));
    }

    /// `s B A` of one module, float32 `(out, in)`, in the current scope.
    Tensor update(String path) {
        for (Pair pair : pairs) {
            if (pair.target().path().equals(path)) {
                Tensor a = flat.value(pair.a());
                return flat.value(pair.b()).mm(a).mul(pair.target().scaling());
            }
        }
        throw new IllegalArgumentException(path + " has no adapter");
    }

    /// The parameter that is trained in a weight's place, if it is trained whole.
    Optional<ParameterSpace.Parameter> trainedWhole(Weight weight) {
        return whole.parameterOf(weight);
    }

    /// Names of a parameter in PEFT's files.
    List<String> namesOf(ParameterSpace.Parameter parameter) {
        List<String> names = whole.namesOf(parameter);
        return names.isEmpty() ? List.of(parameter.name()) : names;
    }

    /// Writes the adapter as PEFT does.
    ///
    /// @param baseModel `base_model_name_or_path`
    void save(Path folder, String baseModel) {
        new LoraFile(decoder, this).write(folder, baseModel);
    }

    /// Writes it with a value head on its trunk, as an adapter of a model that scores.
    void saveScorer(Path folder, String baseModel, ValueHead head) {
        new LoraFile(decoder, this).writeScorer(folder, baseModel, head);
    }

    @Override
    public void close() {
        scope.close();
    }
}
