package org.attune.tensor;

/// Products of bfloat16 matrices on processors with registers for tiles (AMX). A tile has 32
/// columns of the left-hand matrix. In the last one oneDNN reads what stands behind the matrix's
/// columns, and multiplies it by zero: with an infinity or no number there, the product is no
/// number either. So such a matrix is copied to where finite numbers follow. Seen with oneDNN of
/// libtorch 2.7.1, from 17 rows on.
final class TileDepths {
    private static final int TILE = 32;
    private static final boolean HAS_TILES = Engine.hasTileRegisters();

    private TileDepths() {}

    /// A matrix, or a copy of it behind whose columns others may be read.
    ///
    /// @param left `(…, k)`, of a product over `k`
    static Tensor readable(Tensor left) {
        if (!HAS_TILES
                || left.dtype != DType.BFLOAT16
                || !left.device.isHostMemory()
                || left.size(left.dim() - 1) <= TILE
                || left.size(left.dim() - 1) % TILE == 0
                || Capture.of(new Tensor[] {left}, 1) != null) {
            return left;
        }
        var counting = DeviceTraffic.pause();
        try {
            long count = left.size();
            Tensor memory = Tensor.empty(left.device, left.dtype, count + TILE);
            memory.narrow(0, count, TILE).zeroInPlace();
            return memory.narrow(0, 0, count).reshape(left.shape()).copyInPlace(left);
        } finally {
            DeviceTraffic.goOn(counting);
        }
    }
}
