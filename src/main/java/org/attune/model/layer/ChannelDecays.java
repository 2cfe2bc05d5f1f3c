package org.attune.model.layer;

import org.attune.tensor.Tensor;

/// Products of the tokens of a chunk, each channel of which decays by itself:
/// ```
/// P_ij = Σ_c a_ic b_jc e^(G_ic − G_jc)     j ≤ i, else 0
/// ```
/// `G` are sums of logarithms, which fall. Chunks are taken by halves: the decay between a token of
/// the later half and one of the earlier half is that to the last token of the earlier half times
/// that from it. Neither is above 1, where `e^(−G)` would grow beyond all numbers.
final class ChannelDecays {
    private ChannelDecays() {}

    /// @param a `(Z, n, k)`
    /// @param b `(Z, n, k)`
    /// @param log `G`, `(Z, n, k)`
    /// @return `P`, `(Z, n, n)`
    static Tensor products(Tensor a, Tensor b, Tensor log) {
        long z = a.size(0);
        long n = a.size(1);
        long k = a.size(2);
        long size = Long.highestOneBit(Math.max(1, 2 * n - 1)); // the next power of two
        Tensor later = padded(a, size);
        Tensor earlier = padded(b, size);
        Tensor sums = padded(log, size);
        Tensor all = // of blocks on the diagonal, (Z size / s, s, s)
                later.mul(earlier).sum(2, false).reshape(z * size, 1, 1);
        for (long s = 1; s < size; s *= 2) {
            long blocks = z * size / (2 * s);
            Tensor g = sums.reshape(blocks, 2, s, k);
            Tensor edge = g.select(1, 0).narrow(1, s - 1, 1); // (blocks, 1, k)
            Tensor to = g.select(1, 1).sub(edge).exp(); // (blocks, s, k)
            Tensor from = edge.sub(g.select(1, 0)).exp();
            Tensor corner =
                    later.reshape(blocks, 2, s, k)
                            .select(1, 1)
                            .mul(to)
                            .bmm(
                                    earlier.reshape(blocks, 2, s, k)
                                            .select(1, 0)
                                            .mul(from)
                                            .transpose(1, 2));
            Tensor both = all.reshape(blocks, 2, s, s);
            Tensor zeros = Tensor.zeros(a.device(), a.dtype(), blocks, s, s);
            all =
                    Tensor.cat(
                            1,
                            Tensor.cat(2, both.select(1, 0), zeros),
                            Tensor.cat(2, corner, both.select(1, 1)));
        }
        return all.narrow(1, 0, n).narrow(2, 0, n);
    }

    /// Repeats the last row: what isn't asked for must be a number.
    private static Tensor padded(Tensor x, long size) {
        long rest = size - x.size(1);
        return rest == 0
                ? x
                : Tensor.cat(
                        1, x, x.narrow(1, x.size(1) - 1, 1).expand(x.size(0), rest, x.size(2)));
    }

    /// Numbers that [#products] makes of a token with autograd, at most.
    static long numbers(long width) {
        long levels = Long.numberOfTrailingZeros(Scan.CHUNK);
        return 2 * (width * (4 + 4 * levels) + 4L * Scan.CHUNK); // rows may be doubled
    }
}
