package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.adapter.formula.FormulaKind;
import org.attune.files.JsonFields;

import java.util.Map;
import java.util.TreeMap;

/// `adapter_config.json` of adapters with formulas. Unknown fields are ignored: newer versions of
/// PEFT add some.
final class FormulaJson {
    private static final String TRANSPOSED = "fan_in_fan_out";

    private FormulaJson() {}

    static FormulaConfig parse(FormulaKind kind, JsonFields json) {
        return AdapterJson.located(
                json,
                () ->
                        new FormulaConfig(
                                kind,
                                kind.read(json),
                                // AdaLoRA's pattern is another one, and among its options
                                kind.hasPattern() ? Map.of() : AdapterJson.ranks(json),
                                AdapterJson.alphas(json),
                                AdapterJson.modules(json),
                                json.text("task_type", "CAUSAL_LM"),
                                json.optionalText("base_model_name_or_path")));
    }

    static ObjectNode toNode(FormulaConfig config, boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        AdapterJson.putCommon(
                fields, config.kind().name(), config, config.modules().excluded(), transposed);
        Map<String, JsonNode> options = config.options().values();
        options.forEach(fields::putIfAbsent);
        fields.keySet().removeIf(key -> key.equals(TRANSPOSED) && !options.containsKey(key));
        AdapterJson.putLayers(fields, config.modules().layers(), config.modules().layersPattern());
        if (options.containsKey("alpha")) { // PEFT has patterns for these kinds only
            AdapterJson.putPatterns(fields, config.rankPattern(), config.alphaPattern());
        }
        return AdapterJson.sorted(fields);
    }
}
