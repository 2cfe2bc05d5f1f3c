package org.attune.policy;

import org.attune.model.ActivationBytes;
import org.attune.model.DecoderConfig;
import org.attune.tensor.DType;

/// Estimates the memory that training takes beside the weights. `P` trained numbers, `G` gradients
/// that exist at a time, `N` tokens computed at once.
/// ```
/// gradients   = 4 G             float32
/// optimizer   = 8 P             two moments, float32
/// pass        = 1.12 (a(N) + h(N))
/// ```
/// with `a` of the blocks' activations ([ActivationBytes]) and `h` of the output head. The factor
/// is for gaps that the allocator leaves, measured after some steps (docs/performance.md).
///
/// @param config shape of the decoder
/// @param dtype of its activations
/// @param activations of its blocks
/// @param trained how many numbers are trained
/// @param gradients numbers of the gradients that exist at a time: `trained`, or fewer where they
///     share memory ([ParameterSpace#sharesGradients])
public record StepMemory(
        DecoderConfig config,
        DType dtype,
        ActivationBytes activations,
        long trained,
        long gradients) {
    private static final long GRADIENT_BYTES = 4;
    private static final long MOMENT_BYTES = 8;
    private static final double GAPS = 1.12;

    /// Of a policy as it stands.
    public static StepMemory of(Policy policy) {
        var decoder = policy.decoder();
        return new StepMemory(
                decoder.config(),
                decoder.dtype(),
                ActivationBytes.of(decoder),
                policy.parameters().count(),
                policy.parameters().gradients().size());
    }

    /// Bytes of the optimizer's moments.
    public long optimizer() {
        return optimizer(trained);
    }

    /// The same of so many trained numbers.
    public static long optimizer(long trained) {
        return MOMENT_BYTES * trained;
    }

    /// Bytes of one forward and backward pass.
    ///
    /// @param tokens computed at once; each is taken to predict one
    /// @param recomputed how many blocks are computed again in the backward pass
    public long pass(int tokens, int recomputed) {
        return (long)
                (GAPS
                        * (activations.bytes(tokens, recomputed)
                                + OutputHead.bytes(config, dtype, tokens)));
    }

    /// Bytes of everything, as with [#pass].
    public long bytes(int tokens, int recomputed) {
        return GRADIENT_BYTES * gradients + toCome(tokens, recomputed);
    }

    /// The part of [#bytes] that is still to come when the policy stands there: its gradients are
    /// made with it.
    public long toCome(int tokens, int recomputed) {
        return optimizer() + pass(tokens, recomputed);
    }
}
