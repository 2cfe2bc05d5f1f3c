package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.adapter.formula.WeightFormula;
import org.attune.api.Api;
import org.attune.error.HubException;
import org.attune.error.ModelException;
import org.attune.files.AtomicFile;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.files.safetensors.SafeTensorsWriter;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An adapter on disk: `adapter_config.json` and `adapter_model.safetensors`, as PEFT reads and
/// writes them. Every tensor is checked against the configuration on opening. Owns the open file.
@Api(EXPERIMENTAL)
public final class AdapterFolder implements AutoCloseable {
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String PREFIX = AdapterTarget.PREFIX;

    /// A size that only the model knows.
    private static final long ANY = WeightFormula.ANY;

    private final Path path;
    private final AdapterConfig config;
    private final SafeTensorsFile tensors;
    private final List<AdapterTarget> targets;
    private final Map<String, String> saved;
    private final List<String> repeated;

    private AdapterFolder(Path path, AdapterConfig config, SafeTensorsFile tensors) {
        this.path = path;
        this.config = config;
        this.tensors = tensors;
        this.targets = new ArrayList<>();
        this.saved = new LinkedHashMap<>();
        this.repeated = new ArrayList<>();
        tensors.entries().values().forEach(this::sort);
    }

    /// Opens an adapter.
    ///
    /// @throws ModelException if it is absent or damaged, uses features that Attune doesn't
    ///     have, or
    ///     holds tensors that its configuration doesn't explain
    public static AdapterFolder open(Path folder) {
        if (!Files.exists(folder.resolve(AdapterConfig.FILE))) {
            throw new ModelException(
                    "%s holds no %s; an adapter folder has that and %s"
                            .formatted(folder, AdapterConfig.FILE, WEIGHTS));
        }
        AdapterConfig config = AdapterConfig.read(folder);
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

    /// Resolves `adapter_name_or_path`: a folder, or a name on the Hub, `ORG/NAME` or
    /// `ORG/NAME@REVISION`.
    public static AdapterFolder open(String nameOrPath, HubCache cache) {
        Path folder = GivenPath.of(nameOrPath);
        if (Files.isDirectory(folder)) {
            return open(folder);
        }
        String missing =
                "adapter \"%s\": no such folder (looked at %s)"
                        .formatted(nameOrPath, GivenPath.lookedAt(nameOrPath, Path.of("")));
        if (!HubCache.isRepositoryName(nameOrPath)) {
            throw new ModelException(missing);
        }
        try {
            return open(cache.find(HubCache.Kind.MODELS, nameOrPath, HubCache.MAIN));
        } catch (HubException e) {
            throw new ModelException(missing + "; as a name on the Hub: " + e.getMessage(), e);
        }
    }

    /// The folder.
    public Path path() {
        return path;
    }

    /// The adapter's configuration.
    public AdapterConfig config() {
        return config;
    }

    /// Modules with an adapter, in file order.
    public List<AdapterTarget> targets() {
        return List.copyOf(targets);
    }

    /// Tensors trained in full: Hugging Face's name → name in [#tensors].
    public Map<String, String> savedTensors() {
        return Map.copyOf(saved);
    }

    /// Tensors that hold the rows of an embedding once more, which PEFT writes for the output layer
    /// of models whose output layer is the embedding.
    public List<String> repeatedRows() {
        return List.copyOf(repeated);
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
    /// @param tensors under PEFT's names ([AdapterTarget#tensors])
    /// @throws ModelException if writing fails
    public static void write(
            Path folder, AdapterConfig config, List<SafeTensorsWriter.Source> tensors) {
        write(folder, config, tensors, false);
    }

    /// Writes an adapter for a base model whose files may hold matrices the other way round.
    ///
    /// @param transposed whether the base model's files hold matrices as `(in, out)`
    public static void write(
            Path folder,
            AdapterConfig config,
            List<SafeTensorsWriter.Source> tensors,
            boolean transposed) {
        try {
            Files.createDirectories(folder);
            SafeTensorsWriter.write(folder.resolve(WEIGHTS), tensors);
            AtomicFile.writeText(folder.resolve(AdapterConfig.FILE), config.toJson(transposed));
        } catch (IOException e) {
            throw new ModelException(folder + " can't be written: " + e.getMessage(), e);
        }
    }

    private void sort(TensorFile.Entry entry) {
        String name = entry.name();
        if (config.shared().contains(name)
                || config.virtualTokens().isPresent() && name.equals(PromptConfig.TABLE)) {
            return; // whose shape the model's sizes say
        }
        if (!name.startsWith(PREFIX)) {
            throw unknown(name, "names begin with " + PREFIX);
        }
        String inner = name.substring(PREFIX.length());
        Optional<String> suffix = config.suffixes().stream().filter(inner::endsWith).findFirst();
        if (suffix.isPresent() && isParameter(inner, suffix.get())) {
            return; // the model says which parameters there are
        } else if (suffix.isPresent()) {
            adapted(entry, inner.substring(0, inner.length() - suffix.get().length()));
        } else if (inner.endsWith(AdapterTarget.TokenRows.SUFFIX)) {
            rows(entry);
        } else if (inner.matches(".*\\.base_layer\\.(weight|bias)")
                || inner.endsWith(".bias") && config.biases() != LoraOptions.Biases.NONE) {
            // PEFT saves the untouched weight of an adapted embedding or output layer along.
            return;
        } else if (isSavedWhole(name, inner)) {
            saved.put(config.savedTensor(inner), name);
        } else {
            throw unknown(name, "tensors of linear modules' adapters, and modules_to_save");
        }
    }

    /// Whether a tensor may belong to a parameter of all experts, and to no module.
    private boolean isParameter(String inner, String suffix) {
        String module = inner.substring(0, inner.length() - suffix.length());
        return !config.parameters().isEmpty() && config.match(module).isEmpty();
    }

    /// Trained rows of some tokens.
    private void rows(TensorFile.Entry entry) {
        String path =
                entry.name()
                        .substring(PREFIX.length())
                        .replaceAll(
                                "(\\.token_adapter)?" + AdapterTarget.TokenRows.SUFFIX + "$", "");
        if (repeatsRows(entry)) {
            repeated.add(entry.name());
            return;
        }
        AdapterTarget.TokenRows rows =
                config.tokenRows(path, true)
                        .filter(r -> r.tensor().equals(entry.name()))
                        .orElseThrow(
                                () ->
                                        unknown(
                                                entry.name(),
                                                "rows of the tokens in " + AdapterConfig.FILE));
        requireShape(entry, new long[] {rows.tokens().size(), ANY});
    }

    /// Whether a tensor of the output layer holds the numbers of another one.
    private boolean repeatsRows(TensorFile.Entry entry) {
        String output = PREFIX + "lm_head" + AdapterTarget.TokenRows.SUFFIX;
        if (!(config instanceof AdapterConfig.Tokens) || !entry.name().equals(output)) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            var own = tensors.read(entry.name(), arena);
            return tensors.entries().keySet().stream()
                    .filter(name -> !name.equals(output))
                    .anyMatch(name -> tensors.read(name, arena).mismatch(own) == -1);
        }
    }

    private boolean isSavedWhole(String name, String inner) {
        String tensor = config.savedTensor(inner);
        return tensor.contains(".")
                && config.savesAround(module(tensor), true)
                && config.nameOfSaved(tensor).equals(name);
    }

    /// A tensor of a module's adapter; the first one of a module represents it.
    private void adapted(TensorFile.Entry entry, String module) {
        boolean embeds =
                tensors.entries().containsKey(PREFIX + module + LoraTarget.SUFFIX_EMBEDDING_A);
        AdapterTarget target =
                (embeds ? config.matchEmbedding(module) : config.match(module))
                        .orElseThrow(
                                () ->
                                        unknown(
                                                entry.name(),
                                                "target_modules of " + AdapterConfig.FILE));
        List<AdapterTarget.NamedShape> tensors = target.tensors(ANY, ANY);
        if (tensors.isEmpty()) { // the model's sizes say which there are
            if (!targets.contains(target)) {
                targets.add(target);
            }
            return;
        }
        AdapterTarget.NamedShape own =
                tensors.stream()
                        .filter(t -> t.name().equals(entry.name()))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        unknown(
                                                entry.name(),
                                                "%s of this module"
                                                        .formatted(
                                                                tensors.stream()
                                                                        .map(t -> t.name())
                                                                        .toList())));
        tensors.forEach(t -> requirePartner(entry.name(), t.name()));
        requireShape(entry, own.shape());
        if (own == tensors.getFirst()) {
            targets.add(target);
        }
    }

    private void requireShape(TensorFile.Entry entry, long[] expected) {
        long[] shape = entry.shape();
        boolean fits = shape.length == expected.length;
        for (int i = 0; fits && i < shape.length; i++) {
            fits = expected[i] == ANY || expected[i] == shape[i];
        }
        if (!fits) {
            throw new ModelException(
                    "%s: \"%s\" has shape %s; by %s it is %s"
                            .formatted(
                                    path.resolve(WEIGHTS),
                                    entry.name(),
                                    Arrays.toString(shape),
                                    AdapterConfig.FILE,
                                    Arrays.toString(expected).replace(ANY + "", "any")));
        }
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
