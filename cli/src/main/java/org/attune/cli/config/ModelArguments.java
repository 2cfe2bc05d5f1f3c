package org.attune.cli.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What `model_init_kwargs` says, or `teacher_model_init_kwargs`. TRL passes it to
/// `from_pretrained` of transformers; here its entries set keys.
final class ModelArguments {
    static final String KEY = "model_init_kwargs";
    static final String TEACHER = "teacher_model_init_kwargs";

    /// Entries with the key that has their meaning.
    private static final Map<String, String> KEYS =
            Map.of("dtype", "dtype", "torch_dtype", "dtype", "revision", "model_revision");

    /// Entries that choose how transformers does something, with why they change nothing.
    private static final Map<String, String> WITHOUT_EFFECT =
            Map.of(
                    "attn_implementation", "there is one execution path, chosen for the device",
                    "device_map", "a run has one device, which device chooses",
                    "low_cpu_mem_usage", "weights are never held twice",
                    "trust_remote_code", "code that comes with a model is never run",
                    "use_cache", "training keeps no KV cache, generation always does",
                    "use_safetensors", "nothing else is read");

    private ModelArguments() {}

    /// @param notes takes entries without effect
    /// @param problems takes entries that are refused
    /// @return values of keys, in the order of the entries
    static Map<String, YamlNode> read(Setting given, List<String> notes, Problems problems) {
        Map<String, YamlNode> values = new LinkedHashMap<>();
        if (!(given.value() instanceof YamlNode.Fields(var fields, int _))) {
            problems.add(
                    given.where(),
                    given.key()
                            + ": "
                            + given.value()
                            + "; accepted: names with values, {dtype: bfloat16}");
            return values;
        }
        for (YamlNode.Field field : fields) {
            String key = KEYS.get(field.key());
            String why = WITHOUT_EFFECT.get(field.key());
            String entry = given.key() + "." + field.key() + ": " + field.value();
            if (field.value().isNull()) {
                continue;
            }
            if (why != null) {
                notes.add(given.where() + ": " + entry + " has no effect here: " + why);
            } else if (key == null) {
                problems.add(given.where(), entry + "; accepted: dtype, revision");
            } else {
                YamlNode before = values.put(key, field.value());
                if (before != null && !before.toString().equals(field.value().toString())) {
                    problems.add(given.where(), entry + "; accepted: one of dtype and torch_dtype");
                }
            }
        }
        return values;
    }
}
