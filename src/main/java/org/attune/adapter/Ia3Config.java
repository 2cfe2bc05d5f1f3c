package org.attune.adapter;

import org.attune.error.ConfigException;
import org.attune.json.Json;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Configuration of an adapter that scales keys, values and feed-forward features, PEFT's
/// `peft_type: IA3`. Matching of modules is PEFT's. [Liu et al. 2022,
/// §3.3](https://arxiv.org/abs/2205.05638).
///
/// @param targets       `target_modules`
/// @param excluded      `exclude_modules`
/// @param feedforward   `feedforward_modules`: those of the targets whose input is scaled,
///     not their output
/// @param modulesToSave `modules_to_save`: modules trained and saved in full
/// @param taskType      `task_type`
/// @param baseModel     `base_model_name_or_path`
public record Ia3Config(
        ModuleSelection targets,
        Optional<ModuleSelection> excluded,
        ModuleSelection feedforward,
        List<String> modulesToSave,
        String taskType,
        Optional<String> baseModel)
        implements AdapterConfig {
    /// @throws ConfigException if feed-forward modules are named that are no targets
    public Ia3Config {
        modulesToSave = List.copyOf(modulesToSave);
        ModulePatterns.require("modules_to_save", modulesToSave);
        if (targets instanceof ModuleSelection.Names(List<String> names)
                && feedforward instanceof ModuleSelection.Names(List<String> inner)
                && !names.containsAll(inner)) {
            throw new ConfigException(
                    "feedforward_modules is %s; accepted: names that target_modules %s has too"
                            .formatted(inner, names));
        }
    }

    /// An adapter on these modules of a causal language model.
    ///
    /// @param feedforward those of them whose input is scaled
    public static Ia3Config of(ModuleSelection targets, ModuleSelection feedforward) {
        return new Ia3Config(
                targets, Optional.empty(), feedforward, List.of(), "CAUSAL_LM", Optional.empty());
    }

    @Override
    public List<String> suffixes() {
        return List.of(Ia3Target.SUFFIX);
    }

    @Override
    public Optional<AdapterTarget> match(String path) {
        boolean isTargeted =
                ModulePatterns.named("target_modules", () -> targets.contains(path))
                        && !ModulePatterns.isExcluded(excluded, path)
                        && !ModulePatterns.areInside(modulesToSave, path);
        return isTargeted
                ? Optional.of(new Ia3Target(path, isFeedforward(path)))
                : Optional.empty();
    }

    /// PEFT compares names with ends of paths as plain text here.
    private boolean isFeedforward(String path) {
        return feedforward instanceof ModuleSelection.Names(List<String> names)
                ? names.stream().anyMatch(path::endsWith)
                : ModulePatterns.named("feedforward_modules", () -> feedforward.contains(path));
    }

    @Override
    public boolean savesWhole(String path, boolean tied) {
        return modulesToSave.stream().anyMatch(path::endsWith);
    }

    @Override
    public String described() {
        return "an IA3 adapter";
    }

    @Override
    public boolean tiesSaved() {
        return false;
    }

    @Override
    public double dropout() {
        return 0;
    }

    @Override
    public Ia3Config with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new Ia3Config(
                otherTargets, excluded, feedforward, otherModules, otherTask, otherBase);
    }

    /// Writes the feed-forward modules out too, since PEFT wants them among the targets.
    @Override
    public Ia3Config withTargets(List<String> paths, UnaryOperator<String> name) {
        List<String> inner = paths.stream().filter(this::isFeedforward).toList();
        return new Ia3Config(
                new ModuleSelection.Names(paths.stream().map(name).distinct().toList()),
                excluded,
                new ModuleSelection.Names(inner.stream().map(name).distinct().toList()),
                modulesToSave,
                taskType,
                baseModel);
    }

    @Override
    public String toJson(boolean transposed) {
        return Json.pretty(Ia3Json.toNode(this, transposed));
    }
}
