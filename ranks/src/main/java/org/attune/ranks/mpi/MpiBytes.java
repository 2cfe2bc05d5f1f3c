package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Bytes between ranks, as they are.
final class MpiBytes implements AutoCloseable {
    /// Bytes of the first round; the length and what follows it. Most messages fit.
    private static final int FIRST = 256;

    private static final int LENGTH = Long.BYTES;

    /// Bytes of all ranks in a further round.
    private static final int ROUND = 1 << 24;

    private static final int BROADCAST = 1 << 28;

    private final MpiCalls calls;
    private final int size;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment first;
    private final MemorySegment firsts;
    private MemorySegment round;
    private MemorySegment rounds;

    MpiBytes(MpiCalls calls) {
        this.calls = calls;
        size = calls.size();
        first = arena.allocate(FIRST, LENGTH);
        firsts = arena.allocate((long) FIRST * size, LENGTH);
    }

    /// Everybody's.
    byte[][] gather(String what, byte[] mine) {
        first.set(ValueLayout.JAVA_LONG, 0, mine.length);
        int begun = Math.min(mine.length, FIRST - LENGTH);
        MemorySegment.copy(mine, 0, first, ValueLayout.JAVA_BYTE, LENGTH, begun);
        exchange(what, first, firsts, FIRST);
        byte[][] theirs = new byte[size][];
        int longest = 0;
        for (int rank = 0; rank < size; rank++) {
            long at = (long) rank * FIRST;
            int length = (int) firsts.get(ValueLayout.JAVA_LONG, at);
            theirs[rank] = new byte[length];
            int here = Math.min(length, FIRST - LENGTH);
            MemorySegment.copy(firsts, ValueLayout.JAVA_BYTE, at + LENGTH, theirs[rank], 0, here);
            longest = Math.max(longest, length);
        }
        gatherRest(what, mine, theirs, longest);
        return theirs;
    }

    private void gatherRest(String what, byte[] mine, byte[][] theirs, int longest) {
        int most = Math.max(1 << 12, ROUND / size);
        for (int done = FIRST - LENGTH; done < longest; done += most) {
            int now = Math.min(most, longest - done);
            if (round == null) {
                round = arena.allocate(most);
                rounds = arena.allocate((long) most * size);
            }
            copy(mine, done, round, 0, now, true);
            exchange(what, round, rounds, now);
            for (int rank = 0; rank < size; rank++) {
                copy(theirs[rank], done, rounds, (long) rank * now, now, false);
            }
        }
    }

    /// Copies as much as the array has of `count` bytes from `from` on.
    private static void copy(
            byte[] array, int from, MemorySegment memory, long at, int count, boolean out) {
        int there = Math.clamp((long) array.length - from, 0, count);
        if (there > 0 && out) {
            MemorySegment.copy(array, from, memory, ValueLayout.JAVA_BYTE, at, there);
        } else if (there > 0) {
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, array, from, there);
        }
    }

    private void exchange(String what, MemorySegment from, MemorySegment to, int count) {
        int code = calls.library().allGatherBytes(from.address(), to.address(), count);
        calls.check("MPI_Allgather", what, code);
        calls.sent((long) count * (size - 1));
    }

    /// Puts all parts one behind the other.
    ///
    /// @param from this rank's, maybe in its place in `to`
    void gather(String what, MemorySegment from, MemorySegment to) {
        long bytes = from.byteSize();
        boolean floats = bytes % Float.BYTES == 0;
        long count = floats ? bytes / Float.BYTES : bytes;
        if (count > Integer.MAX_VALUE) {
            throw new CollectiveException(
                    "%s: a rank's part has %d bytes; MPI takes 8 GiB at once"
                            .formatted(what, bytes));
        }
        if (count > 0) {
            boolean inPlace = from.address() == to.address() + calls.rank() * bytes;
            calls.check("MPI_Allgather", what, gather(from, to, (int) count, floats, inPlace));
        }
        calls.sent(bytes * (size - 1));
    }

    private int gather(
            MemorySegment from, MemorySegment to, int count, boolean floats, boolean inPlace) {
        if (inPlace) {
            return floats
                    ? calls.library().allGatherInPlace(to.address(), count)
                    : calls.library().allGatherBytesInPlace(to.address(), count);
        }
        return floats
                ? calls.library().allGather(from.address(), to.address(), count)
                : calls.library().allGatherBytes(from.address(), to.address(), count);
    }

    /// Copies one rank's bytes to all.
    void broadcast(String what, MemorySegment memory, int from) {
        for (long done = 0; done < memory.byteSize(); done += BROADCAST) {
            int now = (int) Math.min(BROADCAST, memory.byteSize() - done);
            calls.check(
                    "MPI_Bcast",
                    what,
                    calls.library().broadcast(memory.address() + done, now, from));
        }
        calls.sent(calls.rank() == from && size > 1 ? memory.byteSize() : 0);
    }

    static double[] doubles(byte[] bytes) {
        double[] numbers = new double[bytes.length / Double.BYTES];
        MemorySegment.copy(
                MemorySegment.ofArray(Arrays.copyOf(bytes, numbers.length * Double.BYTES)),
                ValueLayout.JAVA_DOUBLE_UNALIGNED,
                0,
                numbers,
                0,
                numbers.length);
        return numbers;
    }

    @Override
    public void close() {
        arena.close();
    }
}
