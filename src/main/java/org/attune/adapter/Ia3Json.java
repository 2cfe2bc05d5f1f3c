package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;

import java.util.List;
import java.util.TreeMap;

/// `adapter_config.json` of PEFT's IA³. Unknown fields are ignored, since newer versions add some.
final class Ia3Json {
    private Ia3Json() {}

    static Ia3Config parse(JsonFields json) {
        return AdapterJson.located(
                json,
                () ->
                        new Ia3Config(
                                AdapterJson.targets(json),
                                AdapterJson.selection(json, "exclude_modules"),
                                AdapterJson.selection(json, "feedforward_modules")
                                        .orElse(new ModuleSelection.Names(List.of())),
                                json.texts("modules_to_save"),
                                json.text("task_type", "CAUSAL_LM"),
                                json.optionalText("base_model_name_or_path")));
    }

    static ObjectNode toNode(Ia3Config config, boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        AdapterJson.putCommon(fields, "IA3", config, config.excluded(), transposed);
        JsonNode inner = AdapterJson.selection(config.feedforward());
        // PEFT refuses null here.
        fields.put(
                "feedforward_modules",
                inner.isNull() ? JsonNodeFactory.instance.arrayNode() : inner);
        fields.put("init_ia3_weights", AdapterJson.NODES.booleanNode(true));
        return AdapterJson.sorted(fields);
    }
}
