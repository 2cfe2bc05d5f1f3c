package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.adapter.formula.WeightFormula;
import org.attune.error.ConfigException;
import org.attune.files.JsonFields;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// Kinds of adapters that put virtual tokens before every sequence, by PEFT's `peft_type`.
enum PromptKind {
    /// Trained vectors in place of embeddings.
    PROMPT_TUNING(
            """
            {"prompt_tuning_init": "RANDOM", "prompt_tuning_init_text": null,
             "tokenizer_name_or_path": null, "tokenizer_kwargs": null}\
            """),
    /// Trained keys and values of each layer.
    PREFIX_TUNING(
            """
            {"encoder_hidden_size": null, "prefix_projection": false, "init_weights": null}\
            """),
    /// Vectors in place of embeddings that a small network makes.
    P_TUNING(
            """
            {"encoder_reparameterization_type": "MLP", "encoder_hidden_size": null,
             "encoder_num_layers": 2, "encoder_dropout": 0.0}\
            """);

    private static final String HIDDEN = "encoder_hidden_size";

    private final String defaults;

    /// @param defaults fields in `adapter_config.json` that the others don't have, as an object
    PromptKind(String defaults) {
        this.defaults = defaults;
    }

    /// What a run may set by PEFT's names.
    Set<String> fields() {
        var fields = new TreeSet<>(JsonFields.parse(name(), defaults).keys());
        fields.add(PromptConfig.COUNT);
        return fields;
    }

    /// Its own fields of a configuration, checked.
    Map<String, JsonNode> read(JsonFields json) {
        JsonFields usual = JsonFields.parse(name(), defaults);
        var read = new TreeMap<String, JsonNode>();
        for (String key : usual.keys()) {
            JsonNode value = json.has(key) ? json.get(key) : usual.get(key);
            read.put(key, value == null ? AdapterJson.NODES.nullNode() : value);
        }
        switch (this) {
            case PROMPT_TUNING ->
                    require(json, "prompt_tuning_init", "RANDOM", "SAMPLE_VOCAB", "TEXT");
            case PREFIX_TUNING -> {
                json.flag("prefix_projection", false);
                if (json.has("init_weights")) {
                    require(json, "init_weights", "zero");
                }
            }
            case P_TUNING -> {
                require(json, "encoder_reparameterization_type", "MLP", "LSTM");
                json.size("encoder_num_layers", PromptConfig.MOST, 2);
                double dropout = json.number("encoder_dropout", 0);
                if (!(dropout >= 0 && dropout < 1)) {
                    throw json.invalid("encoder_dropout", "numbers in [0, 1)");
                }
            }
        }
        if (this != PROMPT_TUNING && json.has(HIDDEN)) {
            json.size(HIDDEN, PromptConfig.MOST);
        }
        return read;
    }

    private static void require(JsonFields json, String key, String... accepted) {
        if (json.has(key) && !List.of(accepted).contains(json.text(key))) {
            throw json.invalid(key, "\"" + String.join("\", \"", accepted) + "\"");
        }
    }

    /// How a fresh adapter makes its table.
    ///
    /// @param options of [#read]
    /// @param width of a token's vector; of a prefix the numbers of a layer's keys
    /// @throws ConfigException if an option is missing, or training doesn't obey it
    WeightFormula formula(Map<String, JsonNode> options, int width) {
        return switch (this) {
            case PROMPT_TUNING -> PromptFormulas.table(false);
            case PREFIX_TUNING -> {
                boolean zero = !options.get("init_weights").isNull();
                yield options.get("prefix_projection").booleanValue()
                        ? PromptFormulas.projection(width, hidden(options), zero)
                        : PromptFormulas.table(zero);
            }
            case P_TUNING -> {
                if (!options.get("encoder_reparameterization_type").textValue().equals("LSTM")) {
                    yield PromptFormulas.layers(width, hidden(options));
                }
                if (options.get("encoder_dropout").doubleValue() != 0) {
                    throw new ConfigException(
                            "encoder_dropout is %s; accepted: 0, since nothing is dropped here"
                                    .formatted(options.get("encoder_dropout")));
                }
                int depth = options.get("encoder_num_layers").intValue();
                yield PromptFormulas.recurrent(width, hidden(options), depth);
            }
        };
    }

    private int hidden(Map<String, JsonNode> options) {
        if (options.get(HIDDEN).isNull()) {
            throw new ConfigException(
                    "%s is missing; with %s it is the width inside of the encoder, e.g. 128"
                            .formatted(HIDDEN, name()));
        }
        return options.get(HIDDEN).intValue();
    }
}
