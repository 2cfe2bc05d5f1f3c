package org.attune.model.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Says which layers of a GGUF file's model see a window only.
///
/// @param file   description of the model
/// @param row    of its architecture
/// @param family of its model
/// @param json   its `config.json`, as far as it is known
record GgufWindows(
        GgufDescription file, GgufFamily row, DecoderFamily family, Map<String, Object> json) {
    private static final String KEY = "attention.sliding_window";

    void put(int layers) {
        int tokens = file.integer(KEY).orElse(file.has(KEY) ? 0 : row.windows().absent());
        switch (row.windows().rule()) {
            case NONE -> none(tokens);
            case ALL -> json.put("sliding_window", tokens > 0 ? tokens : null);
            case PATTERN -> {
                if (family.window() != DecoderFamily.WindowRule.NONE) {
                    pattern(tokens, layers);
                }
            }
        }
    }

    private void none(int tokens) {
        int all = file.size("context_length", Integer.MAX_VALUE);
        if (tokens != 0 && tokens < all) {
            throw file.invalid(
                    KEY,
                    "0: llama.cpp gives these models no window, though transformers may; use the"
                            + " Hugging Face folder");
        }
        switch (family.window()) {
            case NONE, CHUNKED -> {}
            case UPPER_LAYERS -> json.put("use_sliding_window", false);
            case ALL_LAYERS, ALTERNATING, PATTERN, PATTERN_TO_FULL, LISTED, UPPER_UNLESS_NULL ->
                    json.put("sliding_window", null);
        }
    }

    private void pattern(int tokens, int layers) {
        boolean chunks = family.window() == DecoderFamily.WindowRule.CHUNKED;
        if (chunks && tokens != row.windows().absent()) {
            throw file.invalid(KEY, "%d, as llama.cpp has it", row.windows().absent());
        }
        List<String> types = new ArrayList<>();
        String key = KEY + "_pattern";
        List<Integer> listed = file.perLayer(key, layers, 0);
        int interval = file.isList(key) ? 0 : file.integer(key).orElse(row.windows().interval());
        for (int layer = 0; layer < layers; layer++) {
            boolean narrow =
                    file.isList(key)
                            ? listed.get(layer) != 0
                            : interval == 0 || layer % interval < interval - 1;
            String kind = chunks ? ConfigJson.CHUNKED : ConfigJson.WINDOW;
            types.add(tokens > 0 && narrow ? kind : ConfigJson.FULL);
        }
        json.put(chunks ? ConfigJson.CHUNK : "sliding_window", tokens > 0 ? tokens : null);
        json.put("layer_types", types);
    }
}
