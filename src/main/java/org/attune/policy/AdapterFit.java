package org.attune.policy;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.AdapterFolder;
import org.attune.adapter.AdapterTarget;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraTarget;
import org.attune.adapter.ModuleSelection;
import org.attune.adapter.PromptConfig;
import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.ModulePaths;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Checks whether an adapter fits a model, by configurations and tables of contents, before weights
/// are loaded and rows are read.
public final class AdapterFit {
    private static final String TOKENS = "trainable_token_indices";

    private AdapterFit() {}

    /// Refuses modules that the model doesn't have, or that can't be trained whole.
    ///
    /// @throws ConfigException whose key is the one of a run's file that names them
    public static void require(DecoderConfig model, AdapterConfig config) {
        PeftModules.requireBlocks(model, config);
        ModulePaths paths = ModulePaths.of(model);
        List<AdapterTarget> targets;
        try {
            Set<String> modules = new LinkedHashSet<>(paths.linears().keySet());
            modules.removeIf(PeftModules.unfound(model, config));
            targets = config.matchAll(modules, paths.embedding());
            requireNorms(model, paths, config);
        } catch (ConfigException e) {
            throw ConfigException.about("lora_target_modules", e.getMessage());
        }
        model.vision().ifPresent(v -> requireNoConvolution(v.patches(), config));
        requireLinear(paths, config, targets);
        requireKnown(paths, config);
        requireTrainable(paths, config, model);
        requireOnce(targets, config, model);
        try {
            requireTables(paths, model, config);
        } catch (ConfigException e) {
            throw ConfigException.about("peft_kwargs", e.getMessage());
        }
        requirePrompt(model, config);
        requireParameters(model, config);
        targets.forEach(t -> requireComputed(paths, t));
        PeftModules.require(model, config, targets);
        if (config instanceof LoraConfig lora) {
            requireOwnStart(paths, lora, targets);
            requirePatterns("lora_rank_pattern", lora.rankPattern().keySet(), targets);
            requirePatterns("lora_alpha_pattern", lora.alphaPattern().keySet(), targets);
        }
    }

    /// PEFT adapts convolutions that are named; `all-linear` names none.
    private static void requireNoConvolution(String path, AdapterConfig config) {
        if (!(config.targets() instanceof ModuleSelection.AllLinear)
                && config.match(path).isPresent()) {
            throw ConfigException.about(
                    "lora_target_modules",
                    ("it names %s, a convolution, which no adapter reaches here; name modules by"
                                    + " longer names, as attn.proj, or all-linear")
                            .formatted(path));
        }
    }

    /// PEFT asks an expression about norms too, and about modules that others are inside of, and
    /// refuses an adapter whose expression matches one.
    private static void requireLinear(
            ModulePaths paths, AdapterConfig config, List<AdapterTarget> targets) {
        if (!(config.targets() instanceof ModuleSelection.Regex(String expression))) {
            return;
        }
        Set<String> others = new TreeSet<>(paths.others());
        others.removeAll(paths.linears().keySet());
        others.addAll(paths.whole());
        others.removeAll(Set.of(paths.embedding(), paths.output()));
        for (String path : others) {
            if (config.match(path).isPresent()) {
                String names =
                        targets.stream()
                                .map(t -> last(t.path()))
                                .distinct()
                                .collect(Collectors.joining("|"));
                throw ConfigException.about(
                        "lora_target_modules",
                        ("\"%s\" matches %s too, which is no linear module, so PEFT could not load"
                                        + " the adapter; end it with names of linear modules, as"
                                        + " \\.(%s)")
                                .formatted(expression, path, names));
            }
        }
    }

    /// The output layer has no other update than LoRA's: its weight may be the embedding.
    private static void requireComputed(ModulePaths paths, AdapterTarget target) {
        boolean plain =
                target instanceof LoraTarget lora
                        && !lora.decomposed()
                        && lora.form() == LoraTarget.Form.LINEAR;
        if (target.path().equals(paths.output()) && !plain) {
            throw ConfigException.about(
                    "lora_target_modules",
                    "%s can have a LoRA adapter, but neither DoRA, nor lora_bias, nor another kind; leave it out"
                            .formatted(target.path()));
        }
    }

    /// What embedding and output layer begin as isn't taken out of their weights.
    private static void requireOwnStart(
            ModulePaths paths, LoraConfig config, List<AdapterTarget> targets) {
        boolean embeds = config.matchEmbedding(paths.embedding()).isPresent();
        if ((config.initialisation().takesFromBase() || config.initialisation().readsRows())
                && (embeds || targets.stream().anyMatch(t -> t.path().equals(paths.output())))) {
            throw ConfigException.about(
                    "lora_target_modules",
                    "%s can't begin as init_lora_weights: %s says, which linear layers of blocks can; leave it out"
                            .formatted(
                                    embeds ? paths.embedding() : paths.output(),
                                    config.initialisation().name().toLowerCase(Locale.ROOT)));
        }
    }

