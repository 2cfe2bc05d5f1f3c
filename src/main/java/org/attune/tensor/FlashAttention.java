package org.attune.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// libtorch's attention for GPUs over runs of rows: entry `i` says which queries see which keys. It
/// takes bfloat16 and heads of up to 256 numbers, on GPUs from compute capability 8.0 on. Untried
/// on real ones.
///
/// Shapes: `N` rows, `H` query heads, `C` key/value heads, `K` head size, `L` calls.
public final class FlashAttention {
    private static final int WIDEST = 256;
    private static final int MULTIPLE = 8;

    private FlashAttention() {}

    /// Consecutive runs of rows, one entry after the other, each with queries, keys, or both.
    ///
    /// @param queries first query row of each entry and the end of the last, int32 `(entries + 1)`
    /// @param keys the same of key rows
    /// @param mostQueries of an entry
    /// @param mostKeys of an entry
    /// @param causal whether a query sees no keys behind its own place, counted from the end
    /// @param used how many of each entry's keys there are, int32 `(entries)`; its keys then begin
    ///     anywhere. For no backward pass. Empty: all up to the next entry's
    public record Entries(
            Tensor queries,
            Tensor keys,
            int mostQueries,
            int mostKeys,
            boolean causal,
            Optional<Tensor> used) {
        /// Sends the numbers of rows to a device.
        public static Entries of(Device device, int[] queries, int[] keys, boolean causal) {
            return new Entries(
                    rows(device, queries),
                    rows(device, keys),
                    most(queries),
                    most(keys),
                    causal,
                    Optional.empty());
        }

        /// Entries whose keys begin anywhere, as in a cache.
        ///
        /// @param queries first query row of each entry and the end of the last
        /// @param keys first key row of each entry
        /// @param used keys of each entry, at least its queries unless all are seen
        public static Entries inCache(Device device, int[] queries, int[] keys, int[] used) {
            return new Entries(
                    rows(device, queries),
                    rows(device, Arrays.copyOf(keys, queries.length)),
                    most(queries),
                    Arrays.stream(used).max().orElse(0),
                    true,
                    Optional.of(rows(device, used)));
        }

        /// Entries of which every query sees all keys.
        public Entries seeingAll() {
            return new Entries(queries, keys, mostQueries, mostKeys, false, used);
        }

        private static Tensor rows(Device device, int[] starts) {
            MemorySegment memory = MemorySegment.ofArray(starts);
            return Tensor.ofMemory(device, DType.INT32, memory, starts.length);
        }

        private static int most(int[] starts) {
            int most = 0;
            for (int i = 1; i < starts.length; i++) {
                most = Math.max(most, starts[i] - starts[i - 1]);
            }
            return most;
        }
    }

    /// @param out attention, `(N, H, K)`; zeros where a query sees nothing
    /// @param logs of the sums of the scores' exponentials, float32 `(H, N)`; ∞ there
    public record Result(Tensor out, Tensor logs) {}

    /// Whether a device has flash attention for heads of `headDim` numbers.
    public static boolean serves(Device device, DType dtype, int headDim) {
        return dtype == DType.BFLOAT16
                && headDim % MULTIPLE == 0
                && headDim <= WIDEST
                && device.kind().hasFlash(device.index());
    }

    /// @param q queries, `(N, H, K)`; rows and heads may be apart
    /// @param k keys, `(N, C, K)`
    /// @param v values, `(N, C, K)`
    /// @param scale of the scores
    public static Result forward(Tensor q, Tensor k, Tensor v, Entries entries, double scale) {
        return forward(q, k, v, entries, scale, 0);
    }

    /// Computes attention in which a query may see a window of keys only.
    ///
    /// @param window how many keys a query sees at most, up to its own place; 0: all. Entries are
    ///     causal if there is one
    public static Result forward(
            Tensor q, Tensor k, Tensor v, Entries entries, double scale, int window) {
        return q.device().kind().flash().forward(q, k, v, entries, scale, window);
    }

    /// What queries saw in several calls together.
    ///
    /// @param parts at least one, of the same queries, each of which saw a key somewhere
    /// @return attention, `(N, H, K)`
    public static Tensor joined(List<Result> parts) {
        return joined(parts, logs(parts).logSoftmax(0).exp());
    }

    /// What queries saw in several calls together, with the logarithms of the sums.
    public static Result joinedWithLogs(List<Result> parts) {
        Tensor all = logs(parts); // (L, H, N)
        Tensor logShares = all.logSoftmax(0);
        Tensor shares = logShares.exp();
        return new Result(
                joined(parts, shares), all.sub(logShares).mul(shares).sum(0, false)); // (H, N)
    }

    private static Tensor logs(List<Result> parts) {
        Tensor[] logs = parts.stream().map(p -> p.logs().unsqueeze(0)).toArray(Tensor[]::new);
        return Masks.lowWhereInfinite(Tensor.cat(0, logs)); // (L, H, N)
    }

    private static Tensor joined(List<Result> parts, Tensor shares) {
        Tensor out = null;
        for (int i = 0; i < parts.size(); i++) {
            Tensor share = shares.select(0, i).t().unsqueeze(2); // (N, H, 1)
            Tensor part = parts.get(i).out().mul(share); // (N, H, K), float32
            out = out == null ? part : out.addInPlace(part);
        }
        return out.to(parts.getFirst().out().dtype());
    }

    /// Gradients of queries, keys and values.
    ///
    /// @param dOut `(N, H, K)`
    /// @param result of all entries that these queries see, these ones and others
    public static Tensor[] backward(
            Tensor dOut,
            Tensor q,
            Tensor k,
            Tensor v,
            Result result,
            Entries entries,
            double scale) {
        return q.device().kind().flash().backward(dOut, q, k, v, result, entries, scale);
    }
}
