package org.attune.ranks;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;

/// Sums over ranks. In the fixed order, each rank gets everybody's numbers of its part, adds them
/// up in a binary tree, and gives the sums to all: the bytes of a ring, in two rounds.
final class MpiSum implements AutoCloseable {
    /// Numbers exchanged at once, in all parts together: 16 MiB.
    static final int PIECE = 1 << 22;

    /// Up to so many numbers, of all ranks together, everybody adds up everything: one round.
    static final int SMALL = 1 << 14;

    private final MpiCalls calls;
    private final RankSum order;
    private final int size;
    private final int piece;
    private final TensorScope memory = TensorScope.detached("sums over ranks");
    private Tensor rows;
    private Tensor packed;

    MpiSum(MpiCalls calls, RankSum order) {
        this.calls = calls;
        this.order = order;
        size = calls.size();
        piece = Math.max(1, PIECE / size) * size;
    }

    /// @param numbers float32; get the sums
    void allReduce(String what, MemorySegment numbers) {
        long count = numbers.byteSize() / Float.BYTES;
        long step = order == RankSum.FIXED ? piece : Integer.MAX_VALUE / 2;
        for (long done = 0; done < count; done += step) {
            int now = (int) Math.min(step, count - done);
            MemorySegment these = numbers.asSlice(done * Float.BYTES, (long) now * Float.BYTES);
            if (order == RankSum.FIXED) {
                add(what, these, now);
            } else {
                int code = calls.library().allReduce(these.address(), now);
                calls.check("MPI_Allreduce", what, code);
            }
        }
        calls.sent(2 * count * Float.BYTES * (size - 1) / size);
    }

    private void add(String what, MemorySegment numbers, int count) {
        int part = (long) count * size <= SMALL ? 0 : count / size;
        if (part > 0) {
            addParts(what, numbers.address(), part);
        }
        if (count > part * size) {
            addAll(what, numbers.asSlice((long) part * size * Float.BYTES), count - part * size);
        }
    }

    /// Each rank adds up a part.
    private void addParts(String what, long at, int part) {
        long received = rows(part * size);
        calls.check("MPI_Alltoall", what, calls.library().allToAll(at, received, part));
        addRows(part);
        calls.check("MPI_Allgather", what, calls.library().allGather(received, at, part));
    }

    /// Each rank adds up everything.
    private void addAll(String what, MemorySegment numbers, int count) {
        long received = rows(count * size);
        int code = calls.library().allGather(numbers.address(), received, count);
        calls.check("MPI_Allgather", what, code);
        addRows(count);
        numbers.copyFrom(rows.memory().asSlice(0, numbers.byteSize()));
    }

    /// @param whole size · m numbers
    /// @param part m numbers; gets this rank's
    void reduceScatter(String what, MemorySegment whole, MemorySegment part) {
        long count = part.byteSize() / Float.BYTES;
        int most = piece / size;
        for (long done = 0; done < count; done += most) {
            int now = (int) Math.min(most, count - done);
            long sent = pack(whole, count, done, now);
            long bytes = (long) now * Float.BYTES;
            long to = part.address() + done * Float.BYTES;
            if (order == RankSum.FIXED) {
                long received = rows(now * size);
                calls.check("MPI_Alltoall", what, calls.library().allToAll(sent, received, now));
                addRows(now);
                MemorySegment.copy(rows.memory(), 0, part, done * Float.BYTES, bytes);
            } else {
                calls.check(
                        "MPI_Reduce_scatter_block",
                        what,
                        calls.library().reduceScatter(sent, to, now));
            }
        }
        calls.sent(count * Float.BYTES * (size - 1));
    }

    /// Puts a piece of every part side by side.
    private long pack(MemorySegment whole, long count, long done, int now) {
        long bytes = (long) now * Float.BYTES;
        if (now == count) {
            return whole.address();
        }
        if (packed == null) {
            packed = scratch(piece);
        }
        MemorySegment to = packed.memory();
        for (int rank = 0; rank < size; rank++) {
            long from = (rank * count + done) * Float.BYTES;
            MemorySegment.copy(whole, from, to, rank * bytes, bytes);
        }
        return to.address();
    }

    /// Adds rows of `part` numbers pairwise: neighbours first, then pairs of them. The sum ends in
    /// the first.
    private void addRows(int part) {
        try (var _ = TensorScope.open("rows of ranks")) {
            for (int step = 1; step < size; step *= 2) {
                for (int row = 0; row + step < size; row += 2 * step) {
                    row(row, part).addInPlace(row(row + step, part));
                }
            }
        }
    }

    private Tensor row(int row, int part) {
        return rows.narrow(0, (long) row * part, part);
    }

    /// Memory for at least so many numbers; its address.
    private long rows(int count) {
        if (rows == null || rows.size() < count) {
            if (rows != null) {
                rows.close();
            }
            rows = scratch(count <= SMALL ? SMALL : Math.max(count, piece));
        }
        return rows.memory().address();
    }

    private Tensor scratch(int count) {
        try (var _ = memory.enter()) {
            return Tensor.empty(Device.cpu(), DType.FLOAT32, count);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
