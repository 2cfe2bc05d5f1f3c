package org.attune.bench;

import org.attune.model.layer.Decoder;
import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.policy.StepMemory;
import org.attune.tensor.DType;
import org.attune.trainers.loop.PassWork;

import java.util.Map;

/// What a step must at least take: operations ([ModelFlops]), bytes that go through memory, bytes
/// that must be there. `b` bytes of a value, `W` and `H` numbers in blocks and output layer, `A` in
/// the adapter, `a` bytes that a row keeps for the backward pass, `c` cached bytes of a token.
/// ```
/// a training pass    = 2 b (W + H) + 2 a N      weights and activations once each way
/// a measuring pass   = b (W + H)
/// the optimizer      = 30 A                      gradient, moments, masters, copies
/// a decoded token    = b (W + H) + c · tokens in the cache
/// ```
///
/// @param flops counts operations, and has the shape
/// @param dtype of weights and activations
public record Theory(ModelFlops flops, DType dtype) {
    /// Dense bfloat16 operations a second of an H100 SXM.
    public static final double H100_FLOPS = 989e12;

    /// Bytes a second of its memory.
    public static final double H100_BANDWIDTH = 3.35e12;

    private static final int OPTIMIZER_BYTES = 30;
    private static final int FUSED_PARTS = 7;

    private double weightBytes() {
        return (double) dtype.bytes() * (flops.blockWeights() + flops.headWeights());
    }

    private ActivationBytes activations() {
        return ActivationBytes.of(flops.config(), dtype, FUSED_PARTS * flops.rank());
    }

    /// Cached keys and values of one token.
    double cacheBytes() {
        var c = flops.config();
        return 2.0 * dtype.bytes() * c.layers() * c.kvHeads() * c.headDim();
    }

    /// Bytes that an optimizer step moves, its generation left out.
    ///
    /// @param passes by phase
    public double trainingBytes(Map<String, PassWork> passes) {
        boolean trains = passes.containsKey("forward");
        double bytes = trains ? (double) OPTIMIZER_BYTES * flops.trained() : 0;
        for (var entry : passes.entrySet()) {
            PassWork work = entry.getValue();
            bytes +=
                    switch (entry.getKey()) {
                        case "forward" ->
                                2 * work.passes() * weightBytes()
                                        + 2.0
                                                * work.rows()
                                                * activations().kept(Recomputation.NONE);
                        case "reference", "old" -> work.passes() * weightBytes();
                        default -> 0;
                    };
        }
        return bytes;
    }

    /// Bytes that generation moves after the prompts.
    ///
    /// @param sequences at once
    /// @param prompt tokens of each
    /// @param added tokens of each
    public double decodeBytes(int sequences, int prompt, int added) {
        double steps = added - 1.0;
        double cached = sequences * (steps * prompt + 0.5 * steps * (steps + 1));
        return steps * weightBytes() + cached * cacheBytes();
    }

    /// Bytes that must be there in a training run: weights (or two packed copies of the blocks' and
    /// one of the output layer's, where they stay as they are and memory isn't limited), values in
    /// float32 and copies of what is trained,
    /// its optimizer, and the largest pass. The Java machine's own memory, about 0.3 GiB, comes on
    /// top.
    ///
    /// @param tokensAtOnce rows of the largest pass
    public double residentBytes(int tokensAtOnce) {
        boolean adapts = flops.rank() > 0;
        boolean packs = dtype == DType.BFLOAT16 && weightBytes() <= Decoder.MOST_PACKED_BYTES;
        double packed = packs && adapts ? weightBytes() : 0;
        long trained = flops.trained();
        var step = new StepMemory(flops.config(), dtype, activations(), trained, trained);
        double values = 4.0 * trained + (adapts ? (double) dtype.bytes() * trained : 0);
        return (double) dtype.bytes() * flops.allWeights()
                + packed
                + values
                + step.bytes(tokensAtOnce, Recomputation.NONE);
    }

    /// The roofline: a machine needs the longer of the time for operations and that for bytes.
    public static double seconds(double operations, double bytes, double perSecond, double rate) {
        return Math.max(operations / perSecond, bytes / rate);
    }

    /// The roofline's time on one H100, with everything overlapped, in seconds.
    public static double h100Seconds(double operations, double bytes) {
        return seconds(operations, bytes, H100_FLOPS, H100_BANDWIDTH);
    }
}
