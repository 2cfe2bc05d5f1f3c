package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// A LoRA adapter's configuration, PEFT's `adapter_config.json`. Matching of modules, ranks and
/// scales is PEFT's. [Hu et al. 2021, Eq. 3](https://arxiv.org/abs/2106.09685); rsLoRA:
/// [Kalajdzievski 2023](https://arxiv.org/abs/2312.03732).
///
/// @param rank              `r`, ≥ 1
/// @param alpha             `lora_alpha`, finite
/// @param dropout           `lora_dropout`, in [0, 1)
/// @param rankStabilised    `use_rslora`: scaling α/√r instead of α/r
/// @param decomposed        `use_dora`: the rows of a changed weight have trained lengths,
///     [Liu et al. 2024](https://arxiv.org/abs/2402.09353)
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
/// @param options           what few adapters have
@Api(EXPERIMENTAL)
public record LoraConfig(
        int rank,
        double alpha,
        double dropout,
        boolean rankStabilised,
        boolean decomposed,
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
        Optional<String> baseModel,
        LoraOptions options)
        implements AdapterConfig {
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
        options.requireFit(initialisation, decomposed, dropout);
        if (initialisation == LoraInitialisation.ORTHOGONAL) {
            requireEven("r", rank);
            rankPattern.forEach((key, value) -> requireEven("rank_pattern." + key, value));
        }
    }

    /// Without the options that few adapters have.
    ///
    /// @throws ConfigException if a value is outside its range or a pattern is malformed
    public LoraConfig(
            int rank,
            double alpha,
            double dropout,
            boolean rankStabilised,
            boolean decomposed,
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
        this(
                rank,
                alpha,
                dropout,
                rankStabilised,
                decomposed,
                targets,
                excluded,
                layers,
                layersPattern,
                rankPattern,
                alphaPattern,
                modulesToSave,
                tiesSaved,
                initialisation,
                taskType,
                baseModel,
                LoraOptions.NONE);
    }

    /// A configuration of equal adapters on all `targets`.
    public static LoraConfig of(int rank, double alpha, double dropout, ModuleSelection targets) {
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                false,
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
                Optional.empty(),
                LoraOptions.NONE);
    }

    /// Fields of PEFT's configuration beside rank, α, dropout, targets, patterns and modules that
    /// are saved whole.
    public static Set<String> moreFields() {
        return LoraJson.MORE;
    }

    /// Replaces what fields with PEFT's names say, all of [#moreFields].
    ///
    /// @param where name of the fields in error messages
    /// @throws org.attune.error.AttuneException if a value can't be used, naming the field
    public LoraConfig with(String where, Map<String, Object> fields) {
        return LoraJson.with(JsonFields.of(where, fields), this);
    }

    @Override
    public String toJson(boolean transposed) {
        return Json.pretty(LoraJson.toNode(this, transposed));
    }

    @Override
    public List<String> suffixes() {
        return List.of(
                LoraTarget.SUFFIX_A,
                LoraTarget.SUFFIX_B,
                LoraTarget.SUFFIX_BIAS,
                LoraTarget.SUFFIX_MAGNITUDE,
                LoraTarget.SUFFIX_EMBEDDING_A,
                LoraTarget.SUFFIX_EMBEDDING_B);
    }

    @Override
    public Optional<AdapterTarget> match(String path) {
        return isTargeted(path)
                ? Optional.of(
                        target(
                                path,
                                options.updateBias()
                                        ? LoraTarget.Form.BIASED
                                        : LoraTarget.Form.LINEAR))
                : Optional.empty();
    }

    @Override
    public Optional<AdapterTarget> matchEmbedding(String path) {
        boolean named = !(targets instanceof ModuleSelection.AllLinear);
        return named && isTargeted(path)
                ? Optional.of(target(path, LoraTarget.Form.EMBEDDING))
                : Optional.empty();
    }

    @Override
    public Optional<AdapterTarget> matchParameter(String name, String path) {
        boolean named =
                parameters().stream().anyMatch(p -> name.equals(p) || name.endsWith("." + p));
        return named
                ? Optional.of(target(name, LoraTarget.Form.EXPERT).at(path))
                : Optional.empty();
    }

    /// The option that PEFT has for modules and not for parameters that hold all experts, if one is
    /// set.
    public Optional<String> optionUnlikeParameters() {
        return options.unlikeParameters(decomposed, dropout);
    }

    @Override
    public List<String> parameters() {
        return options.parameters();
    }

    @Override
    public Optional<AdapterTarget.TokenRows> tokenRows(String path, boolean embedding) {
        return options.tokens().entrySet().stream()
                .filter(
                        e ->
                                e.getKey().equals(LoraOptions.EMBEDDING)
                                        ? embedding
                                        : path.endsWith(e.getKey()))
                .map(
                        e ->
                                new AdapterTarget.TokenRows(
                                        AdapterTarget.PREFIX
                                                + path
                                                + ".token_adapter"
                                                + AdapterTarget.TokenRows.SUFFIX,
                                        e.getValue(),
                                        true))
                .findFirst();
    }

    @Override
    public LoraOptions.Biases biases() {
        return options.biases();
    }

    @Override
    public List<List<Integer>> replication() {
        return options.replication();
    }

    private boolean isTargeted(String path) {
        return new TargetedModules(targets, excluded, layers, layersPattern, modulesToSave)
                .contains(path);
    }

    private LoraTarget target(String path, LoraTarget.Form form) {
        int r = ModulePatterns.find("rank_pattern", rankPattern, path).orElse(rank);
        double a = ModulePatterns.find("alpha_pattern", alphaPattern, path).orElse(alpha);
        double scaling = rankStabilised ? a / Math.sqrt(r) : a / r;
        return new LoraTarget(path, r, a, scaling, dropout, decomposed, form);
    }

    @Override
    public String described() {
        return "an adapter%s of rank %d, alpha %s, dropout %s"
                .formatted(decomposed ? " with use_dora" : "", rank, alpha, dropout);
    }

    /// PEFT compares ends of paths as plain text: `norm` means `post_attention_layernorm` too.
    @Override
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

    @Override
    public LoraConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                rankStabilised,
                decomposed,
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
                otherBase,
                options);
    }

    /// A plain LoRA on the unchanged base: what was taken from it is put back, `B A − B₀ A₀` as one
    /// update of twice the rank.
    @Override
    public LoraConfig onBase() {
        if (!initialisation.takesFromBase() && !initialisation.mendsBase()) {
            return this;
        }
        int times = initialisation.takesFromBase() ? 2 : 1;
        double more = rankStabilised ? Math.sqrt(times) : times; // the scaling stays as it is
        Map<String, Integer> ranks = new TreeMap<>(rankPattern);
        ranks.replaceAll((_, r) -> times * r);
        Map<String, Double> alphas = new TreeMap<>(alphaPattern);
        alphas.replaceAll((_, a) -> more * a);
        return new LoraConfig(
                times * rank,
                more * alpha,
                dropout,
                rankStabilised,
                decomposed,
                targets,
                excluded,
                layers,
                layersPattern,
                ranks,
                alphas,
                modulesToSave,
                tiesSaved,
                LoraInitialisation.KAIMING,
                taskType,
                baseModel,
                options);
    }

    /// The configuration with the rank of each module; one of rank 0 is left out. α changes with
    /// ranks if `eva_config` says so.
    ///
    /// @param ranks of all modules that this configuration means, by path
    public LoraConfig withRanks(Map<String, Integer> ranks) {
        Map<String, Integer> ownRanks = new TreeMap<>();
        Map<String, Double> ownAlphas = new TreeMap<>();
        for (AdapterTarget target : matchAll(ranks.keySet())) {
            var module = (LoraTarget) target;
            int r = ranks.get(module.path());
            boolean adjusts = options.eva().adjusts() && r != module.rank();
            double a = adjusts ? module.alpha() * r / module.rank() : module.alpha();
            if (r > 0 && r != rank) {
                ownRanks.put(module.path(), r);
            }
            if (r > 0 && a != alpha) {
                ownAlphas.put(module.path(), a);
            }
        }
        List<String> kept =
                ranks.entrySet().stream()
                        .filter(e -> e.getValue() > 0)
                        .map(Map.Entry::getKey)
                        .toList();
        boolean all = kept.size() == ranks.size();
        return new LoraConfig(
                rank,
                alpha,
                dropout,
                rankStabilised,
                decomposed,
                all ? targets : new ModuleSelection.Names(kept),
                all ? excluded : Optional.empty(),
                all ? layers : List.of(),
                all ? layersPattern : List.of(),
                ownRanks,
                ownAlphas,
                modulesToSave,
                tiesSaved,
                LoraInitialisation.KAIMING,
                taskType,
                baseModel,
                options);
    }

    /// Whether a key of `rank_pattern` or `alpha_pattern` means a module.
    public static boolean patternMatches(String pattern, String path) {
        return ModulePatterns.endsLike(path, pattern);
    }

    private static void requireRank(String key, int value) {
        if (value < 1) {
            throw new ConfigException(key + " is " + value + "; accepted: integers ≥ 1");
        }
    }

    private static void requireEven(String key, int value) {
        if (value % 2 != 0) {
            throw new ConfigException(
                    "%s is %d; accepted with init_lora_weights: orthogonal: even ranks"
                            .formatted(key, value));
        }
    }

    private static void requireFinite(String key, double value) {
        if (!Double.isFinite(value)) {
            throw new ConfigException(key + " is " + value + "; accepted: finite numbers");
        }
    }
}
