package org.attune.adapter;

import org.attune.error.ConfigException;
import org.attune.files.JsonFields;
import org.attune.files.PrettyJson;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// A LoRA adapter's configuration, PEFT's `adapter_config.json`. Matching of modules, ranks and
/// scales is PEFT's. [Hu et al. 2021, Eq. 3](https://arxiv.org/abs/2106.09685); rsLoRA:
/// [Kalajdzievski 2023](https://arxiv.org/abs/2312.03732).
///
/// @param rank              `r`, ≥ 1
/// @param alpha             `lora_alpha`, finite
/// @param dropout           `lora_dropout`, in [0, 1)
/// @param rankStabilised    `use_rslora`: scaling α/√r instead of α/r
/// @param targets           `target_modules`
/// @param excluded          `exclude_modules`
/// @param layers            `layers_to_transform`; empty is all. Only modules named by suffix
///     obey it
/// @param layersPattern     `layers_pattern`: names of the list of layers; empty is any
/// @param rankPattern       `rank_pattern`: regular expression of a path's end → rank
/// @param alphaPattern      `alpha_pattern`: the same for α
/// @param modulesToSave     `modules_to_save`: modules trained and saved in full
/// @param tiesSaved         `ensure_weight_tying`: of tied embedding and output layer, saving
///     one saves
///     both
/// @param initialisation    `init_lora_weights`
/// @param taskType          `task_type`
/// @param baseModel         `base_model_name_or_path`
public record LoraConfig(
        int rank,
        double alpha,
        double dropout,
        boolean rankStabilised,
        ModuleSelection targets,
        Optional<ModuleSelection> excluded,
        List<Integer> layers,
        List<String> layersPattern,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        List<String> modulesToSave,
        boolean tiesSaved,
        LoraInitialisation initialisation,
        String taskType,
        Optional<String> baseModel) {
    static final String FILE = "adapter_config.json";

    /// `task_type` of adapters on sequence-classification models.
    public static final String SEQ_CLS = "SEQ_CLS";

    /// `task_type` of adapters on token-classification models.
    public static final String TOKEN_CLS = "TOKEN_CLS";

    /// What PEFT saves whole in adapters of these types, whatever else is named: the names that the
    /// head has in one family or another.
    public static final List<String> CLASSIFIER_HEADS = List.of("classifier", "score");

    /// @throws ConfigException if a value is outside its range or a pattern is malformed
    public LoraConfig {
        layers = List.copyOf(layers);
        layersPattern = List.copyOf(layersPattern);
        modulesToSave = List.copyOf(modulesToSave);
        // PEFT saves patterns with sorted keys, and the first match wins.
        rankPattern = Collections.unmodifiableMap(new TreeMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new TreeMap<>(alphaPattern));
        requireRank("r", rank);
        rankPattern.forEach((key, value) -> requireRank("rank_pattern." + key, value));
        requireFinite("lora_alpha", alpha);
        alphaPattern.forEach((key, value) -> requireFinite("alpha_pattern." + key, value));
        if (!(dropout >= 0 && dropout < 1)) {
            throw new ConfigException("lora_dropout is " + dropout + "; accepted: [0, 1)");
        }
        ModulePatterns.require("rank_pattern", rankPattern.keySet());
        ModulePatterns.require("alpha_pattern", alphaPattern.keySet());
        ModulePatterns.require("layers_pattern", layersPattern);
        ModulePatterns.require("modules_to_save", modulesToSave);
    }

    /// A configuration of equal adapters on all `targets`.
    public static LoraConfig of(int rank, double alpha, double dropout, ModuleSelection targets) {
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                false,
                targets,
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.KAIMING,
                "CAUSAL_LM",
                Optional.empty());
    }

    /// The configuration in an adapter folder or file.
    ///
    /// @throws org.attune.error.ModelException if the file is absent or damaged, or asks for a
    ///     feature that Attune doesn't have
    public static LoraConfig read(Path folderOrFile) {
        Path file = Files.isDirectory(folderOrFile) ? folderOrFile.resolve(FILE) : folderOrFile;
        return LoraJson.parse(JsonFields.read(file));
    }

    /// Whether the adapter belongs to a classification model.
    public boolean isClassifier() {
        return taskType.equals(SEQ_CLS) || taskType.equals(TOKEN_CLS);
    }

    /// Text of an `adapter_config.json` that PEFT loads.
    public String toJson() {
        return toJson(false);
    }

    /// As [#toJson()].
    ///
    /// @param transposed whether the base model's files hold matrices as `(in, out)`, which PEFT
    ///     calls `fan_in_fan_out`
    String toJson(boolean transposed) {
        return PrettyJson.text(LoraJson.toNode(this, transposed));
    }

    /// LoRA of a module, or empty if it gets none. Ask for linear modules only: a configuration
    /// doesn't know what a path stands for.
    ///
    /// @param path Hugging Face's module path, e.g. `model.layers.0.self_attn.q_proj`
    public Optional<LoraTarget> match(String path) {
        if (!isTargeted(path)) {
            return Optional.empty();
        }
        int r = ModulePatterns.find("rank_pattern", rankPattern, path).orElse(rank);
        double a = ModulePatterns.find("alpha_pattern", alphaPattern, path).orElse(alpha);
        double scaling = rankStabilised ? a / Math.sqrt(r) : a / r;
        return Optional.of(new LoraTarget(path, r, a, scaling, dropout));
    }

    /// LoRA of all modules that get one, in the order given.
    ///
    /// @param linearPaths paths of the model's linear modules
    /// @throws ConfigException if none matches, or a plain name in the configuration matches none
    public List<LoraTarget> matchAll(Collection<String> linearPaths) {
        List<LoraTarget> matched = linearPaths.stream().flatMap(p -> match(p).stream()).toList();
        if (matched.isEmpty()) {
            throw new ConfigException(
                    "target_modules %s matches no linear module; there are %s"
                            .formatted(LoraJson.describe(targets), lastNames(linearPaths)));
        }
        if (targets instanceof ModuleSelection.Names(List<String> names)) {
            for (String name : names) {
                var one = new ModuleSelection.Names(List.of(name));
                if (linearPaths.stream().noneMatch(one::contains)) {
                    throw new ConfigException(
                            "target_modules: \"%s\" is no linear module; there are %s"
                                    .formatted(name, lastNames(linearPaths)));
                }
            }
        }
        return matched;
    }

    /// Whether a module is trained and saved in full. PEFT compares ends of paths as plain text:
    /// `norm` means `post_attention_layernorm` too.
    ///
    /// @param tied whether the model's output layer is its embedding
    public boolean savesWhole(String path, boolean tied) {
        return isNamedWhole(path)
                || tied
                        && tiesSaved
                        && switch (path) {
                            case "lm_head" -> isNamedWhole("model.embed_tokens");
                            case "model.embed_tokens" -> isNamedWhole("lm_head");
                            default -> false;
                        };
    }

    private boolean isNamedWhole(String path) {
        return modulesToSave.stream().anyMatch(path::endsWith);
    }

    /// The same with `all-linear` written out as the module paths that it stands for, as PEFT saves
    /// it.
    public LoraConfig withTargetsResolved(Collection<String> linearPaths) {
        if (!(targets instanceof ModuleSelection.AllLinear)) {
            return this;
        }
        List<String> paths = matchAll(linearPaths).stream().map(LoraTarget::path).toList();
        return with(new ModuleSelection.Names(paths), modulesToSave, taskType, baseModel);
    }

    /// The same on another base model.
    public LoraConfig withBaseModel(String name) {
        return with(targets, modulesToSave, taskType, Optional.of(name));
    }

    /// The same on a sequence-classification model of the same trunk, whose score head is saved
    /// whole; what concerned an output layer is left out.
    public LoraConfig asClassifier(String outputLayer) {
        var whole = new LinkedHashSet<>(modulesToSave);
        whole.removeIf(outputLayer::endsWith);
        whole.addAll(CLASSIFIER_HEADS);
        return with(targets, List.copyOf(whole), SEQ_CLS, baseModel);
    }

    private LoraConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                rankStabilised,
                otherTargets,
                excluded,
                layers,
                layersPattern,
                rankPattern,
                alphaPattern,
                otherModules,
                tiesSaved,
                initialisation,
                otherTask,
                otherBase);
    }

    private boolean isTargeted(String path) {
        boolean isExcluded =
                ModulePatterns.named(
                        "exclude_modules",
                        () -> excluded.filter(e -> e.contains(path)).isPresent());
        if (isExcluded || ModulePatterns.areInside(modulesToSave, path)) {
            return false;
        }
        return switch (targets) {
            case ModuleSelection.Names names ->
                    names.names().contains(path)
                            || names.contains(path)
                                    && ModulePatterns.isInLayers(path, layers, layersPattern);
            case ModuleSelection.Regex regex ->
                    ModulePatterns.named("target_modules", () -> regex.contains(path));
            case ModuleSelection.AllLinear all -> all.contains(path);
        };
    }

    /// Whether a key of `rank_pattern` or `alpha_pattern` means a module.
    public static boolean patternMatches(String pattern, String path) {
        return ModulePatterns.endsLike(path, pattern);
    }

    private static List<String> lastNames(Collection<String> paths) {
        return paths.stream().map(p -> p.substring(p.lastIndexOf('.') + 1)).distinct().toList();
    }

    private static void requireRank(String key, int value) {
        if (value < 1) {
            throw new ConfigException(key + " is " + value + "; accepted: integers ≥ 1");
        }
    }

    private static void requireFinite(String key, double value) {
        if (!Double.isFinite(value)) {
            throw new ConfigException(key + " is " + value + "; accepted: finite numbers");
        }
    }
}