    /// A name that means no parameter would train less than was asked for.
    private static void requireParameters(DecoderConfig model, AdapterConfig config) {
        List<String> names =
                ModulePaths.ExpertParameter.of(model).stream()
                        .map(ModulePaths.ExpertParameter::name)
                        .toList();
        for (String asked : config.parameters()) {
            if (names.stream().noneMatch(n -> n.equals(asked) || n.endsWith("." + asked))) {
                throw ConfigException.about(
                        "peft_kwargs",
                        "target_parameters \"%s\" is no parameter that holds experts; there are %s"
                                .formatted(
                                        asked,
                                        names.stream()
                                                .map(n -> n.replaceFirst("^.*\\.\\d+\\.", ""))
                                                .distinct()
                                                .toList()));
            }
        }
    }

    /// Trained rows must be rows of the model, and nothing else may change their table.
    ///
    /// @throws ConfigException that names the option
    private static void requireTables(
            ModulePaths paths, DecoderConfig model, AdapterConfig config) {
        String embedding = paths.embedding();
        Optional<AdapterTarget.TokenRows> ofEmbedding = config.tokenRows(embedding, true);
        Optional<AdapterTarget.TokenRows> ofOutput = config.tokenRows(paths.output(), false);
        boolean tied = model.tiesOutput();
        if (tied && ofOutput.isPresent()) {
            throw new ConfigException(
                    (TOKENS
                                    + " names %s, which is the embedding in this model; name %s"
                                    + " alone: both change")
                            .formatted(paths.output(), embedding));
        }
        if (config instanceof LoraConfig lora) {
            for (String name : lora.options().tokens().keySet()) {
                if (!embedding.endsWith(name) && !paths.output().endsWith(name)) {
                    throw new ConfigException(
                            (TOKENS
                                            + " \"%s\" is neither the embedding nor the output"
                                            + " layer; there are %s and %s")
                                    .formatted(name, embedding, paths.output()));
                }
            }
        }
        if (config instanceof AdapterConfig.Tokens tokens
                && ofEmbedding.isEmpty()
                && ofOutput.isEmpty()) {
            throw new ConfigException(
                    ("target_modules %s (lora_target_modules) names no table of tokens; accepted:"
                                    + " %s, %s or none")
                            .formatted(tokens.modules(), embedding, paths.output()));
        }
        requireRows(embedding, true, ofEmbedding, model, config);
        requireRows(paths.output(), false, ofOutput, model, config);
    }

    private static void requireRows(
            String path,
            boolean embedding,
            Optional<AdapterTarget.TokenRows> rows,
            DecoderConfig model,
            AdapterConfig config) {
        if (rows.isEmpty()) {
            return;
        }
        for (int token : rows.get().tokens()) {
            if (token >= model.vocabSize()) {
                throw new ConfigException(
                        (TOKENS + " has %d; accepted: ids of the model's %d tokens")
                                .formatted(token, model.vocabSize()));
            }
        }
        boolean other =
                config.savesWhole(path, model.tiesOutput())
                        || (embedding ? config.matchEmbedding(path) : config.match(path))
                                .isPresent();
        if (other) {
            throw new ConfigException(
                    (TOKENS
                                    + " has rows of %s, which gets an adapter or is trained whole"
                                    + " too; name it once")
                            .formatted(path));
        }
    }

    /// A pattern that means no adapted module would change nothing.
    private static void requirePatterns(
            String key, Set<String> patterns, List<AdapterTarget> targets) {
        for (String pattern : patterns) {
            if (targets.stream().noneMatch(t -> LoraConfig.patternMatches(pattern, t.path()))) {
                throw ConfigException.about(
                        key,
                        "\"%s\" matches no module that gets an adapter; there are %s"
                                .formatted(
                                        pattern,
                                        targets.stream()
                                                .map(t -> last(t.path()))
                                                .distinct()
                                                .toList()));
            }
        }
    }

    /// PEFT would train less than was asked for.
    private static void requireKnown(ModulePaths paths, AdapterConfig config) {
        Set<String> others = paths.others();
        for (String name : config.modulesToSave()) {
            if (config.isClassifier() && AdapterConfig.CLASSIFIER_HEADS.contains(name)) {
                continue; // PEFT names the heads of all families, of which a model has one
            }
            boolean known =
                    paths.whole().stream().anyMatch(p -> p.endsWith(name))
                            || others.stream().anyMatch(p -> p.endsWith(name));
            if (!known) {
                throw ConfigException.about(
                        "lora_modules_to_save",
                        "\"%s\" is no module of the model; there are %s, %s and norms such as %s"
                                .formatted(
                                        name,
                                        paths.output(),
                                        last(paths.whole().getFirst()),
                                        paths.aNorm()));
            }
        }
    }

