package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.List;

/// Attention of a decoder.
///
/// @param heads      query heads
/// @param kvHeads    key and value heads; divides `heads`
/// @param headDim    features of a head, even; may differ from hidden size / heads
/// @param qkvBias    whether q, k and v projections have biases
/// @param outputBias whether the output projection has one
/// @param qkNorm     whether queries and keys are RMS-normed per head before rotation (Qwen3)
/// @param windows    per layer: tokens that a token sees, itself included; 0 is all
/// @param dropout    share of attention's probabilities that training sets to 0; no computation
///     here does, so only what doesn't train may use a model that asks for it
public record AttentionConfig(
        int heads,
        int kvHeads,
        int headDim,
        boolean qkvBias,
        boolean outputBias,
        boolean qkNorm,
        List<Integer> windows,
        double dropout) {
    /// @throws org.attune.error.ModelException if the dropout is no probability below 1
    public AttentionConfig {
        windows = List.copyOf(windows);
        if (!(dropout >= 0 && dropout < 1)) {
            throw new ModelException("attention_dropout is " + dropout + "; accepted: [0, 1)");
        }
    }

    /// Without dropout.
    public AttentionConfig(
            int heads,
            int kvHeads,
            int headDim,
            boolean qkvBias,
            boolean outputBias,
            boolean qkNorm,
            List<Integer> windows) {
        this(heads, kvHeads, headDim, qkvBias, outputBias, qkNorm, windows, 0);
    }
}
