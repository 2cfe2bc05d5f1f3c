package org.attune.adapter;

import org.attune.adapter.formula.FormulaKind;
import org.attune.adapter.formula.FormulaOptions;
import org.attune.adapter.formula.RankSchedule;
import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Configuration of an adapter whose updates of weights are formulas, with a `peft_type` of
/// [FormulaKind].
///
/// @param kind of formula
/// @param options of that kind
/// @param rankPattern `rank_pattern`: regular expression of a path's end → `r`
/// @param alphaPattern `alpha_pattern`: the same for `alpha`
/// @param modules that get an adapter
/// @param taskType `task_type`
/// @param baseModel `base_model_name_or_path`
public record FormulaConfig(
        FormulaKind kind,
        FormulaOptions options,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        TargetedModules modules,
        String taskType,
        Optional<String> baseModel)
        implements AdapterConfig {
    /// @throws ConfigException if a value is outside its range or a pattern is malformed
    public FormulaConfig {
        rankPattern = Collections.unmodifiableMap(new TreeMap<>(rankPattern));
        alphaPattern = Collections.unmodifiableMap(new TreeMap<>(alphaPattern));
        ModulePatterns.require("rank_pattern", rankPattern.keySet());
        ModulePatterns.require("alpha_pattern", alphaPattern.keySet());
        requirePatterns(kind, "rank_pattern", rankPattern);
        requirePatterns(kind, "alpha_pattern", alphaPattern);
        kind.formula(options);
        rankPattern.values().forEach(r -> kind.formula(options.with("r", r)));
        alphaPattern.values().forEach(a -> kind.formula(options.with("alpha", a)));
    }

    /// PEFT has patterns for kinds with an `alpha`.
    private static void requirePatterns(FormulaKind kind, String pattern, Map<String, ?> given) {
        if (!given.isEmpty() && !kind.defaults().values().containsKey("alpha")) {
            throw new ConfigException(
                    "%s is %s; adapters of kind %s have no patterns, accepted: {}"
                            .formatted(pattern, given, kind));
        }
    }

    /// Equal adapters on these modules of a causal language model.
    public static FormulaConfig of(
            FormulaKind kind, FormulaOptions options, ModuleSelection targets) {
        return new FormulaConfig(
                kind,
                options,
                Map.of(),
                Map.of(),
                TargetedModules.of(targets),
                "CAUSAL_LM",
                Optional.empty());
    }

    @Override
    public ModuleSelection targets() {
        return modules.targets();
    }

    @Override
    public List<String> modulesToSave() {
        return modules.modulesToSave();
    }

    @Override
    public double dropout() {
        return 0;
    }

    @Override
    public Optional<AdapterTarget> match(String path) {
        if (!modules.contains(path)) {
            return Optional.empty();
        }
        FormulaOptions own =
                ModulePatterns.find("rank_pattern", rankPattern, path)
                        .map(r -> options.with("r", r))
                        .orElse(kind.at(options, path));
        FormulaOptions scaled =
                ModulePatterns.find("alpha_pattern", alphaPattern, path)
                        .map(a -> own.with("alpha", a))
                        .orElse(own);
        return Optional.of(new FormulaTarget(path, kind.formula(scaled)));
    }

    @Override
    public List<String> suffixes() {
        return kind.formula(options).suffixes().stream().map(s -> "." + s).toList();
    }

    @Override
    public LoraInitialisation initialisation() {
        return options.startsAtBase() ? LoraInitialisation.KAIMING : LoraInitialisation.RANDOM_BOTH;
    }

    @Override
    public Optional<String> untrainable() {
        try {
            ranks();
        } catch (ConfigException e) {
            return Optional.of(e.getMessage());
        }
        if (kind.hasCutRanks(options)) {
            return Optional.of(
                    "rank_pattern says that ranks were cut already; such an adapter can be used and"
                            + " merged, but not trained on");
        }
        return kind.dropouts().stream()
                .filter(key -> options.values().get(key).doubleValue() != 0)
                .map(key -> key + " is " + options.values().get(key) + "; training accepts 0 only")
                .findFirst();
    }

    /// How training spends ranks, if it does.
    ///
    /// @throws ConfigException if a value is outside its range
    public Optional<RankSchedule> ranks() {
        return kind.ranks(options);
    }

    /// The configuration of this adapter without the ranks that were cut.
    ///
    /// @param kept which ranks of each module, by its path, are kept
    public FormulaConfig withRanks(Map<String, boolean[]> kept) {
        return new FormulaConfig(
                kind,
                kind.withRanks(options, kept),
                rankPattern,
                alphaPattern,
                modules,
                taskType,
                baseModel);
    }

    @Override
    public boolean savesWhole(String path, boolean tied) {
        return modulesToSave().stream().anyMatch(path::endsWith);
    }

    @Override
    public String described() {
        return "an adapter of kind %s with %s".formatted(kind, options.values());
    }

    @Override
    public List<String> shared() {
        return kind.formula(options).shared(1, 1).stream().map(s -> s.suffix()).toList();
    }

    @Override
    public boolean tiesSaved() {
        return false;
    }

    @Override
    public FormulaConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new FormulaConfig(
                kind,
                options,
                rankPattern,
                alphaPattern,
                modules.with(otherTargets, otherModules),
                otherTask,
                otherBase);
    }

    @Override
    public String toJson(boolean transposed) {
        return Json.pretty(FormulaJson.toNode(this, transposed));
    }
}
