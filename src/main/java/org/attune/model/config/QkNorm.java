package org.attune.model.config;

/// How queries and keys are RMS-normed before they are rotated.
public enum QkNorm {
    /// No norm.
    NONE,
    /// Each head by itself: Qwen3, Gemma 3.
    HEADS,
    /// A norm over all heads of a token together: OLMo 2.
    TOGETHER
}
