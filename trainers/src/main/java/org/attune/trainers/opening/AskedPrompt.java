package org.attune.trainers.opening;

import org.attune.adapter.AdapterConfig;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.models.ModelSetup;
import org.attune.trainers.config.LoraSettings;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// The adapter of virtual tokens that a run's settings ask for.
final class AskedPrompt {
    private static final String COUNT = "num_virtual_tokens";
    private static final String TEXT = "prompt_tuning_init_text";
    private static final String TOKENIZER = "tokenizer_name_or_path";
    private static final String KWARGS = "peft_kwargs";

    private AskedPrompt() {}

    /// @throws ConfigException if a field is missing, or the model is none that predicts tokens
    static AdapterConfig of(LoraSettings settings, ModelSetup model, DecoderConfig shape) {
        String kind = settings.peftType().name();
        String name = kind.toLowerCase(Locale.ROOT);
        requireFits(settings, shape, name);
        Map<String, Object> fields = new TreeMap<>(settings.peftKwargs());
        fields.keySet()
                .forEach(
                        key ->
                                AskedAdapter.requireField(
                                        kind, key, AdapterConfig.promptFields(kind)));
        if (!fields.containsKey(COUNT)) {
            throw ConfigException.about(
                    KWARGS,
                    "%s is missing; with peft_type: %s it says how many, e.g. {%s: 20}"
                            .formatted(COUNT, name, COUNT));
        }
        boolean isPrefix = kind.equals("PREFIX_TUNING");
        fields.put("peft_type", kind);
        fields.put("num_layers", shape.layers());
        fields.put("num_attention_heads", isPrefix ? shape.kvHeads() : shape.heads());
        fields.put("token_dim", isPrefix ? shape.kvHeads() * shape.headDim() : shape.hiddenSize());
        try {
            List<Integer> text = text(fields, model);
            return AdapterConfig.ofPrompt("peft_type: " + name, fields, text);
        } catch (AttuneException e) {
            throw ConfigException.about(KWARGS, e.getMessage());
        }
    }

    private static void requireFits(LoraSettings settings, DecoderConfig shape, String name) {
        if (shape.scores()) {
            throw ConfigException.about(
                    "peft_type",
                    name + "; accepted for models that predict tokens, not for models that score");
        }
        if (!settings.loraTargetModules().isEmpty() || !settings.loraModulesToSave().isEmpty()) {
            boolean whole = settings.loraTargetModules().isEmpty();
            throw ConfigException.about(
                    whole ? "lora_modules_to_save" : "lora_target_modules",
                    "%s; unset with peft_type: %s, which changes no module"
                            .formatted(
                                    whole
                                            ? settings.loraModulesToSave()
                                            : settings.loraTargetModules(),
                                    name));
        }
    }

    /// Ids of the text that a prompt begins as, with the special tokens of a text, as PEFT has it.
    private static List<Integer> text(Map<String, Object> fields, ModelSetup model) {
        if (!"TEXT".equals(fields.get("prompt_tuning_init"))) {
            if (fields.containsKey(TEXT)) {
                throw new ConfigException(TEXT + " is read with prompt_tuning_init: TEXT only");
            }
            return List.of();
        }
        if (fields.get("tokenizer_kwargs") != null) {
            throw new ConfigException("tokenizer_kwargs; accepted: null");
        }
        String own = model.source().nameOrPath();
        if (!own.equals(fields.getOrDefault(TOKENIZER, own))) {
            throw new ConfigException(
                    "%s is %s; accepted: unset, since the model's own is used"
                            .formatted(TOKENIZER, fields.get(TOKENIZER)));
        }
        fields.put(TOKENIZER, own); // PEFT wants it
        if (!(fields.get(TEXT) instanceof String text) || text.isBlank()) {
            throw new ConfigException(
                    TEXT + " is missing; with prompt_tuning_init: TEXT it is the text to begin as");
        }
        int[] ids = model.text().tokenizer().encode(text, true);
        return Arrays.stream(ids).boxed().toList();
    }
}
