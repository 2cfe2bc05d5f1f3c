package org.attune.model.layer;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// How tokens are cut into chunks for a [Scan]. `B` sequences, `H` heads, `M` chunks of `C` tokens,
/// `d` numbers of a head.
///
/// @param sequences `B`
/// @param heads `H`
/// @param count `M`
/// @param size `C`
record Chunks(long sequences, long heads, long count, long size) {
    /// @param tokens of each sequence, as [Scan#padded] gives them
    static Chunks of(long sequences, long heads, long tokens) {
        long size = Math.min(tokens, Scan.CHUNK);
        return new Chunks(sequences, heads, tokens / size, size);
    }

    /// Heads of tokens, chunk by chunk.
    ///
    /// @param x `(B, M C, H d)`
    /// @return `(B H M, C, d)`
    Tensor cut(Tensor x) {
        return byHead(x).reshape(sequences * heads * count, size, x.size(2) / heads);
    }

    /// Heads that several others have a part in, each as often as there are such.
    ///
    /// @param x `(B, M C, H / times d)`
    /// @return `(B H M, C, d)`
    Tensor cutRepeated(Tensor x, long times) {
        if (times == 1) {
            return cut(x);
        }
        long own = heads / times;
        long width = x.size(2) / own;
        return x.reshape(sequences, count, size, own, width)
                .permute(0, 3, 1, 2, 4) // (B, H / times, M, C, d)
                .unsqueeze(2)
                .expand(sequences, own, times, count, size, width)
                .reshape(sequences * heads * count, size, width);
    }

    private Tensor byHead(Tensor x) {
        return x.reshape(sequences, count, size, heads, x.size(2) / heads)
                .permute(0, 3, 1, 2, 4); // (B, H, M, C, d)
    }

    /// Puts heads beside each other again.
    ///
    /// @param x `(B H M, C, d)`
    /// @return `(B, M C, H d)`
    Tensor joined(Tensor x) {
        long width = x.size(2);
        return x.reshape(sequences, heads, count, size, width)
                .permute(0, 2, 3, 1, 4)
                .reshape(sequences, count * size, heads * width);
    }

    /// One chunk of all heads.
    ///
    /// @param x `(B H M, …)`
    /// @return `(B H, …)`
    Tensor chunk(Tensor x, long number) {
        return x.reshape(sequences * heads, count, x.size(1), x.size(2)).select(1, number);
    }

    /// Chunks one behind the other.
    ///
    /// @param parts `M` of them, `(B H, …)`
    /// @return `(B H M, …)`
    Tensor stacked(Tensor[] parts) {
        Tensor[] all = new Tensor[parts.length];
        for (int i = 0; i < all.length; i++) {
            all[i] = parts[i].unsqueeze(1);
        }
        long rows = parts[0].size(1);
        return Tensor.cat(1, all).reshape(sequences * heads * count, rows, parts[0].size(2));
    }

    /// Decays between the tokens of a chunk.
    ///
    /// @param log sums of logarithms, `(B H M, C, 1)`
    /// @return `exp(log_i - log_j)` where `j ≤ i`, else 0, `(B H M, C, C)`
    Tensor decays(Tensor log) {
        Tensor seen = triangle(log.device(), true);
        // What comes later would grow beyond all numbers, and 0 times that is none.
        return log.sub(log.transpose(1, 2)).mul(seen).exp().mul(seen);
    }

    /// Ones where a token sees another.
    ///
    /// @param itself whether it sees itself
    Tensor triangle(Device device, boolean itself) {
        int n = Math.toIntExact(size);
        float[] ones = new float[n * n];
        for (int row = 0; row < n; row++) {
            for (int column = 0; column < row + (itself ? 1 : 0); column++) {
                ones[row * n + column] = 1;
            }
        }
        return Tensor.of(device, ones, n, n);
    }
}
