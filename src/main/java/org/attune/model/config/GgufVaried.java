package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// Says what differs between the layers of a GGUF file's model: sizes of attention, whose keys a
/// layer attends to, widths of feed-forward parts, and vectors that layers read of tokens.
///
/// @param file   description of the model
/// @param family of its model
/// @param json   its `config.json`, as far as it is known
/// @param layers blocks that are computed
record GgufVaried(
        GgufDescription file, DecoderFamily family, Map<String, Object> json, int layers) {
    static final String SHARED = "attention.shared_kv_layers";
    static final String INNER = "feed_forward_length";
    static final String KV_HEADS = "attention.head_count_kv";
    static final String KEYS = "attention.key_length";
    static final String VALUES = "attention.value_length";
    static final String INPUT = "embedding_length_per_layer_input";
    static final String CAP = "final_logit_softcapping";

    /// Behind a key: that of layers with a window.
    static final String IN_WINDOWS = "_swa";

    private static final int MOST = DecoderConfig.MOST_FEATURES;
    private static final double ABSENT_CAP = 30; // llama.cpp's

    /// Keys of models with copies of the residual stream.
    static final String COUNT = "altup.num_inputs";

    static final String ACTIVE = "altup.active_idx";
    static final String CLOSED = "activation_sparsity_scale";

    /// Where llama.cpp has Gemma 3n's first layer without own keys, whatever the file says.
    static final int FIRST_SHARED = 20;

    static final int ABSENT_WIDTH = 256; // of the vectors that layers read

    private static final int ABSENT_COPIES = 4;
    private static final int CLOSED_LAYERS = 10;

    /// Share of the gates that llama.cpp closes in Gemma 3n's first layers.
    static double closed(int layer) {
        return layer < CLOSED_LAYERS ? 0.95 : 0;
    }

    /// Which layer's keys llama.cpp has the last layers attend to: those of the last layer that has
    /// its own, or of the one before it if they have a window.
    ///
    /// @param windows whether each layer has one
    /// @param first   of the layers without keys
    static boolean sharesAsLlamaCpp(List<Boolean> windows, int first) {
        return windows.stream()
                .skip(first)
                .distinct()
                .allMatch(
                        narrow -> {
                            int source = first - (narrow ? 2 : 1);
                            return source >= 0
                                    && windows.get(source).equals(narrow)
                                    && (!narrow || !windows.get(first - 1));
                        });
    }

    void put() {
        List<Boolean> windows =
                ((List<?>) json.get("layer_types"))
                        .stream().map(ConfigJson.WINDOW::equals).toList();
        if (family.window() == DecoderFamily.WindowRule.PATTERN_TO_FULL && windows.getLast()) {
            throw file.invalid(
                    "attention.sliding_window_pattern", "false for the last layer, which sees all");
        }
        sizes(windows);
        shared(windows);
        rope();
        int width = file.integer(INPUT).orElse(copies() ? ABSENT_WIDTH : 0);
        if (width < (copies() ? 1 : 0) || width > MOST) {
            throw file.invalid(INPUT, "%d to %d", copies() ? 1 : 0, MOST);
        }
        json.put(VariedJson.INPUT_WIDTH, width);
        json.put(
                VariedJson.INPUT_ROWS,
                file.tensor("per_layer_token_embd.weight")
                        .map(e -> (Object) e.shape()[0])
                        .orElse(json.get("vocab_size")));
        double cap = file.number(CAP).orElse(ABSENT_CAP);
        json.put(CAP, cap == 0 ? null : cap);
        if (copies()) {
            altUp();
        }
    }

    /// Whether the residual stream has copies.
    private boolean copies() {
        return file.architecture().equals("gemma3n");
    }

    private void altUp() {
        json.put("altup_num_inputs", file.optionalSize(COUNT, MOST).orElse(ABSENT_COPIES));
        json.put("altup_active_idx", file.integer(ACTIVE).orElse(0));
        json.put("altup_correct_scale", true);
        file.ofSomeBlock("laurel_l.weight").ifPresent(e -> json.put("laurel_rank", e.shape()[0]));
        List<Float> bounds = file.floats(CLOSED).orElse(List.of());
        if (!bounds.isEmpty() && bounds.size() != layers) {
            throw file.invalid(CLOSED, "one number for each of %d layers", layers);
        }
        json.put(
                "activation_sparsity_pattern",
                IntStream.range(0, layers)
                        .mapToObj(i -> bounds.isEmpty() ? closed(i) : below(bounds.get(i)))
                        .toList());
    }

    /// Share of a normal distribution below a bound, with as many digits as the bound has.
    private static double below(double bound) {
        double term = bound;
        double sum = 0;
        for (int i = 1; Math.abs(bound) < 9 && Math.abs(term) > 1e-18; i += 2) {
            sum += term;
            term *= bound * bound / (i + 2);
        }
        double density = Math.exp(-bound * bound / 2) / Math.sqrt(2 * Math.PI);
        double share = bound <= -9 ? 0 : bound >= 9 ? 1 : 0.5 + density * sum;
        return Math.round(share * 1e6) / 1e6;
    }

    private void sizes(List<Boolean> windows) {
        int full = size("");
        int inWindows = file.has(KEYS + IN_WINDOWS) ? size(IN_WINDOWS) : full;
        List<Integer> heads =
                file.perLayer(KV_HEADS, layers, (int) json.get("num_attention_heads"));
        Map<Boolean, Set<Integer>> byKind = new HashMap<>();
        for (int layer = 0; layer < layers; layer++) {
            byKind.computeIfAbsent(windows.get(layer), _ -> new LinkedHashSet<>())
                    .add(heads.get(layer));
        }
        if (byKind.values().stream().anyMatch(all -> all.size() > 1)) {
            throw file.invalid(
                    KV_HEADS, "one number for all layers with a window, and one for the others");
        }
        int usual = byKind.getOrDefault(true, byKind.get(false)).iterator().next();
        json.put("head_dim", inWindows);
        json.put("num_key_value_heads", usual);
        int rotated =
                file.integer("rope.dimension_count" + IN_WINDOWS)
                        .orElse(file.integer("rope.dimension_count").orElse(full));
        if (rotated != inWindows && windows.contains(true)) {
            throw file.invalid(
                    "rope.dimension_count" + IN_WINDOWS,
                    "%d: heads are rotated whole where there is a window",
                    inWindows);
        }
        if (copies()) {
            if (full != inWindows || new TreeSet<>(heads).size() > 1) {
                throw file.invalid(KEYS + IN_WINDOWS, "%d: all layers are alike", full);
            }
            return;
        }
        Map<String, Object> others = new TreeMap<>();
        boolean keysAreValues = false;
        for (int layer = 0; layer < layers; layer++) {
            if (!windows.get(layer)) {
                others.put(
                        "" + layer,
                        Map.of("head_dim", full, "num_key_value_heads", heads.get(layer)));
                keysAreValues |=
                        file.blockHolds(layer, "attn_k.weight")
                                && !file.blockHolds(layer, "attn_v.weight");
            }
        }
        json.put("per_layer_config", others);
        json.put("attention_k_eq_v", keysAreValues);
    }

    private int size(String end) {
        int keys = file.size(KEYS + end, MOST);
        if (file.optionalSize(VALUES + end, MOST).orElse(keys) != keys) {
            throw file.invalid(VALUES + end, "%d, as long as the keys", keys);
        }
        return keys;
    }

    private void shared(List<Boolean> windows) {
        int shared = file.integer(SHARED).orElse(copies() ? Math.max(0, layers - FIRST_SHARED) : 0);
        if (shared < 0 || shared >= layers) {
            throw file.invalid(SHARED, "0 to %d, fewer than layers", layers - 1);
        }
        if (!sharesAsLlamaCpp(windows, layers - shared)) {
            throw file.invalid(
                    SHARED,
                    "a number after which the last two layers with keys are one with a window and"
                            + " one without");
        }
        json.put("num_kv_shared_layers", shared);
    }

    /// Bases and scalings by kinds of layers, as the families' own files have them.
    private void rope() {
        Map<String, Object> full = new LinkedHashMap<>();
        if (json.remove("rope_scaling") instanceof Map<?, ?> scaling) {
            scaling.forEach((key, value) -> full.put((String) key, value));
        }
        full.putIfAbsent("rope_type", "default");
        full.put("rope_theta", json.remove(family.ropeKeys().theta()));
        Map<String, Object> narrow = new LinkedHashMap<>();
        narrow.put("rope_type", "default");
        narrow.put("rope_theta", json.remove("rope_local_base_freq"));
        Map<String, Object> both = new LinkedHashMap<>();
        both.put(ConfigJson.FULL, full);
        both.put(ConfigJson.WINDOW, narrow);
        json.put("rope_parameters", both);
    }

    /// Says how wide feed-forward parts are.
    ///
    /// @return whether there are experts beside them
    boolean feedForward() {
        List<Integer> widths = file.perLayer(INNER, layers, 0);
        if (copies()) {
            json.put("intermediate_size", widths);
            return false;
        }
        int usual = new TreeSet<>(widths).first();
        int first = layers - file.integer(SHARED).orElse(0);
        boolean twice = first < layers && widths.getLast() == 2 * usual;
        boolean known =
                IntStream.range(0, layers)
                        .allMatch(i -> widths.get(i) == (twice && i >= first ? 2 : 1) * usual);
        if (usual < 1 || !known) {
            throw file.invalid(
                    INNER, "one number for all layers, or twice as much for those without keys");
        }
        json.put("intermediate_size", usual);
        json.put("use_double_wide_mlp", twice);
        boolean experts = file.someBlockHolds("ffn_gate_inp.weight");
        json.put("enable_moe_block", experts);
        if (!experts) { // the converter may say how many there would be
            List.of("expert_count", "expert_used_count", "expert_feed_forward_length")
                    .forEach(file::has);
        } else if (file.integer("expert_count").orElse(0) < 1) {
            throw new ModelException(
                    "%s: %s.expert_count is missing, but there are routers of experts"
                            .formatted(file.metadata().where(), file.architecture()));
        }
        return experts;
    }
}
