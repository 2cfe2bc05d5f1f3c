package org.attune.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.JsonFields;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// `adapter_config.json` of PEFT's LoRA. Unknown fields are ignored, since newer versions add some;
/// known ones that change the numbers and that Attune doesn't have are refused by name.
final class LoraJson {
    /// Fields that change what an adapter computes, each off when absent, null, false or empty.
    private static final List<String> REFUSED =
            List.of(
                    "alora_invocation_tokens",
                    "use_qalora",
                    "use_bdlora",
                    "megatron_config",
                    "arrow_config",
                    "kasa_config",
                    "monteclora_config",
                    "velora_config");

    /// Written as PEFT's defaults, because older versions expect some of them.
    private static final List<String> WRITTEN_NULL = List.of("megatron_config");

    private static final String REPLICATION = "layer_replication";

    private static final String LOFTQ = "loftq_config";

    /// What a run's file may set by PEFT's names.
    static final Set<String> MORE =
            Collections.unmodifiableSet(
                    new TreeSet<>(
                            List.of(
                                    "bias",
                                    "ensure_weight_tying",
                                    "eva_config",
                                    "exclude_modules",
                                    "init_lora_weights",
                                    REPLICATION,
                                    "layers_pattern",
                                    "layers_to_transform",
                                    "lora_bias",
                                    LOFTQ,
                                    "lora_ga_config",
                                    "target_parameters",
                                    "trainable_token_indices")));

    private static final String TOKENS = "trainable_token_indices";

    private static final String INITIAL = "init_lora_weights";

    private static final List<String> EVA =
            List.of("rho", "tau", "whiten", "adjust_scaling_factors", "use_label_mask");

    private static final List<String> LORA_GA = List.of("direction", "scale", "stable_gamma");

    private static final String RANGES = "a list of pairs [start, end] of layers";

    private static final String PISSA_ITERATIONS = "pissa_niter_";

    private LoraJson() {}

    static LoraConfig parse(JsonFields json) {
        refuseOtherFeatures(json);
        return AdapterJson.located(
                json,
                () ->
                        new LoraConfig(
                                json.integer("r", 8),
                                json.number("lora_alpha", 8),
                                json.number("lora_dropout", 0),
                                json.flag("use_rslora", false),
                                json.flag("use_dora", false),
                                targets(json),
                                AdapterJson.selection(json, "exclude_modules"),
                                json.integers("layers_to_transform"),
                                json.texts("layers_pattern"),
                                AdapterJson.ranks(json),
                                AdapterJson.alphas(json),
                                json.texts("modules_to_save"),
                                json.flag("ensure_weight_tying", false),
                                initialisationOfFile(json),
                                json.text("task_type", "CAUSAL_LM"),
                                json.optionalText("base_model_name_or_path"),
                                options(json)));
    }

    /// A configuration with the fields of [#MORE] that an object has.
    static LoraConfig with(JsonFields json, LoraConfig usual) {
        return AdapterJson.located(
                json,
                () ->
                        new LoraConfig(
                                usual.rank(),
                                usual.alpha(),
                                usual.dropout(),
                                usual.rankStabilised(),
                                usual.decomposed(),
                                usual.targets(),
                                AdapterJson.selection(json, "exclude_modules"),
                                json.integers("layers_to_transform"),
                                json.texts("layers_pattern"),
                                usual.rankPattern(),
                                usual.alphaPattern(),
                                usual.modulesToSave(),
                                json.flag("ensure_weight_tying", false),
                                initialisation(json),
                                usual.taskType(),
                                usual.baseModel(),
                                options(json)));
    }

    private static LoraOptions options(JsonFields json) {
        return new LoraOptions(
                biases(json),
                json.flag("lora_bias", false),
                tokens(json),
                json.texts("target_parameters"),
                iterations(json),
                eva(json),
                loraGa(json),
                loftqBits(json),
                replication(json));
    }

