package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.distribution.ZigguratSampler;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.LoraTarget;
import org.attune.error.ModelException;
import org.attune.files.SafeTensorsWriter;
import org.attune.files.TensorFile;
import org.attune.model.Decoder;
import org.attune.model.FusedLinear;
import org.attune.model.LowRank;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The matrices of one LoRA adapter: float32 masters in a flat parameter space, and compute copies
/// bound to a decoder's linear layers, refreshed when the masters change.
final class LoraParameters implements AutoCloseable {
    private final TensorScope scope = TensorScope.detached("lora");
    private final Decoder decoder;
    private final LoraConfig config;
    private final FlatParameters flat;
    private final List<Pair> pairs = new ArrayList<>();

    /// @param a float32 master `(r, in)`
    /// @param b float32 master `(out, r)`
    private record Pair(
            LoraTarget target,
            ParameterSpace.Parameter a,
            ParameterSpace.Parameter b,
            LowRank computed) {}

    private LoraParameters(Decoder decoder, LoraConfig config, boolean frozen) {
        this.decoder = decoder;
        if (!config.modulesToSave().isEmpty()) {
            throw new ModelException(
                    """
                    modules_to_save %s: training whole modules beside LoRA isn't supported yet; \
                    leave it out, or train all weights (use_peft: false)\
                    """
                            .formatted(config.modulesToSave()));
        }
        var paths = new ArrayList<String>();
        decoder.linears().forEach(l -> l.parts().forEach(p -> paths.add(p.path())));
        paths.add("lm_head");
        this.config = config;
        Map<String, LoraTarget> targets = new LinkedHashMap<>();
        config.matchAll(paths).forEach(t -> targets.put(t.path(), t));
        if (targets.containsKey("lm_head")) {
            throw new ModelException(
                    "target_modules names lm_head: LoRA on the output layer isn't supported yet;"
                            + " exclude it (exclude_modules: [lm_head])");
        }
        flat = new FlatParameters(scope, decoder.device(), plan(targets));
        try (var _ = scope.enter()) {
            int next = 0;
            for (FusedLinear linear : decoder.linears()) {
                next = bind(linear, targets, next, frozen);
            }
        }
        flat.onChange(this::refresh);
    }

    private List<ParameterSpace.Parameter> plan(Map<String, LoraTarget> targets) {
        var plan = new FlatParameters.Plan();
        for (FusedLinear linear : decoder.linears()) {
            for (FusedLinear.Part part : linear.parts()) {
                LoraTarget t = targets.get(part.path());
                if (t != null) {
                    plan.add(t.nameOfA(), true, t.rank(), linear.in());
                    plan.add(t.nameOfB(), true, part.out(), t.rank());
                }
            }
        }
        return plan.parameters();
    }

    private int bind(
            FusedLinear linear, Map<String, LoraTarget> targets, int next, boolean frozen) {
        var updates = new ArrayList<LowRank>();
        int index = next;
        for (int i = 0; i < linear.parts().size(); i++) {
            LoraTarget t = targets.get(linear.parts().get(i).path());
            if (t == null) {
                continue;
            }
            var a = flat.parameters().get(index++);
            var b = flat.parameters().get(index++);
            Device device = decoder.device();
            DType dtype = decoder.dtype();
            var computed =
                    new LowRank(
                            i,
                            t.rank(),
                            t.scaling(),
                            Tensor.empty(device, dtype, a.shape()),
                            Tensor.empty(device, dtype, b.shape()),
                            frozen ? null : flat.gradient(a),
                            frozen ? null : flat.gradient(b));
            updates.add(computed);
            pairs.add(new Pair(t, a, b, computed));
        }
        if (frozen) {
            linear.attachFrozen(updates);
        } else {
            linear.attachTrained(updates);
        }
        return index;
    }

    /// A fresh adapter.
    ///
    /// @param random source of the initial values
    static LoraParameters fresh(Decoder decoder, LoraConfig config, UniformRandomProvider random) {
        var lora = new LoraParameters(decoder, config, false);
        lora.initialise(random);
        lora.refresh();
        return lora;
    }

    /// An adapter from a PEFT folder.
    ///
    /// @param frozen whether it serves as a reference only
    static LoraParameters load(Decoder decoder, AdapterFolder folder, boolean frozen) {
        var lora = new LoraParameters(decoder, folder.config(), frozen);
        lora.read(folder.tensors(), folder.path());
        lora.refresh();
        return lora;
    }

    /// A frozen copy of this adapter's present values, attached as the decoder's second adapter.
    LoraParameters snapshot() {
        var copy = new LoraParameters(decoder, config, true);
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

    private void read(TensorFile file, Path path) {
        for (var p : flat.parameters()) {
            TensorFile.Entry entry = file.entries().get(p.name());
            if (entry == null || entry.count() != p.count()) {
                throw new ModelException(
                        "%s: tensor \"%s\" is missing or doesn't fit the model"
                                .formatted(path, p.name()));
            }
            try (var _ = TensorScope.open("lora");
                    Arena arena = Arena.ofConfined()) {
                flat.value(p)
                        .copyInPlace(
                                Tensor.ofMemory(
                                        Device.cpu(),
                                        entry.dtype(),
                                        file.read(p.name(), arena),
                                        p.shape()));
            }
        }
        if (file.entries().size() > flat.parameters().size()) {
            var rest = new ArrayList<>(file.entries().keySet());
            flat.parameters().forEach(p -> rest.remove(p.name()));
            throw new ModelException(
                    "%s holds tensors for which the model has no place: %s".formatted(path, rest));
        }
    }

    /// Brings the compute copies up to date.
    private void refresh() {
        try (var _ = TensorScope.open("lora")) {
            for (Pair pair : pairs) {
                LowRank c = pair.computed();
                c.scaledA().copyInPlace(flat.value(pair.a()).mul(c.scaling()));
                c.b().copyInPlace(flat.value(pair.b()));
            }
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

    /// `s B A` of one target, float32 `(out, in)`, in the current scope.
    Tensor update(LoraTarget target) {
        for (Pair pair : pairs) {
            if (pair.target().equals(target)) {
                return flat.value(pair.b()).mm(flat.value(pair.a())).mul(target.scaling());
            }
        }
        throw new IllegalArgumentException(target.path() + " has no adapter");
    }

    /// Writes the adapter as PEFT does.
    ///
    /// @param baseModel `base_model_name_or_path`
    void save(Path folder, String baseModel) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        float[] all = flat.values().toFloats();
        for (var p : flat.parameters()) {
            MemorySegment data = MemorySegment.ofArray(all).asSlice(4 * p.offset(), 4 * p.count());
            sources.add(
                    new SafeTensorsWriter.Source(
                            p.name(),
                            DType.FLOAT32,
                            p.shape(),
                            arena -> arena.allocate(data.byteSize(), 8).copyFrom(data)));
        }
        AdapterFolder.write(
                folder,
                config.withTargetsResolved(targets().stream().map(LoraTarget::path).toList())
                        .withBaseModel(baseModel),
                sources);
    }

    @Override
    public void close() {
        scope.close();
    }
}
