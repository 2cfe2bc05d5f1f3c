package org.attune.files.gguf;

import java.util.Set;

/// Names in GGUF files that say in which order rows stand.
public final class GgufNames {
    /// Architectures whose converters reorder the rows of queries and keys.
    private static final Set<String> TURNED =
            Set.of(
                    "llama",
                    "mistral3",
                    "smollm3",
                    "arcee",
                    "granite",
                    "granitemoe",
                    "granitehybrid");

    private GgufNames() {}

    /// Whether the converter of an architecture reorders the rows of a tensor: of those that make
    /// queries and keys.
    public static boolean turns(String architecture, String tensor) {
        return TURNED.contains(architecture) && (isQuery(tensor) || isKey(tensor));
    }

    /// Whether the rows of a tensor are features of queries (of attention projections).
    public static boolean isQuery(String name) {
        return name.matches("blk\\.\\d+\\.attn_q\\.(weight|bias)");
    }

    /// Whether the rows of a tensor are features of keys.
    static boolean isKey(String name) {
        return name.matches("blk\\.\\d+\\.attn_k\\.(weight|bias)");
    }
}
