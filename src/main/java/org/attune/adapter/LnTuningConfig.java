package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/// Configuration of an adapter that consists of trained norms, PEFT's `peft_type: LN_TUNING`. [Zhao
/// et al. 2023](https://arxiv.org/abs/2312.11420).
///
/// @param targets       `target_modules`: norms
/// @param excluded      `exclude_modules`
/// @param modulesToSave `modules_to_save`: modules trained and saved in full beside them
/// @param taskType      `task_type`
/// @param baseModel     `base_model_name_or_path`
record LnTuningConfig(
        ModuleSelection targets,
        Optional<ModuleSelection> excluded,
        List<String> modulesToSave,
        String taskType,
        Optional<String> baseModel)
        implements AdapterConfig {
    static final String TYPE = "LN_TUNING";

    private static final String WITHIN = ".ln_tuning_layers";

    /// @throws ConfigException if a pattern is malformed, or linear modules are named
    LnTuningConfig {
        modulesToSave = List.copyOf(modulesToSave);
        ModulePatterns.require("modules_to_save", modulesToSave);
        if (targets instanceof ModuleSelection.AllLinear) {
            throw new ConfigException(
                    "target_modules is all-linear; accepted with LN_TUNING: names or a regular"
                            + " expression of norms");
        }
    }

    static LnTuningConfig parse(JsonFields json) {
        return AdapterJson.located(
                json,
                () ->
                        new LnTuningConfig(
                                AdapterJson.targets(json),
                                AdapterJson.selection(json, "exclude_modules"),
                                json.texts("modules_to_save"),
                                json.text("task_type", "CAUSAL_LM"),
                                json.optionalText("base_model_name_or_path")));
    }

    private boolean isTarget(String path) {
        return ModulePatterns.named("target_modules", () -> targets.contains(path))
                && !ModulePatterns.isExcluded(excluded, path);
    }

    @Override
    public List<String> suffixes() {
        return List.of();
    }

    @Override
    public double dropout() {
        return 0;
    }

    @Override
    public Optional<AdapterTarget> match(String path) {
        return Optional.empty();
    }

    @Override
    public List<AdapterTarget> matchAll(Collection<String> linearPaths, String embedding) {
        return List.of();
    }

    @Override
    public void requireNorms(Collection<String> norms, Collection<String> others) {
        for (String path : others) {
            if (isTarget(path)) {
                throw new ConfigException(
                        ("target_modules %s names %s; accepted with LN_TUNING: norms, of which"
                                        + " there are %s")
                                .formatted(
                                        AdapterJson.describe(targets),
                                        path,
                                        AdapterConfig.lastNames(norms)));
            }
        }
        if (targets instanceof ModuleSelection.Names(List<String> names)) {
            for (String name : names) {
                var one = new ModuleSelection.Names(List.of(name));
                requireSome(norms.stream().anyMatch(one::contains), name, norms);
            }
        }
        requireSome(norms.stream().anyMatch(this::isTarget), "", norms);
    }

    private void requireSome(boolean some, String name, Collection<String> norms) {
        if (!some) {
            throw new ConfigException(
                    "target_modules %s: no norm is named%s; there are %s"
                            .formatted(
                                    AdapterJson.describe(targets),
                                    name.isEmpty() ? "" : " \"" + name + "\"",
                                    AdapterConfig.lastNames(norms)));
        }
    }

    @Override
    public boolean savesWhole(String path, boolean tied) {
        return isTarget(path) || modulesToSave.stream().anyMatch(path::endsWith);
    }

    @Override
    public boolean tiesSaved() {
        return false;
    }

    @Override
    public String nameOfSaved(String tensor) {
        int dot = tensor.lastIndexOf('.');
        String path = tensor.substring(0, dot);
        return AdapterTarget.nameOfSaved(
                isTarget(path) ? path + WITHIN + tensor.substring(dot) : tensor);
    }

    @Override
    public String savedTensor(String inner) {
        return inner.replace(WITHIN + ".", ".");
    }

    @Override
    public String described() {
        return "an LN_TUNING adapter on " + AdapterJson.describe(targets);
    }

    @Override
    public LnTuningConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new LnTuningConfig(otherTargets, excluded, otherModules, otherTask, otherBase);
    }

    @Override
    public String toJson(boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        AdapterJson.putCommon(fields, TYPE, this, excluded, transposed);
        fields.remove("fan_in_fan_out"); // PEFT's configuration of this kind has none
        return Json.pretty(AdapterJson.sorted(fields));
    }
}