    private static void requireTrainable(
            ModulePaths paths, AdapterConfig config, DecoderConfig model) {
        for (String path : paths.others()) {
            if (config.savesWhole(path, model.tiesOutput()) && !isOfVision(model, path)) {
                throw ConfigException.about(
                        "lora_modules_to_save",
                        ("%s names %s; beside LoRA only %s, %s%s can be trained whole:"
                                        + " leave it out, or train all weights (use_peft: false)")
                                .formatted(
                                        config.modulesToSave(),
                                        path,
                                        paths.output(),
                                        last(paths.whole().getFirst()),
                                        model.vision().isPresent()
                                                ? ", norms and what sees pictures"
                                                : " and norms"));
            }
        }
    }

    /// Whether a module and all that is inside of it belongs to what sees pictures.
    private static boolean isOfVision(DecoderConfig model, String path) {
        return model.vision().filter(v -> v.holds(path) && !path.equals(v.text())).isPresent();
    }

    /// A module of an encoder of pictures that would be changed in two ways.
    private static void requireOnce(
            List<AdapterTarget> targets, AdapterConfig config, DecoderConfig model) {
        for (AdapterTarget target : targets) {
            if (isOfVision(model, target.path()) && config.savesAround(target.path(), false)) {
                throw ConfigException.about(
                        "lora_modules_to_save",
                        ("%s is inside of what %s names, and gets an adapter too; write the whole"
                                        + " last name of what is trained whole")
                                .formatted(target.path(), config.modulesToSave()));
            }
        }
    }

    /// Refuses an adapter that was made for a model of another shape.
    ///
    /// @throws ModelException naming the tensor and both shapes
    public static void require(DecoderConfig model, AdapterFolder adapter) {
        PeftModules.requireBlocks(model, adapter.config());
        ModulePaths paths = ModulePaths.of(model);
        requireNorms(model, paths, adapter.config());
        requireTrainable(paths, adapter.config(), model);
        requireOnce(adapter.targets(), adapter.config(), model);
        try {
            requireTables(paths, model, adapter.config());
        } catch (ConfigException e) {
            throw new ModelException(adapter.path() + ": " + e.getMessage(), e);
        }
        requirePrompt(model, adapter);
        requireShared(paths, adapter);
        for (AdapterTarget target : adapter.targets()) {
            ModulePaths.Shape shape = shape(paths, model, target);
            if (shape == null) {
                throw new ModelException(
                        ("%s adapts %s, which the model has not: it has %d layers with %s; give the"
                                        + " adapter's own base model%s")
                                .formatted(
                                        adapter.path(),
                                        target.path(),
                                        model.layers(),
                                        paths.linears().keySet().stream()
                                                .map(AdapterFit::last)
                                                .distinct()
                                                .toList(),
                                        base(adapter)));
            }
            requireComputed(paths, target);
            for (AdapterTarget.NamedShape tensor : target.tensors(shape.out(), shape.in())) {
                requireShape(adapter, tensor);
            }
        }
        requireParameters(model, adapter.config());
        requireExperts(model, adapter);
        Set<String> modules = new LinkedHashSet<>(paths.linears().keySet());
        modules.removeIf(PeftModules.unfound(model, adapter));
        for (AdapterTarget target : adapter.config().matchAll(modules, paths.embedding())) {
            ModulePaths.Shape shape = paths.linears().get(target.path());
            String name = target.tensors(shape.out(), shape.in()).getFirst().name();
            if (!adapter.tensors().entries().containsKey(name)) {
                throw new ModelException(
                        "%s: tensor \"%s\" is missing, though its configuration names %s"
                                .formatted(adapter.path(), name, target.path()));
            }
        }
    }

    private static void requirePrompt(DecoderConfig model, AdapterFolder adapter) {
        try {
            requirePrompt(model, adapter.config());
        } catch (ConfigException e) {
            throw new ModelException(adapter.path() + ": " + e.getMessage(), e);
        }
        PromptConfig.of(adapter.config())
                .ifPresent(
                        p -> {
                            long[] shape = {p.tokens(), PromptTable.width(model, p)};
                            requireShape(
                                    adapter,
                                    new AdapterTarget.NamedShape(PromptConfig.TABLE, shape));
                        });
    }

