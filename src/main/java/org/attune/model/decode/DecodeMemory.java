package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Rope;
import org.attune.tensor.CacheAttention;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DeviceKernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.tensor.VectorKernels;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// What a [DecodeStep] writes into: memory for the most sequences that a [KvCache] can hold, of
/// which a step of fewer uses the first rows. Steps over one cache use it in turn. Owns its
/// tensors.
///
/// Shapes: `R` rows, `D` width, `W` numbers of a token's queries, keys and values, `F` inner width,
/// `V` vocabulary, `L` capacity.
final class DecodeMemory implements AutoCloseable {
    /// Rows of the input: tokens, slots, places in these, positions by which tokens turn.
    static final int INPUTS = 4;

    private final TensorScope scope = TensorScope.detached("decode-memory");
    private final Device device;
    private final DType dtype;
    private final int rows;
    private final int capacity;
    private final VectorKernels.RotatedHeads heads;
    private final Map<Integer, Tensor> layerInputs = new HashMap<>(); // by width
    private final Tensor inputs; // int32 (4 R), of a step of n rows the first 4 n
    private final Tensor residual; // (R, D)
    private final Tensor added; // (R, D)
    private final Tensor projections; // (R, W)
    private final Tensor inner; // (R, 2F)
    private final Tensor logits; // (R, V)
    private final Tensor partial; // of attention
    private final Rope.Angles angles; // of all places, float32 (L, 1, rotary / 2)

    /// @param rows most sequences of a step, padded
    /// @param capacity most tokens of each
    DecodeMemory(Decoder decoder, int rows, int capacity) {
        DecoderConfig config = decoder.config();
        device = decoder.device();
        dtype = decoder.dtype();
        this.rows = rows;
        this.capacity = capacity;
        heads = Rope.heads(config);
        int width = config.hiddenSize();
        long numbers =
                IntStream.rangeClosed(1, rows)
                        .mapToLong(n -> CacheAttention.numbers(heads, n, capacity))
                        .max()
                        .orElseThrow();
        try (var _ = scope.enter()) {
            inputs = Tensor.empty(device, DType.INT32, (long) INPUTS * rows);
            residual = matrix(width);
            added = matrix(width);
            projections = matrix((heads.queries() + 2L * heads.keys()) * heads.headDim());
            inner = matrix(2L * config.intermediateSize());
            logits = matrix(decoder.output().weight().base().size(0));
            partial = Tensor.empty(device, DType.FLOAT32, numbers);
            angles = Rope.Angles.of(config, places(capacity), device);
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    private static Layout places(int capacity) {
        int[] places = IntStream.range(0, capacity).toArray();
        return new Layout(places, places, List.of(new Layout.Span(-1, 0, capacity)));
    }

    private Tensor matrix(long width) {
        return Tensor.empty(device, dtype, rows, width);
    }

    /// Tensors of a step, views of the first rows.
    ///
    /// @param inputs int32 `(4 n)`: tokens, slots, places, positions by which tokens turn
    /// @param tokens int32 `(n)`, a part of the inputs
    /// @param places in the cache, others of their parts
    /// @param residual `(n, D)`
    /// @param added `(n, D)`
    /// @param projections `(n, W)`
    /// @param inner `(n, 2F)`
    /// @param logits `(n, V)`
    record Rows(
            Tensor inputs,
            Tensor tokens,
            DeviceKernels.CachePlaces places,
            Tensor residual,
            Tensor added,
            Tensor projections,
            Tensor inner,
            Tensor logits) {}

    /// The memory of a step's rows, as views in the current scope.
    ///
    /// @param n rows of the step, at most those of this memory
    Rows rows(int n) {
        return new Rows(
                inputs.narrow(0, 0, (long) INPUTS * n),
                inputs.narrow(0, 0, n),
                new DeviceKernels.CachePlaces(
                        inputs.narrow(0, n, n),
                        inputs.narrow(0, 2L * n, n),
                        inputs.narrow(0, 3L * n, n),
                        angles.cos(),
                        angles.sin()),
                residual.narrow(0, 0, n),
                added.narrow(0, 0, n),
                projections.narrow(0, 0, n),
                inner.narrow(0, 0, n),
                logits.narrow(0, 0, n));
    }

    /// Memory for a layer's input, which all layers of its width use in turn, in the current scope.
    ///
    /// @return `(n, width)`
    Tensor layerInput(int n, int width) {
        Tensor all =
                layerInputs.computeIfAbsent(
                        width,
                        _ -> {
                            try (var _ = scope.enter()) {
                                return DeviceKernels.rows(device, dtype, rows, width);
                            }
                        });
        return all.narrow(0, 0, n);
    }

    /// Attention of a step of `n` rows.
    CacheAttention attention(int n) {
        return new CacheAttention(heads, n, capacity, partial);
    }

    VectorKernels.RotatedHeads heads() {
        return heads;
    }

    @Override
    public void close() {
        scope.close();
    }
}
