package org.attune.model.config;

/// How queries and keys are normed, by a norm of the block's kind.
public enum QkNorm {
    /// No norm.
    NONE,
    /// Each head by itself, all with one weight, before they are rotated: Qwen3, Gemma 3.
    HEADS,
    /// Each head by its own weight without a bias, before they are rotated: Cohere, StableLM.
    EACH,
    /// Each head by itself, all with one weight, after they are rotated: Hunyuan, NanoChat.
    ROTATED,
    /// Each head by itself without a weight, after they are rotated, where they are: Llama 4.
    ROTATED_BARE,
    /// A norm over all heads of a token together, before they are rotated: OLMo 2.
    TOGETHER;

    /// Whether rotated heads are normed.
    public boolean isAfterRotation() {
        return this == ROTATED || this == ROTATED_BARE;
    }

    /// Whether statistics are those of a head.
    public boolean isByHead() {
        return this != NONE && this != TOGETHER;
    }
}