    private static List<List<Integer>> replication(JsonFields json) {
        JsonNode value = json.get(REPLICATION);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw json.invalid(REPLICATION, RANGES);
        }
        List<List<Integer>> ranges = new ArrayList<>();
        for (JsonNode range : value) {
            List<Integer> ends = new ArrayList<>();
            for (JsonNode end : range) {
                if (!end.isIntegralNumber() || !end.canConvertToInt()) {
                    throw json.invalid(REPLICATION, RANGES);
                }
                ends.add(end.intValue());
            }
            ranges.add(ends);
        }
        return ranges;
    }

    private static JsonNode replication(List<List<Integer>> ranges) {
        if (ranges.isEmpty()) {
            return AdapterJson.NODES.nullNode();
        }
        ArrayNode all = AdapterJson.NODES.arrayNode();
        ranges.forEach(range -> all.add(AdapterJson.integers(range)));
        return all;
    }

    private static LoraOptions.Eva eva(JsonFields json) {
        LoraOptions.Eva usual = LoraOptions.NONE.eva();
        JsonFields own = json.object("eva_config").orElse(null);
        if (own == null) {
            return usual;
        }
        requireFields(own, "eva_config", EVA);
        if (own.flag("use_label_mask", false)) {
            throw own.invalid(
                    "use_label_mask", "false: directions are those of all tokens of the rows");
        }
        return new LoraOptions.Eva(
                own.number("rho", usual.rho()),
                own.number("tau", usual.tau()),
                own.flag("whiten", usual.whiten()),
                own.flag("adjust_scaling_factors", usual.adjusts()));
    }

    private static LoraOptions.LoraGa loraGa(JsonFields json) {
        LoraOptions.LoraGa usual = LoraOptions.NONE.loraGa();
        JsonFields own = json.object("lora_ga_config").orElse(null);
        if (own == null) {
            return usual;
        }
        requireFields(own, "lora_ga_config", LORA_GA);
        return new LoraOptions.LoraGa(
                named(own, "direction", LoraOptions.LoraGa.Direction.values(), usual.direction()),
                named(own, "scale", LoraOptions.LoraGa.Scale.values(), usual.scale()),
                own.number("stable_gamma", usual.gamma()));
    }

    /// More iterations than one give the base other numbers than its files have in few bits.
    private static int loftqBits(JsonFields json) {
        JsonFields own = json.object(LOFTQ).orElse(null);
        if (own == null) {
            return 0;
        }
        requireFields(own, LOFTQ, List.of("loftq_bits", "loftq_iter"));
        int bits = own.integer("loftq_bits", 4);
        if (bits != 4 && bits != 8) {
            throw own.invalid("loftq_bits", "4 or 8");
        }
        if (own.integer("loftq_iter", 1) != 1) {
            throw own.invalid(
                    "loftq_iter",
                    "1: more would change the base, and the adapter would fit no base that is"
                            + " loaded from the model's files");
        }
        return bits;
    }

    private static <E extends Enum<E>> E named(JsonFields json, String key, E[] values, E usual) {
        String name = json.text(key, usual.name());
        return Arrays.stream(values)
                .filter(v -> v.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                json.invalid(
                                        key,
                                        Arrays.stream(values)
                                                .map(v -> v.name().toLowerCase(Locale.ROOT))
                                                .collect(Collectors.joining(", "))));
    }

    private static void requireFields(JsonFields own, String key, List<String> known) {
        own.keys()
                .forEach(
                        field -> {
                            if (!known.contains(field)) {
                                throw own.invalid(
                                        field, "fields of %s are %s".formatted(key, known));
                            }
                        });
    }

    private static int iterations(JsonFields json) {
        JsonNode value = json.get(INITIAL);
        boolean says = value != null && value.isTextual();
        return says && value.textValue().matches(PISSA_ITERATIONS + "\\d{1,4}")
                ? Integer.parseInt(value.textValue().substring(PISSA_ITERATIONS.length()))
                : 0;
    }

    /// Without `target_modules` only parameters are adapted, if some are named.
    private static ModuleSelection targets(JsonFields json) {
        boolean none =
                AdapterJson.selection(json, "target_modules").isEmpty()
                        && !json.texts("target_parameters").isEmpty();
        return none ? new ModuleSelection.Names(List.of()) : AdapterJson.targets(json);
    }

    private static LoraOptions.Biases biases(JsonFields json) {
        String name = json.text("bias", "none");
        return Arrays.stream(LoraOptions.Biases.values())
                .filter(b -> b.peftName().equals(name))
                .findFirst()
                .orElseThrow(() -> json.invalid("bias", "\"none\", \"lora_only\", \"all\""));
    }

    /// A list is for the embedding, an object for the modules that it names.
    private static Map<String, List<Integer>> tokens(JsonFields json) {
        JsonNode value = json.get(TOKENS);
        if (value == null) {
            return Map.of();
        }
        if (!value.isObject()) {
            return Map.of(LoraOptions.EMBEDDING, json.integers(TOKENS));
        }
        JsonFields byModule = json.object(TOKENS).orElseThrow();
        var tokens = new TreeMap<String, List<Integer>>();
        byModule.keys().forEach(module -> tokens.put(module, byModule.integers(module)));
        return tokens;
    }

    private static JsonNode tokens(Map<String, List<Integer>> tokens) {
        if (tokens.isEmpty()) {
            return AdapterJson.NODES.nullNode();
        }
        if (tokens.containsKey(LoraOptions.EMBEDDING)) {
            return AdapterJson.integers(tokens.get(LoraOptions.EMBEDDING));
        }
        ObjectNode byModule = AdapterJson.NODES.objectNode();
        tokens.forEach((module, ids) -> byModule.set(module, AdapterJson.integers(ids)));
        return byModule;
    }

    private static void refuseOtherFeatures(JsonFields json) {
        for (String key : REFUSED) {
            JsonNode value = json.get(key);
            boolean off =
                    value == null
                            || value.isBoolean() && !value.booleanValue()
                            || value.isContainerNode() && value.isEmpty();
            if (!off) {
                throw json.invalid(key, "null: adapters with this feature are not supported");
            }
        }
    }

    /// Initialisations that leave the base as it is matter only for fresh adapters. Those that
    /// change it make the file's A and B meaningless without the changed base.
    private static LoraInitialisation initialisationOfFile(JsonFields json) {
        JsonNode value = json.get(INITIAL);
        if (value == null || !value.isTextual()) {
            return initialisation(json);
        }
        return switch (value.textValue()) {
            case "eva" -> LoraInitialisation.KAIMING;
            case "gaussian", "orthogonal" -> initialisation(json);
            default ->
                    throw json.invalid(
                            INITIAL,
                            "true, false, \"gaussian\", \"eva\", \"orthogonal\"; convert adapters"
                                    + " that changed their base (PiSSA, OLoRA …) to plain LoRA with"
                                    + " PEFT's path_initial_model_for_weight_conversion");
        };
    }

    /// What a fresh adapter begins as.
    private static LoraInitialisation initialisation(JsonFields json) {
        JsonNode value = json.get(INITIAL);
        if (value == null || value.isBoolean()) {
            return value == null || value.booleanValue()
                    ? LoraInitialisation.KAIMING
                    : LoraInitialisation.RANDOM_BOTH;
        }
        String name = json.text(INITIAL);
        return switch (name) {
            case "gaussian" -> LoraInitialisation.GAUSSIAN;
            case "orthogonal" -> LoraInitialisation.ORTHOGONAL;
            case "olora" -> LoraInitialisation.OLORA;
            case "eva" -> LoraInitialisation.EVA;
            case "lora_ga" -> LoraInitialisation.LORA_GA;
            case "loftq" -> LoraInitialisation.LOFTQ;
            case "pissa" -> LoraInitialisation.PISSA;
            default -> {
                if (name.matches(PISSA_ITERATIONS + "\\d{1,4}")) {
                    yield LoraInitialisation.PISSA;
                }
                throw json.invalid(
                        INITIAL,
                        "true, false, \"gaussian\", \"orthogonal\", \"pissa\","
                                + " \"pissa_niter_N\", \"olora\", \"eva\", \"lora_ga\", \"loftq\""
                                + instead(name));
            }
        };
    }

    private static String instead(String name) {
        return switch (name) {
            case "corda" ->
                    "; this one reads rows of data first: train with \"eva\" or \"lora_ga\", or"
                        + " make the adapter with PEFT, convert it to plain LoRA, and give it by"
                        + " adapter_name_or_path";
            default -> "";
        };
    }

    static ObjectNode toNode(LoraConfig config, boolean transposed) {
        var fields = new TreeMap<String, JsonNode>();
        JsonNodeFactory nodes = AdapterJson.NODES;
        WRITTEN_NULL.forEach(key -> fields.put(key, nodes.nullNode()));
        AdapterJson.putCommon(fields, "LORA", config, config.excluded(), transposed);
        fields.put("r", nodes.numberNode(config.rank()));
        fields.put("lora_alpha", AdapterJson.number(config.alpha()));
        fields.put("lora_dropout", nodes.numberNode(config.dropout()));
        fields.put("use_rslora", nodes.booleanNode(config.rankStabilised()));
        fields.put("use_dora", nodes.booleanNode(config.decomposed()));
        LoraOptions options = config.options();
        fields.put("lora_bias", nodes.booleanNode(options.updateBias()));
        fields.put("bias", nodes.textNode(options.biases().peftName()));
        fields.put(REPLICATION, replication(options.replication()));
        fields.put(TOKENS, tokens(options.tokens()));
        fields.put("target_parameters", AdapterJson.texts(options.parameters()));
        fields.put(INITIAL, initialisation(config.initialisation(), options.iterations()));
        AdapterJson.putLayers(fields, config.layers(), config.layersPattern());
        fields.put("ensure_weight_tying", nodes.booleanNode(config.tiesSaved()));
        AdapterJson.putPatterns(fields, config.rankPattern(), config.alphaPattern());
        return AdapterJson.sorted(fields);
    }

    private static JsonNode initialisation(LoraInitialisation initialisation, int iterations) {
        JsonNodeFactory nodes = AdapterJson.NODES;
        return switch (initialisation) {
            case KAIMING -> nodes.booleanNode(true);
            case RANDOM_BOTH -> nodes.booleanNode(false);
            case GAUSSIAN -> nodes.textNode("gaussian");
            case ORTHOGONAL -> nodes.textNode("orthogonal");
            case OLORA -> nodes.textNode("olora");
            case EVA -> nodes.textNode("eva");
            case LORA_GA -> nodes.textNode("lora_ga");
            case LOFTQ -> nodes.textNode("loftq");
            case PISSA -> nodes.textNode(iterations == 0 ? "pissa" : PISSA_ITERATIONS + iterations);
        };
    }
}
