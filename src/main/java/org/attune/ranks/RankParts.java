package org.attune.ranks;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;

/// A row of numbers that is cut into a part for each rank: `[start, end)`, by rank. Parts are whole
/// [pieces][#piece] of the row; all have the same length, but for the last ones, which may be
/// shorter or empty.
///
/// @param ranks borrowed; all of them make the same calls
/// @param count numbers of the row, ≥ 0
public record RankParts(Collective ranks, long count) {
    /// Numbers that are moved at once, of all ranks together: 4 MiB.
    private static final long MOVED = 1 << 20;

    private static final long LEAST = 1 << 8;
    private static final long MOST = 1 << 18;

    /// Pieces that a row has at least where it is long enough, so that parts can be alike.
    private static final long PIECES = 64;

    /// How many numbers stay together, whatever the number of ranks: what is computed of a piece,
    /// as its norm, doesn't depend on the cut. A power of 2; the last piece may be shorter.
    ///
    /// @param count numbers of the row
    public static long piece(long count) {
        return Math.clamp(Long.highestOneBit(Math.max(1, count / PIECES)), LEAST, MOST);
    }

    /// Numbers of the longest part.
    public long length() {
        long piece = piece(count);
        return Math.ceilDiv(Math.ceilDiv(count, piece), ranks.size()) * piece;
    }

    /// First number of a rank's part.
    public long start(int rank) {
        return Math.min(count, rank * length());
    }

    /// The number after the last one of a rank's part.
    public long end(int rank) {
        return start(rank + 1);
    }

    /// First number of this rank's part.
    public long start() {
        return start(ranks.rank());
    }

    /// How many numbers this rank's part has.
    public long own() {
        return end(ranks.rank()) - start();
    }

    /// What of the row is moved in a round: this much of each part.
    private long round() {
        return Math.max(1, Math.min(length(), MOVED / ranks.size()));
    }

    /// Adds up over all ranks as [Collective#allReduce], each rank its part only.
    ///
    /// @param row float32 `(count)`; the own part holds the sum afterwards, what stands in the
    ///     others is of no use
    public void sum(String what, Tensor row) {
        for (long done = 0; done < length(); done += round()) {
            long now = Math.min(round(), length() - done);
            try (var _ = TensorScope.open("sums of parts")) {
                Tensor all = Tensor.zeros(row.device(), row.dtype(), now * ranks.size());
                for (int rank = 0; rank < ranks.size(); rank++) {
                    long here = there(rank, done, now);
                    if (here > 0) {
                        all.narrow(0, rank * now, here)
                                .copyInPlace(row.narrow(0, start(rank) + done, here));
                    }
                }
                Tensor sum = Tensor.empty(row.device(), row.dtype(), now);
                ranks.reduceScatter(what, all, sum);
                long mine = there(ranks.rank(), done, now);
                if (mine > 0) {
                    row.narrow(0, start() + done, mine).copyInPlace(sum.narrow(0, 0, mine));
                }
            }
        }
    }

    /// How much of a round a rank's part has.
    private long there(int rank, long done, long now) {
        return Math.clamp(end(rank) - start(rank) - done, 0, now);
    }

    /// Puts all parts into each rank's row.
    ///
    /// @param row of any type, `(count)`; this rank's part is given to the others
    public void gather(String what, Tensor row) {
        for (long done = 0; done < length(); done += round()) {
            long now = Math.min(round(), length() - done);
            try (var _ = TensorScope.open("parts")) {
                Tensor mine = Tensor.zeros(row.device(), row.dtype(), now);
                long own = there(ranks.rank(), done, now);
                if (own > 0) {
                    mine.narrow(0, 0, own).copyInPlace(row.narrow(0, start() + done, own));
                }
                Tensor all = Tensor.empty(row.device(), row.dtype(), now * ranks.size());
                ranks.allGather(what, mine, all);
                for (int rank = 0; rank < ranks.size(); rank++) {
                    long here = there(rank, done, now);
                    if (here > 0 && rank != ranks.rank()) {
                        row.narrow(0, start(rank) + done, here)
                                .copyInPlace(all.narrow(0, rank * now, here));
                    }
                }
            }
        }
    }

    /// Puts all parts into the memory of the rank that [writes][Collective#writes].
    ///
    /// @param part float32 numbers of this rank's part, on a processor
    /// @param row gets float32 numbers; used on the rank that writes only
    public void collect(String what, MemorySegment part, MemorySegment row) {
        for (long done = 0; done < length(); done += round()) {
            long now = Math.min(round(), length() - done);
            try (var _ = TensorScope.open("parts")) {
                Tensor mine = Tensor.zeros(Device.cpu(), DType.FLOAT32, now);
                long own = there(ranks.rank(), done, now) * Float.BYTES;
                if (own > 0) {
                    MemorySegment.copy(part, done * Float.BYTES, mine.memory(), 0, own);
                }
                Tensor all = Tensor.empty(Device.cpu(), DType.FLOAT32, now * ranks.size());
                ranks.allGather(what, mine, all);
                for (int rank = 0; rank < ranks.size() && ranks.writes(); rank++) {
                    long here = there(rank, done, now) * Float.BYTES;
                    if (here > 0) {
                        long from = rank * now * Float.BYTES;
                        long to = (start(rank) + done) * Float.BYTES;
                        MemorySegment.copy(all.memory(), from, row, to, here);
                    }
                }
            }
        }
    }
}
