package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsWriter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
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
import java.util.Set;

/// An adapter's parameters in PEFT's files.
final class AdapterFile {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterFile.class);
    /// What two ways to half precision may differ by.
    private static final double ROUNDING = 1e-3;

    private final Decoder decoder;
    private final AdapterParameters adapter;
    private final String output; // path of the output layer
    private final String base; // name of its weight, as PEFT saves it along

    AdapterFile(Decoder decoder, AdapterParameters adapter) {
        this.decoder = decoder;
        this.adapter = adapter;
        output = decoder.config().names().head();
        base = AdapterTarget.nameOfBase(output);
    }

    /// Reads all parameters from a folder.
    ///
    /// @throws ModelException if one is missing or doesn't fit, or the file holds others
    void read(AdapterFolder folder) {
        TensorFile file = folder.tensors();
        var rest = new HashSet<>(file.entries().keySet());
        for (var p : adapter.parameters().parameters()) {
            List<String> names = adapter.namesOf(p);
            String name =
                    names.stream()
                            .filter(n -> fits(file.entries().get(n), p.shape()))
                            .findFirst()
                            .orElseThrow(() -> absent(folder.path(), names));
            try (var _ = TensorScope.open("adapter");
                    Arena arena = Arena.ofConfined()) {
                adapter.parameters().value(p).copyInPlace(read(file, name, arena));
            }
            names.forEach(rest::remove);
        }
        Tensor own = decoder.output().weight().base();
        if (adapter.adaptsOutput() && fits(file.entries().get(base), own.shape())) {
            rest.remove(base);
            compareBase(own, file, folder.path());
        }
        if (!rest.isEmpty()) {
            throw new ModelException(
                    "%s holds tensors for which the model has no place: %s"
                            .formatted(folder.path(), rest.stream().sorted().toList()));
        }
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
    private void compareBase(Tensor own, TensorFile file, Path path) {
        try (var _ = TensorScope.open("base");
                Arena arena = Arena.ofConfined()) {
            Tensor theirs = read(file, base, arena);
            Tensor copy = Tensor.empty(own.device(), own.dtype(), own.shape()).copyInPlace(theirs);
            Tensor rounded = own.to(theirs.dtype()).to(own.dtype());
            double difference =
                    Math.sqrt(copy.sub(rounded).to(DType.FLOAT32).square().mean().item());
            double size = Math.sqrt(own.to(DType.FLOAT32).square().mean().item());
            if (difference > ROUNDING * size) {
                LOG.warn(
                        "{}: the adapter was made on another output layer than this model's (they"
                                + " differ by {} of their size); the model's own is used. Is it"
                                + " the adapter's base model?",
                        path,
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
                    sources.add(
                            TensorBytes.source(
                                    name, DType.FLOAT32, p.shape(), () -> flat.value(p)));
                }
            }
        }
        sources.add(head.source(AdapterTarget.nameOfSaved(ValueHead.modelName())));
        AdapterConfig config = adapter.config().asClassifier(output);
        List<String> paths =
                adapter.targets().stream()
                        .map(AdapterTarget::path)
                        .filter(path -> !path.equals(output))
                        .toList();
        AdapterFolder.write(
                folder,
                config.withTargetsResolved(paths, modules()).withBaseModel(baseModel),
                sources,
                decoder.config().names().transposed());
    }

    /// Writes all parameters, and what PEFT writes along.
    ///
    /// @param baseModel `base_model_name_or_path`
    void write(Path folder, String baseModel) {
        var sources = new ArrayList<SafeTensorsWriter.Source>();
        FlatParameters flat = adapter.parameters();
        for (var p : flat.parameters()) {
            for (String name : adapter.namesOf(p)) {
                sources.add(
                        TensorBytes.source(name, DType.FLOAT32, p.shape(), () -> flat.value(p)));
            }
        }
        if (adapter.adaptsOutput() && isBaseExact()) {
            Tensor own = decoder.output().weight().base();
            sources.add(TensorBytes.source(base, own.dtype(), own.shape(), () -> own));
        }
        AdapterConfig config = adapter.config();
        List<String> paths = adapter.targets().stream().map(AdapterTarget::path).toList();
        AdapterFolder.write(
                folder,
                config.withTargetsResolved(paths, modules()).withBaseModel(baseModel),
                sources,
                decoder.config().names().transposed());
    }

    /// All modules of the model, linear or not.
    private Set<String> modules() {
        ModulePaths paths = ModulePaths.of(decoder.config());
        Set<String> modules = paths.others();
        modules.addAll(paths.whole());
        return modules;
    }
}
