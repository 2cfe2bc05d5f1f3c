package org.attune.policy;

import org.attune.tensor.Tensor;

import java.util.List;

/// Leaves targets the tokens that they were drawn from, where others had been left out
/// ([DeepSeek-V3.2, 2025, Keep Sampling Mask](https://arxiv.org/abs/2512.02556)).
///
/// @param ids of each target, `(M)`; none: all. Empty: all for all targets
record DrawableTokens(List<int[]> ids) {
    /// A logit whose probability is 0 in float32. Finite, since 0 · ∞ would be NaN in entropies.
    private static final double IMPOSSIBLE = -1e4;

    /// Most numbers that are gathered at once.
    private static final int MOST = 1 << 20;

    /// Makes all other tokens impossible.
    ///
    /// @param z logits `(n, V)`; changed
    /// @param from number of the first row's target
    /// @param divisor by which logits will be divided
    /// @return `z`
    Tensor restrict(Tensor z, int from, double divisor) {
        int n = ids.isEmpty() ? 0 : (int) z.size(0);
        int next;
        for (int i = 0; i < n; i = next) {
            int width = ids.get(from + i).length;
            next = i + 1;
            while (width > 0 && next < n && ids.get(from + next).length > 0) {
                int wider = Math.max(width, ids.get(from + next).length);
                if ((long) wider * (next + 1 - i) > MOST) {
                    break;
                }
                width = wider;
                next++;
            }
            if (width > 0) {
                keep(z.narrow(0, i, next - i), from + i, width, IMPOSSIBLE * divisor);
            }
        }
        return z;
    }

    /// @param z logits of some rows; changed
    /// @param width most tokens that one of them keeps
    private void keep(Tensor z, int from, int width, double impossible) {
        int rows = (int) z.size(0);
        long[] index = new long[rows * width];
        for (int row = 0; row < rows; row++) {
            int[] kept = ids.get(from + row);
            for (int i = 0; i < width; i++) { // one with fewer repeats its last
                index[row * width + i] = kept[Math.min(i, kept.length - 1)];
            }
        }
        Tensor where = Tensor.of(z.device(), index, rows, width); // (n, K)
        Tensor values = z.gather(1, where); // (n, K)
        z.fillInPlace(impossible).scatterInPlace(1, where, values);
    }
}
