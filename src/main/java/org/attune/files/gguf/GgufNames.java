package org.attune.files.gguf;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Names of decoder weights in GGUF files and in Hugging Face files.
final class GgufNames {
    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d+)\\.(\\w+)\\.(weight|bias)");

    private static final Map<String, String> OUTER =
            Map.of(
                    "token_embd.weight", "model.embed_tokens.weight",
                    "output_norm.weight", "model.norm.weight",
                    "output.weight", "lm_head.weight",
                    "output.bias", "lm_head.bias");

    private static final Map<String, String> INNER =
            Map.ofEntries(
                    Map.entry("attn_norm", "input_layernorm"),
                    Map.entry("attn_q", "self_attn.q_proj"),
                    Map.entry("attn_k", "self_attn.k_proj"),
                    Map.entry("attn_v", "self_attn.v_proj"),
                    Map.entry("attn_output", "self_attn.o_proj"),
                    Map.entry("attn_q_norm", "self_attn.q_norm"),
                    Map.entry("attn_k_norm", "self_attn.k_norm"),
                    Map.entry("ffn_norm", "post_attention_layernorm"),
                    Map.entry("ffn_gate", "mlp.gate_proj"),
                    Map.entry("ffn_up", "mlp.up_proj"),
                    Map.entry("ffn_down", "mlp.down_proj"));

    private GgufNames() {}

    /// Hugging Face's name of a tensor; names without one stay as they are.
    static String toHuggingFace(String name) {
        Matcher block = BLOCK.matcher(name);
        if (block.matches() && INNER.containsKey(block.group(2))) {
            return "model.layers.%s.%s.%s"
                    .formatted(block.group(1), INNER.get(block.group(2)), block.group(3));
        }
        return OUTER.getOrDefault(name, name);
    }

    /// Whether the rows of a tensor are query or key features (of attention projections).
    static boolean isQuery(String name) {
        return name.matches("blk\\.\\d+\\.attn_q\\.(weight|bias)");
    }

    static boolean isKey(String name) {
        return name.matches("blk\\.\\d+\\.attn_k\\.(weight|bias)");
    }
}
