package org.attune.adapter;

import java.util.List;
import java.util.Optional;

/// Which modules get an adapter, by PEFT's rules.
///
/// @param targets `target_modules`
/// @param excluded `exclude_modules`
/// @param layers `layers_to_transform`; empty is all. Only modules named by suffix obey it
/// @param layersPattern `layers_pattern`: names of the list of layers; empty is any
/// @param modulesToSave `modules_to_save`: modules trained and saved in full
public record TargetedModules(
        ModuleSelection targets,
        Optional<ModuleSelection> excluded,
        List<Integer> layers,
        List<String> layersPattern,
        List<String> modulesToSave) {
    /// @throws org.attune.error.ConfigException if a pattern is malformed
    public TargetedModules {
        layers = List.copyOf(layers);
        layersPattern = List.copyOf(layersPattern);
        modulesToSave = List.copyOf(modulesToSave);
        ModulePatterns.require("layers_pattern", layersPattern);
        ModulePatterns.require("modules_to_save", modulesToSave);
    }

    /// These modules in all layers.
    public static TargetedModules of(ModuleSelection targets) {
        return new TargetedModules(targets, Optional.empty(), List.of(), List.of(), List.of());
    }

    /// Replaces the targets and the modules that are saved whole.
    TargetedModules with(ModuleSelection otherTargets, List<String> otherModules) {
        return new TargetedModules(otherTargets, excluded, layers, layersPattern, otherModules);
    }

    /// Whether a linear module gets an adapter.
    boolean contains(String path) {
        if (ModulePatterns.isExcluded(excluded, path)
                || ModulePatterns.areInside(modulesToSave, path)) {
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
}
