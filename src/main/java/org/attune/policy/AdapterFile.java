package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraTarget;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.model.layer.Weight;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// An adapter's parameters in PEFT's files.
final class AdapterFile {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterFile.class);
    private static final String BIAS = ".bias";
    private static final List<ParameterSpace.Parameter> NONE = List.of();
    /// What two ways to half precision may differ by.
    private static final double ROUNDING = 1e-3;

    private final Decoder decoder;
    private final AdapterParameters adapter;
    private final String output; // path of the output layer

    AdapterFile(Decoder decoder, AdapterParameters adapter) {
        this.decoder = decoder;
        this.adapter = adapter;
        output = decoder.config().names().head();
    }

    /// Reads all parameters from a folder.
    ///
    /// @throws ModelException if one is missing or doesn't fit, or the file holds others
    void read(AdapterFolder folder) {
        TensorFile file =
                new ExpertTensors(decoder.config(), adapter.config()).split(folder.tensors());
        var rest = new HashSet<>(file.entries().keySet());
        EnginePieces.each(
                adapter.parameters().parameters(),
                p -> {
                    List<String> names = adapter.namesOf(p);
                    Optional<String> name =
                            names.stream()
                                    .filter(n -> fits(file.entries().get(n), p.shape()))
                                    .findFirst();
                    if (name.isEmpty() && !isLeftOut(p, file)) {
                        throw absent(folder.path(), names);
                    }
                    name.ifPresent(n -> read(p, file, n));
                    names.forEach(rest::remove);
                });
        Engine.run(() -> adapter.shared().read(file));
        rest.removeAll(folder.config().shared());
        if (decoder.config().tiesOutput()) {
            rest.removeAll(folder.repeatedRows());
        }
        for (Weight weight : underAdapter()) {
            String name = nameOfBase(weight);
            if (fits(file.entries().get(name), weight.base().shape())) {
                rest.remove(name);
                Engine.run(() -> compareBase(weight, file, folder.path()));
            }
        }
        if (!rest.isEmpty()) {
            throw new ModelException(
                    "%s holds tensors for which the model has no place: %s"
                            .formatted(folder.path(), rest.stream().sorted().toList()));
        }
    }

    private void read(ParameterSpace.Parameter p, TensorFile file, String name) {
        if (p.count() == 0) {
            return; // modules of AdaLoRA may have no rank left
        }
        try (var _ = TensorScope.open("adapter");
                Arena arena = Arena.ofConfined()) {
            adapter.parameters().value(p).copyInPlace(read(file, name, arena));
        }
    }

    /// Older versions of PEFT didn't save any of the biases that `bias: lora_only` had trained, and
    /// read such adapters with the base model's, which the parameters have already.
    private boolean isLeftOut(ParameterSpace.Parameter p, TensorFile file) {
        if (!adapter.isBaseBias(p)
                || file.entries().keySet().stream().anyMatch(n -> n.endsWith("base_layer.bias"))) {
            return false;
        }
        LOG.warn("The adapter has no \"{}\": the base model's bias is used", p.name());
        return true;
    }

    /// Weights under an adapter that PEFT saves along: those of embedding and output layer, and the
    /// bias of the latter.
    private List<Weight> underAdapter() {
        List<Weight> weights = new ArrayList<>();
        if (adapter.tables().adapted().contains(decoder.embedding().module())) {
            weights.add(decoder.embedding());
        }
        if (adapter.adaptsOutput()) {
            weights.add(decoder.output().weight());
            decoder.output()
                    .bias()
                    .filter(bias -> adapter.trainedWhole(bias).isEmpty())
                    .ifPresent(weights::add);
        }
        return weights;
    }

    private static String nameOfBase(Weight weight) {
        String ofWeight = AdapterTarget.nameOfBase(weight.module());
        return weight.name().endsWith(BIAS) ? ofWeight.replaceFirst("\\.weight$", BIAS) : ofWeight;
    }

    /// Rows of an embedding that are all of an adapter, for the output layer that is the embedding:
    /// PEFT writes them twice.
    private List<SafeTensorsWriter.Source> repeatedRows() {
        AdapterConfig config = adapter.config();
        if (!(config instanceof AdapterConfig.Tokens) || !decoder.config().tiesOutput()) {
            return List.of();
        }
        String own = decoder.embedding().module();
        String other = decoder.config().names().outputPath(decoder.config());
        return adapter.parameters().parameters().stream()
                .map(p -> source(p.name().replace(own, other), p))
                .toList();
    }

    private static boolean fits(TensorFile.Entry entry, long[] shape) {
        return entry != null && Arrays.equals(entry.shape(), shape);
    }

    private static ModelException absent(Path path, List<String> names) {
        return new ModelException(
                "%s: tensor \"%s\" is missing or doesn't fit the model"
                        .formatted(path, names.getFirst()));
    }

    private static Tensor read(TensorFile file, String name, Arena arena) {
        TensorFile.Entry entry = file.entries().get(name);
        return Tensor.ofMemory(Device.cpu(), entry.dtype(), file.read(name, arena), entry.shape());
    }

    /// PEFT saves the weight under an adapter on the output layer along. It says which base model
    /// the adapter was made on; the model's own is used, as it is for all other layers.
    private static void compareBase(Weight weight, TensorFile file, Path path) {
        Tensor own = weight.base();
        try (var _ = TensorScope.open("base");
                Arena arena = Arena.ofConfined()) {
            Tensor theirs = read(file, nameOfBase(weight), arena);
            Tensor copy = Tensor.empty(own.device(), own.dtype(), own.shape()).copyInPlace(theirs);
            Tensor rounded = own.to(theirs.dtype()).to(own.dtype());
            double difference =
                    Math.sqrt(copy.sub(rounded).to(DType.FLOAT32).square().mean().item());
            double size = Math.sqrt(own.to(DType.FLOAT32).square().mean().item());
            if (difference > ROUNDING * size) {
                LOG.warn(
                        "{}: the adapter was made on another {} than this model's (they differ by"
                                + " {} of their size); the model's own is used. Is it the adapter's"
                                + " base model?",
                        path,
                        weight.module(),
                        difference / size);
            }
        }
    }

    /// Whether the decoder holds the base model's weights as its files do. PEFT puts what stands in
    /// an adapter's file in place of the base model's weight, so a rounded one must not.
    private boolean isBaseExact() {
        return decoder.dtype() == DType.FLOAT32 || decoder.dtype() == decoder.config().dtype();
    }

    /// Writes the adapter with a value head on its trunk, as an adapter of a model that scores.
    void writeScorer(Path folder, String baseModel, ValueHead head) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        FlatParameters flat = adapter.parameters();
        for (var p : flat.parameters()) {
            for (String name : adapter.namesOf(p)) {
                if (!name.startsWith(AdapterTarget.nameOfSaved(output + "."))) {
                    sources.add(source(name, p));
                }
            }
        }
        sources.addAll(adapter.shared().sources());
        sources.add(head.source(AdapterTarget.nameOfSaved(ValueHead.modelName())));
        AdapterConfig config = adapter.config().onBase().asClassifier(output);
        List<String> paths = modulePaths().stream().filter(path -> !path.equals(output)).toList();
        AdapterFolder.write(
                folder,
                config.withTargetsResolved(paths, modules()).withBaseModel(baseModel),
                new ExpertTensors(decoder.config(), config).join(sources),
                decoder.config().names().transposed());
    }

    private SafeTensorsWriter.Source source(String name, ParameterSpace.Parameter p) {
        FlatParameters flat = adapter.parameters();
        return flat.budget()
                .flatMap(b -> b.source(name, p))
                .or(() -> flat.start().flatMap(s -> s.source(name, p)))
                .orElseGet(
                        () ->
                                TensorBytes.source(
                                        name, DType.FLOAT32, p.shape(), () -> flat.value(p)));
    }

    /// Writes all parameters, and what PEFT writes along.
    ///
    /// @param baseModel `base_model_name_or_path`
    void write(Path folder, String baseModel) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        adapter.prompt().ifPresent(p -> sources.add(p.source())); // what its encoder makes
        FlatParameters flat = adapter.parameters();
        for (var p : adapter.prompt().isEmpty() ? flat.parameters() : NONE) {
            for (String name : adapter.namesOf(p)) {
                sources.add(source(name, p));
            }
        }
        sources.addAll(repeatedRows());
        sources.addAll(adapter.shared().sources());
        if (isBaseExact()) {
            for (Weight weight : underAdapter()) {
                Tensor base = weight.base();
                String name = nameOfBase(weight);
                sources.add(TensorBytes.source(name, base.dtype(), base.shape(), () -> base));
            }
        }
        AdapterConfig config = adapter.config().onBase();
        AdapterFolder.write(
                folder,
                config.withTargetsResolved(modulePaths(), modules()).withBaseModel(baseModel),
                new ExpertTensors(decoder.config(), config).join(sources),
                decoder.config().names().transposed());
    }

    /// Paths of modules with an adapter; parameters of experts are none.
    private List<String> modulePaths() {
        return adapter.targets().stream()
                .filter(
                        t ->
                                !(t instanceof LoraTarget lora
                                        && lora.form() == LoraTarget.Form.EXPERT))
                .map(AdapterTarget::path)
                .toList();
    }

    /// All modules of the model, linear or not; an encoder's convolution too.
    private Set<String> modules() {
        ModulePaths paths = ModulePaths.of(decoder.config());
        Set<String> modules = paths.others();
        modules.addAll(paths.whole());
        decoder.config().vision().ifPresent(vision -> modules.add(vision.patches()));
        return modules;
    }
}
