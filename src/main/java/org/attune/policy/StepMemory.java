package org.attune.policy;

import org.attune.model.config.DecoderConfig;
import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;

/// Estimates the memory that training takes beside the weights. `P` trained numbers, `G` gradients
/// that exist at a time, `N` tokens computed at once.
/// ```
/// gradients   = 4 G             float32
/// optimizer   = 8 P             AdamW's two moments, float32
/// pass        = g(N) (a(N) + h(N)) + v, g(N) = 1.12 + 0.04 max(0, log₂(N / 4096))
/// ```
/// with `a` of the blocks' activations ([ActivationBytes]), `h` of the output head, and `v` of what
/// sees pictures. The factor
/// is for gaps that the allocator leaves, measured after some steps (docs/lab/performance.md). It
/// grows with long rows where attention's scores come and go between what stays: not where they are
/// tiles in a cache.
///
/// @param config shape of the decoder
/// @param dtype of its activations
/// @param activations of its blocks
/// @param trained how many numbers are trained
/// @param gradients numbers of the gradients that exist at a time: `trained`, or fewer where they
///     share memory ([ParameterSpace#sharesGradients])
/// @param seeing bytes that the encoder of pictures and its rows take, in models that see
public record StepMemory(
        DecoderConfig config,
        DType dtype,
        ActivationBytes activations,
        long trained,
        long gradients,
        long seeing) {
    private static final long GRADIENT_BYTES = 4;
    private static final long MOMENT_BYTES = 8;
    private static final double GAPS = 1.12;
    private static final double GAPS_OF_TWICE_AS_LONG = 0.04;
    private static final double LONG = 4096;

    /// The memory of a model of text alone.
    public StepMemory(
            DecoderConfig config,
            DType dtype,
            ActivationBytes activations,
            long trained,
            long gradients) {
        this(config, dtype, activations, trained, gradients, 0);
    }

    /// The memory of a policy as it stands.
    public static StepMemory of(Policy policy) {
        var decoder = policy.decoder();
        return new StepMemory(
                decoder.config(),
                decoder.dtype(),
                ActivationBytes.of(decoder)
                        .withoutFirst(decoder.firstLearning(policy.adapterInUse())),
                policy.parameters().count(),
                policy.parameters().gradients().size(),
                decoder.seeingBytes(policy.adapterInUse()));
    }

    /// The memory of a step where gradients take turns in one memory: at most the two largest
    /// groups' gradients, of which one can be a tied embedding.
    ///
    /// @param parameters what is trained
    public StepMemory inTurn(ParameterSpace parameters) {
        long[] groups =
                parameters.groups().stream()
                        .mapToLong(g -> g.stream().mapToLong(ParameterSpace.Parameter::count).sum())
                        .sorted()
                        .toArray();
        long most = groups[groups.length - 1] + (groups.length > 1 ? groups[groups.length - 2] : 0);
        return new StepMemory(config, dtype, activations, trained, Math.min(trained, most), seeing);
    }

    /// Bytes of gradients.
    public long gradientBytes() {
        return GRADIENT_BYTES * gradients;
    }

    /// Bytes of AdamW's moments.
    public long optimizer() {
        return MOMENT_BYTES * trained;
    }

    /// Bytes of one forward and backward pass.
    ///
    /// @param tokens computed at once; each is taken to predict one
    /// @param recomputed in the backward pass
    public long pass(int tokens, Recomputation recomputed) {
        long decoder =
                activations.bytes(tokens, recomputed) + OutputHead.bytes(config, dtype, tokens);
        return seeing + (long) (gaps(tokens) * decoder);
    }

    /// Operations of attention in a forward pass over a row of so many tokens, for each operation
    /// of the blocks' products.
    public double attentionToProducts(int row) {
        return (double) row * config.heads() * config.headDim() / config.blockNumbers();
    }

    private double gaps(int tokens) {
        if (activations.score() == 0) {
            return GAPS;
        }
        double doublings = Math.log(Math.max(1, tokens / LONG)) / Math.log(2);
        return GAPS + GAPS_OF_TWICE_AS_LONG * doublings;
    }

    /// Bytes of everything, as with [#pass].
    public long bytes(int tokens, Recomputation recomputed) {
        return gradientBytes() + toCome(tokens, recomputed);
    }

    /// The part of [#bytes] that is still to come when the policy stands there: its gradients are
    /// made with it.
    public long toCome(int tokens, Recomputation recomputed) {
        return optimizer() + pass(tokens, recomputed);
    }
}
