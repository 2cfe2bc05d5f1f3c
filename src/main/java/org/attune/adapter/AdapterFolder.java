package org.attune.adapter;

import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A LoRA adapter on disk: `adapter_config.json` and `adapter_model.safetensors`, as PEFT reads and
/// writes them. Every tensor is checked against the configuration on opening. Owns the open file.
public final class AdapterFolder implements AutoCloseable {
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final String SUFFIX_A = ".lora_A.weight";
    private static final String SUFFIX_B = ".lora_B.weight";

    private final Path path;
    private final LoraConfig config;
    private final SafeTensorsFile tensors;
    private final List<LoraTarget> targets;
    private final Map<String, String> saved;

    private AdapterFolder(Path path, LoraConfig config, SafeTensorsFile tensors) {
        this.path = path;
        this.config = config;
        this.tensors = tensors;
        this.targets = new ArrayList<>();
        this.saved = new LinkedHashMap<>();
        tensors.entries().values().forEach(this::sort);
    }

    /// Opens an adapter.
    ///
    /// @throws ModelException if it is absent or damaged, uses features that Attune doesn't
    ///     have, or
    ///     holds tensors that its configuration doesn't explain
    public static AdapterFolder open(Path folder) {
        if (!Files.exists(folder.resolve(LoraConfig.FILE))) {
            throw new ModelException(
                    "%s holds no %s; an adapter folder has that and %s"
                            .formatted(folder, LoraConfig.FILE, WEIGHTS));
        }
        LoraConfig config = LoraConfig.read(folder);
        if (!Files.exists(folder.resolve(WEIGHTS))) {
            throw new ModelException(
                    ("%s holds no %s; adapters in other formats (adapter_model.bin) must be saved "
                                    + "as safetensors first")
                            .formatted(folder, WEIGHTS));
        }
        SafeTensorsFile tensors = SafeTensorsFile.open(folder.resolve(WEIGHTS));
        try {
            return new AdapterFolder(folder, config, tensors);
        } catch (RuntimeException e) {
            tensors.close();
            throw e;
        }
    }

    /// Resolves `adapter_name_or_path`: a folder, or a name in the local hub cache.
    public static AdapterFolder open(String nameOrPath, HubCache cache) {
        Path folder = GivenPath.of(nameOrPath);
        if (Files.isDirectory(folder)) {
            return open(folder);
        }
        return cache.snapshot(HubCache.Kind.MODELS, nameOrPath, "main")
                .map(AdapterFolder::open)
                .orElseThrow(
                        () ->
                                new ModelException(
                                        ("adapter \"%s\": no such folder (looked at %s), and not in"
                                             + " the local Hugging Face cache %s; download it with"
                                             + " `hf download %s`, or give the path of a folder")
                                                .formatted(
                                                        nameOrPath,
                                                        GivenPath.lookedAt(nameOrPath, Path.of("")),
                                                        cache.root(),
                                                        nameOrPath)));
    }

    /// The folder.
    public Path path() {
        return path;
    }

    /// Its configuration.
    public LoraConfig config() {
        return config;
    }

    /// Modules with an adapter, in file order.
    public List<LoraTarget> targets() {
        return List.copyOf(targets);
    }

    /// Tensors trained in full: Hugging Face's name → name in [#tensors].
    public Map<String, String> savedTensors() {
        return Map.copyOf(saved);
    }

    /// All tensors under PEFT's names.
    public TensorFile tensors() {
        return tensors;
    }

    @Override
    public void close() {
        tensors.close();
    }

    /// Writes an adapter into a folder, each file whole or not at all; the configuration comes
    /// last,
    /// so a folder that has one is complete.
    ///
    /// @param tensors under PEFT's names ([LoraTarget#nameOfA] …)
    /// @throws ModelException if writing fails
    public static void write(
            Path folder, LoraConfig config, List<SafeTensorsWriter.Source> tensors) {
        write(folder, config, tensors, false);
    }

    /// As [#write(Path, LoraConfig, List)].
    ///
    /// @param transposed whether the base model's files hold matrices as `(in, out)`
    public static void write(
            Path folder,
            LoraConfig config,
            List<SafeTensorsWriter.Source> tensors,
            boolean transposed) {
        try {
            Files.createDirectories(folder);
            SafeTensorsWriter.write(folder.resolve(WEIGHTS), tensors);
            AtomicFile.writeText(folder.resolve(LoraConfig.FILE), config.toJson(transposed));
        } catch (IOException e) {
            throw new ModelException(folder + " can't be written: " + e.getMessage(), e);
        }
    }

    private void sort(TensorFile.Entry entry) {
        String name = entry.name();
        if (!name.startsWith(PREFIX)) {
            throw unknown(name, "names begin with " + PREFIX);
        }
        String inner = name.substring(PREFIX.length());
        if (inner.endsWith(SUFFIX_A)) {
            targets.add(target(entry, inner.substring(0, inner.length() - SUFFIX_A.length())));
        } else if (inner.endsWith(SUFFIX_B)) {
            String module = inner.substring(0, inner.length() - SUFFIX_B.length());
            requirePartner(name, PREFIX + module + SUFFIX_A);
        } else if (inner.matches(".*\\.base_layer\\.(weight|bias)")) {
            // PEFT saves the untouched weight of an adapted embedding or output layer along.
            return;
        } else if (inner.matches(".*\\.(weight|bias)") && config.savesWhole(module(inner), true)) {
            saved.put(inner, name);
        } else {
            throw unknown(name, "lora_A and lora_B of linear modules, and modules_to_save");
        }
    }

    private LoraTarget target(TensorFile.Entry a, String module) {
        String nameOfB = PREFIX + module + SUFFIX_B;
        requirePartner(a.name(), nameOfB);
        LoraTarget target =
                config.match(module)
                        .orElseThrow(
                                () -> unknown(a.name(), "target_modules of " + LoraConfig.FILE));
        long[] shapeOfA = a.shape();
        long[] shapeOfB = tensors.entries().get(nameOfB).shape();
        if (shapeOfA.length != 2
                || shapeOfB.length != 2
                || shapeOfA[0] != target.rank()
                || shapeOfB[1] != target.rank()) {
            throw new ModelException(
                    "%s: the matrices of \"%s\" have shapes %s and %s, but its rank is %d"
                            .formatted(
                                    path.resolve(WEIGHTS),
                                    module,
                                    Arrays.toString(shapeOfA),
                                    Arrays.toString(shapeOfB),
                                    target.rank()));
        }
        return target;
    }

    private static String module(String tensor) {
        return tensor.substring(0, tensor.lastIndexOf('.'));
    }

    private void requirePartner(String name, String partner) {
        if (!tensors.entries().containsKey(partner)) {
            throw new ModelException(
                    "%s holds \"%s\" but not \"%s\""
                            .formatted(path.resolve(WEIGHTS), name, partner));
        }
    }

    private ModelException unknown(String name, String accepted) {
        return new ModelException(
                "%s holds \"%s\", which is not understood; accepted: %s"
                        .formatted(path.resolve(WEIGHTS), name, accepted));
    }
}
