package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.files.JsonFields;
import org.attune.json.Json;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Configuration of an adapter that is some rows of the embedding, PEFT's
/// `peft_type: TRAINABLE_TOKENS`. A tied output layer has these rows too.
///
/// @param modules `target_modules`: ends of the embedding's path; none is the embedding
/// @param tokens `token_indices`: ids of the tokens whose rows are trained
/// @param startsAtBase `init_weights`: whether a fresh adapter has the model's own rows, else
///     random ones
/// @param taskType `task_type`
/// @param baseModel `base_model_name_or_path`
public record TokensConfig(
        List<String> modules,
        List<Integer> tokens,
        boolean startsAtBase,
        String taskType,
        Optional<String> baseModel)
        implements AdapterConfig {
    /// `peft_type`.
    static final String TYPE = "TRAINABLE_TOKENS";

    /// @throws org.attune.error.ConfigException if a token stands twice or is negative, or there is
    ///     none
    public TokensConfig {
        modules = List.copyOf(modules);
        tokens = List.copyOf(tokens);
        LoraOptions.requireTokens("", tokens);
    }

    static TokensConfig parse(JsonFields json) {
        return AdapterJson.located(
                json,
                () ->
                        new TokensConfig(
                                json.texts("target_modules"),
                                json.integers("token_indices"),
                                json.flag("init_weights", true),
                                json.text("task_type", "CAUSAL_LM"),
                                json.optionalText("base_model_name_or_path")));
    }

    @Override
    public List<String> suffixes() {
        return List.of();
    }

    @Override
    public Optional<TokenRows> tokenRows(String path, boolean embedding) {
        boolean meant = modules.isEmpty() ? embedding : targets().contains(path);
        return meant
                ? Optional.of(
                        new TokenRows(
                                AdapterTarget.PREFIX + path + TokenRows.SUFFIX,
                                tokens,
                                startsAtBase))
                : Optional.empty();
    }

    @Override
    public ModuleSelection targets() {
        return new ModuleSelection.Names(modules);
    }

    /// No linear module is changed.
    @Override
    public Optional<AdapterTarget> match(String path) {
        return Optional.empty();
    }

    @Override
    public List<AdapterTarget> matchAll(Collection<String> linearPaths, String embedding) {
        return List.of();
    }

    @Override
    public List<String> modulesToSave() {
        return List.of();
    }

    @Override
    public double dropout() {
        return 0;
    }

    @Override
    public boolean savesWhole(String path, boolean tied) {
        return false;
    }

    @Override
    public boolean tiesSaved() {
        return false;
    }

    @Override
    public TokensConfig with(
            ModuleSelection otherTargets,
            List<String> otherModules,
            String otherTask,
            Optional<String> otherBase) {
        return new TokensConfig(modules, tokens, startsAtBase, otherTask, otherBase);
    }

    @Override
    public String toJson(boolean transposed) {
        Map<String, JsonNode> fields = new TreeMap<>();
        AdapterJson.putCommon(fields, TYPE, this, Optional.empty(), transposed);
        fields.keySet().removeAll(List.of("fan_in_fan_out", "exclude_modules", "modules_to_save"));
        fields.put("token_indices", AdapterJson.integers(tokens));
        fields.put("init_weights", AdapterJson.NODES.booleanNode(startsAtBase));
        return Json.pretty(AdapterJson.sorted(fields));
    }
}