    /// Virtual tokens have no id that a family could look up elsewhere, and a prefix has keys and
    /// values of usual attention.
    ///
    /// @throws ConfigException that names what the model has instead
    private static void requirePrompt(DecoderConfig model, AdapterConfig config) {
        if (!(config instanceof PromptConfig prompt)) {
            return;
        }
        AttentionConfig attention = model.attention();
        String other =
                attention.varied().isPresent()
                        ? "layers that read more of a token than its embedding, or keys of others"
                        : !prompt.isPrefix()
                                ? ""
                                : model.keepsState()
                                        ? "layers with a state in place of keys and values"
                                        : attention.latent().isPresent()
                                                ? "keys and values that one vector is made into"
                                                : "";
        if (!other.isEmpty()) {
            throw ConfigException.about(
                    "peft_type",
                    "%s: the model (%s) has %s; train another kind of adapter"
                            .formatted(config.described(), model.modelType(), other));
        }
        long width =
                prompt.isPrefix() ? (long) model.kvHeads() * model.headDim() : model.hiddenSize();
        if (prompt.width() != width) {
            throw ConfigException.about(
                    "peft_type",
                    "%s: token_dim is %d; with this model it is %d"
                            .formatted(config.described(), prompt.width(), width));
        }
    }

    private static void requireExperts(DecoderConfig model, AdapterFolder adapter) {
        for (ExpertTensors.Stored s : new ExpertTensors(model, adapter.config()).stored()) {
            requireShape(adapter, new AdapterTarget.NamedShape(s.nameOfA(), s.shapeOfA()));
            requireShape(adapter, new AdapterTarget.NamedShape(s.nameOfB(), s.shapeOfB()));
        }
    }

    /// @return null if the model has no such module
    private static ModulePaths.Shape shape(
            ModulePaths paths, DecoderConfig model, AdapterTarget target) {
        boolean embeds =
                target instanceof LoraTarget lora && lora.form() == LoraTarget.Form.EMBEDDING;
        if (embeds) {
            return target.path().equals(paths.embedding())
                    ? new ModulePaths.Shape(model.hiddenSize(), model.vocabSize())
                    : null;
        }
        return paths.linears().get(target.path());
    }

    private static void requireNorms(DecoderConfig model, ModulePaths paths, AdapterConfig config) {
        Set<String> norms = new LinkedHashSet<>(paths.whole());
        Set<String> others = paths.others();
        others.add(model.names().embeddingPath());
        model.positionsPath().ifPresent(others::add);
        others.add(paths.output());
        norms.removeAll(others);
        config.requireNorms(norms, others);
    }

    /// What all modules share has the sizes of the largest ones.
    private static void requireShared(ModulePaths paths, AdapterFolder adapter) {
        if (adapter.config().shared().isEmpty()) {
            return;
        }
        Map<AdapterTarget, long[]> shapes = new HashMap<>();
        for (AdapterTarget target : adapter.config().matchAll(paths.linears().keySet())) {
            ModulePaths.Shape shape = paths.linears().get(target.path());
            shapes.put(target, new long[] {shape.out(), shape.in()});
        }
        SharedTensors.needed(shapes).forEach(tensor -> requireShape(adapter, tensor));
    }

    /// @param expected of a file whose number of axes fits its configuration
    private static void requireShape(AdapterFolder adapter, AdapterTarget.NamedShape expected) {
        TensorFile.Entry entry = adapter.tensors().entries().get(expected.name());
        if (entry == null) {
            throw new ModelException(
                    "%s: tensor \"%s\" is missing; by the configuration and the model's sizes there is one"
                            .formatted(adapter.path(), expected.name()));
        }
        long[] shape = entry.shape();
        if (shape.length != expected.shape().length) {
            throw new ModelException(
                    "%s: tensor \"%s\" has shape %s; by the configuration it is %s"
                            .formatted(
                                    adapter.path(),
                                    expected.name(),
                                    Arrays.toString(shape),
                                    Arrays.toString(expected.shape())));
        }
        for (int axis = 0; axis < shape.length; axis++) {
            if (shape[axis] != expected.shape()[axis]) {
                throw new ModelException(
                        ("%s: tensor \"%s\" is for layers of width %d, the model's is %d; give the"
                                        + " adapter's own base model%s")
                                .formatted(
                                        adapter.path(),
                                        expected.name(),
                                        shape[axis],
                                        expected.shape()[axis],
                                        base(adapter)));
            }
        }
    }

    private static String base(AdapterFolder adapter) {
        return adapter.config().baseModel().map(name -> ", " + name).orElse("");
    }

    private static String last(String path) {
        return path.substring(path.lastIndexOf('.') + 1);
    }
}
