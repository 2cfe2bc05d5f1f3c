package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// Inverses of lower triangular matrices with ones on the diagonal, by halves:
/// ```
/// (A 0; C B)⁻¹ = (A⁻¹ 0; −B⁻¹ C A⁻¹ B⁻¹)
/// ```
/// As stable as substitution, row by row, but in a few large products. Sums of powers lose all
/// digits where rows repeat.
final class UnitTriangles {
    private UnitTriangles() {}

    /// The inverses. Autograd follows `X (2 − M X)`, which is `X = M⁻¹` and has its derivative.
    ///
    /// @param below strictly lower triangles, `M − 1`, float32 `(Z, n, n)`; 0 elsewhere
    /// @return `(Z, n, n)`
    static Tensor inverses(Tensor below) {
        Tensor x = byHalves(below.detach());
        Tensor mx = below.bmm(x).add(x);
        return x.mul(2).sub(x.bmm(mx));
    }

    /// @param below `(Z, n, n)`
    private static Tensor byHalves(Tensor below) {
        long z = below.size(0);
        long n = below.size(1);
        long size = Long.highestOneBit(Math.max(1, 2 * n - 1)); // the next power of two
        Tensor m = padded(below, size).contiguous();
        Tensor inverses = // of blocks on the diagonal, (Z size / s, s, s)
                Tensor.full(m.device(), m.dtype(), 1, z * size, 1, 1);
        for (long s = 1; s < size; s *= 2) {
            long blocks = size / (2 * s);
            Tensor c =
                    m.viewAs(
                                    new long[] {z, blocks, s, s},
                                    new long[] {size * size, 2 * s * (size + 1), size, 1},
                                    s * size)
                            .reshape(z * blocks, s, s);
            Tensor both = inverses.reshape(z * blocks, 2, s, s);
            Tensor a = both.select(1, 0).contiguous();
            Tensor b = both.select(1, 1).contiguous();
            Tensor corner = b.bmm(c.bmm(a)).mul(-1);
            Tensor zeros = Tensor.zeros(m.device(), m.dtype(), z * blocks, s, s);
            inverses = Tensor.cat(1, Tensor.cat(2, a, zeros), Tensor.cat(2, corner, b));
        }
        return inverses.narrow(1, 0, n).narrow(2, 0, n).contiguous();
    }

    private static Tensor padded(Tensor x, long size) {
        long rest = size - x.size(1);
        if (rest == 0) {
            return x;
        }
        long z = x.size(0);
        long n = x.size(1);
        Tensor wide = Tensor.cat(2, x, Tensor.zeros(x.device(), x.dtype(), z, n, rest));
        return Tensor.cat(1, wide, Tensor.zeros(x.device(), x.dtype(), z, rest, size));
    }
}
