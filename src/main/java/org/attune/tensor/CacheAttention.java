package org.attune.tensor;

import org.attune.error.ShapeException;
import org.attune.tensor.kernel.Launch;

/// Attention of new tokens, one a sequence, over a cache of keys and values by Attune's own kernels
/// for GPUs. It allocates nothing, and reads from the device where the tokens stand: so its
/// launches can be part of a [DeviceGraph]. Each slot's keys are cut into parts, which are computed
/// beside each other and then joined. On real GPUs it is untried.
///
/// Shapes: `N` tokens, `H` query heads, `C` key/value heads, `K` head size, `L` capacity.
public final class CacheAttention {
    private static final int WIDEST = 256;
    private static final int MULTIPLE = 8;

    /// Blocks of threads that keep a large GPU busy: four on each of about 130 multiprocessors. An
    /// estimate, not measured.
    private static final int ENOUGH_BLOCKS = 512;

    private final VectorKernels.RotatedHeads heads;
    private final int capacity;
    private final int rows;
    private final int batches; // of query heads to a key head
    private final int span; // places of a part
    private final int parts;
    private final Tensor partial; // float32, its first (N, H, parts, K + 2)

    /// @param rows `N`
    /// @param capacity `L`
    /// @param memory float32, of at least [#numbers]
    public CacheAttention(VectorKernels.RotatedHeads heads, int rows, int capacity, Tensor memory) {
        this.heads = heads;
        this.capacity = capacity;
        this.rows = rows;
        batches = batches(heads);
        span = span(heads, rows, capacity);
        parts = (capacity + span - 1) / span;
        partial = memory;
        if (memory.size() < numbers(heads, rows, capacity)) {
            throw new ShapeException(
                    "attention of %d tokens over a cache of %d takes %d numbers, got %s"
                            .formatted(rows, capacity, numbers(heads, rows, capacity), memory));
        }
    }

    private static int batches(VectorKernels.RotatedHeads heads) {
        return (heads.queries() / heads.keys() + Launch.HEADS - 1) / Launch.HEADS;
    }

    private static int span(VectorKernels.RotatedHeads heads, int rows, int capacity) {
        int tiles = (capacity + Launch.KEYS - 1) / Launch.KEYS;
        long blocks = (long) rows * heads.keys() * batches(heads);
        int wanted = Math.clamp(ENOUGH_BLOCKS / blocks, 1, tiles);
        return (tiles + wanted - 1) / wanted * Launch.KEYS;
    }

    /// Numbers of the memory that it works in.
    ///
    /// @param rows `N`
    /// @param capacity `L`
    public static long numbers(VectorKernels.RotatedHeads heads, int rows, int capacity) {
        int span = span(heads, rows, capacity);
        int parts = (capacity + span - 1) / span;
        return (long) rows * parts * heads.queries() * (heads.headDim() + 2);
    }

    /// Whether there are kernels for heads of `headDim` numbers on a device.
    public static boolean serves(Device device, DType dtype, int headDim) {
        return DeviceKernels.serve(device, dtype) && headDim % MULTIPLE == 0 && headDim <= WIDEST;
    }

    /// @param x `(N, …)`: in each row first the queries, rotated and scaled
    /// @param at where the tokens stand in the cache, which holds their keys and values already; a
    ///     token in a negative slot sees nothing
    /// @param cache `(S · C · 2 · L, K)`, of each slot and head the keys, then the values
    /// @param window how many places a token sees, up to its own; 0: all
    /// @param out its first `H · K` columns are written, with zeros where a token sees nothing
    public void attend(
            Tensor x, DeviceKernels.CachePlaces at, Tensor cache, int window, Tensor out) {
        new DeviceKernel("attune_attend")
                .with(x)
                .with(cache)
                .with(at.slots())
                .with(at.places())
                .with(partial)
                .with(heads.queries())
                .with(heads.keys())
                .with(heads.headDim())
                .with(capacity)
                .with(x.stride(0))
                .with(window)
                .with(parts)
                .with(span)
                .launch((long) rows * heads.keys() * batches * parts, Launch.KEYS);
        new DeviceKernel("attune_join")
                .with(partial)
                .with(out)
                .with(heads.queries())
                .with(heads.headDim())
                .with(parts)
                .with(out.stride(0))
                .launch((long) rows * heads.queries(), Launch.KEYS);
    }
}
