package org.attune.model.layer;

import org.attune.model.config.VisionEncoder.Grid;
import org.attune.model.config.VisionEncoder.Positions.Rotary;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// Rotates the halves of queries and keys by the rows and columns of their patches
/// ([Heo et al. 2024](https://arxiv.org/abs/2403.13298)).
///
/// @param cos float32 `(N, 1, K)`
/// @param sin float32 `(N, 1, K)`
record PatchRotation(Tensor cos, Tensor sin) {
    /// @param size `K`, of a head
    static PatchRotation of(Rotary rotary, Grid grid, int size, Device device) {
        int[] rows = grid.rowOfPatch();
        int[] columns = grid.columnOfPatch();
        int half = size / 2;
        int each = half / 2; // frequencies of rows, and of columns
        int patches = rows.length * grid.tiles();
        float[] cos = new float[patches * size];
        float[] sin = new float[cos.length];
        for (int n = 0; n < patches; n++) {
            int patch = n % rows.length;
            for (int i = 0; i < size; i++) {
                int number = i % half;
                boolean ofRow = number < each;
                int at = number % each;
                float angle =
                        (ofRow ? rows[patch] : columns[patch]) * frequency(rotary, at, ofRow, size);
                cos[n * size + i] = (float) Math.cos(angle);
                sin[n * size + i] = (float) Math.sin(angle);
            }
        }
        return new PatchRotation(
                Tensor.of(device, cos, patches, 1, size), Tensor.of(device, sin, patches, 1, size));
    }

    /// The rotation of patches in another order.
    PatchRotation in(WindowOrder order) {
        return new PatchRotation(order.ordered(cos), order.ordered(sin));
    }

    /// Both as transformers rounds it.
    private static float frequency(Rotary rotary, int at, boolean ofRow, int size) {
        int number = rotary.alternating() ? 2 * at + (ofRow ? 0 : 1) : at;
        float share = 2f * number / (rotary.alternating() ? size : size / 2);
        return 1 / (float) Math.pow(rotary.theta(), share);
    }

    /// @param x `(N, H, K)`
    Tensor apply(Tensor x) {
        long half = x.size(2) / 2;
        Tensor x32 = x.to(DType.FLOAT32);
        Tensor turned = Tensor.cat(2, x32.narrow(2, half, half).neg(), x32.narrow(2, 0, half));
        return x32.mul(cos).add(turned.mul(sin)).to(x.dtype());
    }
}
