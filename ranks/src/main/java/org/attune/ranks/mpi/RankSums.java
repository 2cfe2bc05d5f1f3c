package org.attune.ranks.mpi;

import org.attune.ranks.RankSum;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

/// Sums over ranks. In the fixed order, each rank gets everybody's numbers of its part, adds them
/// up in a binary tree, and gives the sums to all: the bytes of a ring, in two rounds.
final class RankSums implements AutoCloseable {
    /// Numbers exchanged at once, in all parts together, on a processor: 16 MiB.
    static final int PIECE = 1 << 22;

    /// Numbers exchanged at once on a GPU, where each round costs the time of some launches: 64
    /// MiB.
    private static final int GPU_PIECE = 1 << 24;

    /// Numbers that a library adds up at once; MPI counts them in 32 bits.
    private static final int LIBRARY_PIECE = 1 << 30;

    /// Up to so many numbers, of all ranks together, everybody adds up everything: one round.
    static final int SMALL = 1 << 14;

    private final RankMoves moves;
    private final RankSum order;
    private final int size;
    private final int piece;
    private final TensorScope memory = TensorScope.detached("sums over ranks");
    private Tensor rows;

    RankSums(RankMoves moves, RankSum order) {
        this.moves = moves;
        this.order = order;
        size = moves.size();
        int most = moves.device().isGpu() ? GPU_PIECE : PIECE;
        piece = Math.max(1, most / size) * size;
    }

    /// @param sum float32, dense; gets the sums
    void allReduce(String what, Tensor sum) {
        long count = sum.size();
        long step = order == RankSum.FIXED ? piece : LIBRARY_PIECE;
        try (var _ = TensorScope.open("sum over ranks")) {
            Tensor numbers = row(sum);
            for (long done = 0; done < count; done += step) {
                Tensor these = numbers.narrow(0, done, Math.min(step, count - done));
                if (order == RankSum.FIXED) {
                    add(what, these);
                } else {
                    moves.allReduce(what, these);
                }
            }
        }
        moves.sent(2 * count * Float.BYTES * (size - 1) / size);
    }

    private static Tensor row(Tensor dense) {
        return dense.dim() == 1 ? dense : dense.reshape(dense.size());
    }

    private void add(String what, Tensor numbers) {
        int count = Math.toIntExact(numbers.size());
        int part = (long) count * size <= SMALL ? 0 : count / size;
        int cut = part * size;
        if (part > 0) {
            addParts(what, cut == count ? numbers : numbers.narrow(0, 0, cut), part);
        }
        if (count > cut) {
            addAll(what, cut == 0 ? numbers : numbers.narrow(0, cut, count - cut));
        }
    }

    /// Each rank adds up a part.
    private void addParts(String what, Tensor numbers, int part) {
        moves.allToAll(what, numbers, rows(part * size));
        addRows(part);
        moves.allGather(what, first(part), numbers);
    }

    /// Each rank adds up everything.
    private void addAll(String what, Tensor numbers) {
        int count = (int) numbers.size();
        moves.allGather(what, numbers, rows(count * size));
        addRows(count);
        numbers.copyInPlace(first(count));
    }

    /// Adds up parts in the fixed order, whatever the library's is: not all of them add up parts of
    /// different sizes.
    ///
    /// @param whole the numbers of all parts, dense
    /// @param counts of each part
    /// @param part dense; gets this rank's
    void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        int mine = Math.toIntExact(part.size());
        try (var _ = TensorScope.open("sum over ranks")) {
            Tensor received = rows(Math.multiplyExact(mine, size));
            moves.allToAll(what, row(whole), counts, received);
            addRows(mine);
            row(part).copyInPlace(first(mine));
        }
        moves.sent((whole.size() - mine) * Float.BYTES);
    }

    /// Adds rows of `part` numbers pairwise: neighbours first, then pairs of them. The sum ends in
    /// the first.
    private void addRows(int part) {
        for (int step = 1; step < size; step *= 2) {
            for (int row = 0; row + step < size; row += 2 * step) {
                row(row, part).addInPlace(row(row + step, part));
            }
        }
    }

    private Tensor row(int row, int part) {
        return rows.narrow(0, (long) row * part, part);
    }

    private Tensor first(int count) {
        return rows.narrow(0, 0, count);
    }

    /// Memory for so many numbers.
    private Tensor rows(int count) {
        if (rows == null || rows.size() < count) {
            if (rows != null) {
                rows.close();
            }
            rows = scratch(count <= SMALL ? SMALL : Math.max(count, piece));
        }
        return first(count);
    }

    private Tensor scratch(int count) {
        try (var _ = memory.enter()) {
            return Tensor.empty(moves.device(), DType.FLOAT32, count);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
