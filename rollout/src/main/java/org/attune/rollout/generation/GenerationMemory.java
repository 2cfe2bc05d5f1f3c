package org.attune.rollout.generation;

import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.ActivationBytes;
import org.attune.tensor.DType;

/// Estimates the memory that a [Generator] takes beside the weights. `S` sequences at once, `P`
/// tokens of the longest prompt, `T` of the longest sequence, `H` heads, `V` vocabulary, `b` bytes
/// of a value, `n` tokens that are read in one pass.
/// ```
/// cache   = 2 b L S T C K             [KvCache#bytes]
/// reading = n · (a block at work)     [ActivationBytes#reading]
/// scores  = n P (b H + b + 8)         of the tokens that are read, and their mask
/// logits  = S V (b + 20)              as they are, in float32, and what choosing makes from them
/// ```
///
/// @param config shape of the decoder
/// @param dtype of its activations
/// @param activations of its blocks
/// @param longestPrompt `P`, ≥ 1
/// @param newTokens most tokens of a completion, ≥ 1
/// @param models that read side by side, each with its own cache and logits, ≥ 1
public record GenerationMemory(
        DecoderConfig config,
        DType dtype,
        ActivationBytes activations,
        int longestPrompt,
        int newTokens,
        int models) {
    private static final long MASK_BYTES = 8; // float32 on both sides of the Java heap
    private static final long CHOICE_BYTES = 20; // five times float32

    /// What generation with a decoder and its adapters needs.
    ///
    /// @param longestPrompt in tokens
    /// @param newTokens most tokens of a completion
    public static GenerationMemory of(Decoder decoder, int longestPrompt, int newTokens) {
        return new GenerationMemory(
                decoder.config(),
                decoder.dtype(),
                ActivationBytes.of(decoder),
                Math.max(1, longestPrompt),
                newTokens,
                1);
    }

    /// What `count` models of this shape need that read side by side.
    public GenerationMemory ofModels(int count) {
        return new GenerationMemory(config, dtype, activations, longestPrompt, newTokens, count);
    }

    /// Most tokens that a slot of the cache holds: the last one is not read any more.
    public int capacity() {
        return Math.addExact(longestPrompt, newTokens - 1);
    }

    /// Bytes of the cache.
    ///
    /// @param slots sequences at once
    public long cache(int slots) {
        return models * KvCache.bytes(config, dtype, slots, capacity());
    }

    /// Bytes of everything.
    ///
    /// @param slots sequences at once
    public long bytes(int slots) {
        // A prompt whose frequencies depend on its length is read in one piece.
        int most = config.positions().dependsOnLength() ? longestPrompt : CachedDecoder.CHUNK;
        int atOnce = (int) Math.min((long) slots * longestPrompt, Math.max(slots, most));
        long score = (long) dtype.bytes() * (config.heads() + 1) + MASK_BYTES;
        long scores = (long) atOnce * longestPrompt * score;
        long logits = (long) models * slots * config.vocabSize() * (dtype.bytes() + CHOICE_BYTES);
        return cache(slots) + activations.reading(atOnce) + scores + logits;
    }
}
