package org.attune.optim;

import com.fasterxml.jackson.databind.JsonNode;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Reads the settings of a recorded optimizer, which are the arguments of its Python class.
public final class RecordedOptimizer {
    private static final Map<String, String> NAMES =
            Map.ofEntries(
                    Map.entry("torch.AdamW", "adamw_torch"),
                    Map.entry("torch.Adam", "adam"),
                    Map.entry("torch.SGD", "sgd"),
                    Map.entry("torch.RMSprop", "rmsprop"),
                    Map.entry("torch.Adagrad", "adagrad"),
                    Map.entry("transformers.Adafactor", "adafactor"),
                    Map.entry("torch.Adafactor", "adafactor_torch"),
                    Map.entry("torch.Muon", "muon"),
                    Map.entry("Lion (formula)", "lion_32bit"),
                    Map.entry("bitsandbytes.Lion", "lion_32bit"),
                    Map.entry("bitsandbytes.Lion8bit", "lion_8bit"),
                    Map.entry("bitsandbytes.AdamW8bit", "adamw_8bit"),
                    Map.entry("bitsandbytes.RMSprop", "rmsprop_bnb"),
                    Map.entry("bitsandbytes.RMSprop8bit", "rmsprop_bnb_8bit"),
                    Map.entry("bitsandbytes.AdEMAMix", "ademamix"),
                    Map.entry("bitsandbytes.AdEMAMix8bit", "ademamix_8bit"),
                    Map.entry("schedulefree.AdamWScheduleFree", "schedule_free_adamw"),
                    Map.entry("schedulefree.SGDScheduleFree", "schedule_free_sgd"));

    /// Optimizers whose epsilon is `adam_epsilon`.
    private static final Set<String> ADAMS =
            Set.of(
                    "adam",
                    "adamw_torch",
                    "adamw_8bit",
                    "ademamix",
                    "ademamix_8bit",
                    "schedule_free_adamw");

    /// Arguments that other keys than `optim_args` hold.
    private static final List<String> OTHERS =
            List.of("lr", "betas", "weight_decay", "groups", "warmup_steps");

    private RecordedOptimizer() {}

    /// The optimizer with a name in lower case.
    public static OptimizerType type(String name) {
        return OptimizerType.valueOf(name.toUpperCase(Locale.ROOT));
    }

    static OptimizerKind kind(JsonNode recorded) {
        JsonNode settings = recorded.get("settings");
        String name = NAMES.get(recorded.get("optimiser").asText());
        if (name == null) {
            throw new IllegalArgumentException(recorded.get("optimiser") + " is not known");
        }
        JsonNode betas = settings.path("betas");
        boolean adam = ADAMS.contains(name);
        var args = new ArrayList<String>();
        settings.forEachEntry(
                (key, value) -> {
                    boolean other = OTHERS.contains(key) || adam && key.equals("eps");
                    if (!other && !value.isNull()) {
                        add(args, key, value);
                    }
                });
        if (betas.size() > 2) {
            args.add("beta3=" + betas.get(2).asText());
        }
        return new OptimizerOptions(
                        type(name),
                        String.join(",", args),
                        betas.path(0).asDouble(0.9),
                        betas.path(1).asDouble(0.999),
                        adam ? settings.path("eps").asDouble(1e-8) : 1e-8,
                        settings.path("warmup_steps").asInt(0))
                .kind();
    }

    private static void add(List<String> args, String key, JsonNode value) {
        if (value.isArray()) { // Adafactor's two
            for (int i = 0; i < value.size(); i++) {
                if (!value.get(i).isNull()) {
                    args.add(key + (i + 1) + "=" + value.get(i).asText());
                }
            }
        } else {
            args.add(key + "=" + value.asText());
        }
    }
}
