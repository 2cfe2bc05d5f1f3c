package org.attune.tensor.nccl;

import org.attune.error.CollectiveException;
import org.attune.tensor.GpuRanks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/// The GPUs of a run, joined by NCCL, whose streams are CUDA's. Not tried on GPUs yet.
final class NcclRanks implements GpuRanks {
    private static final int BYTE = 0; // ncclInt8
    private static final int FLOAT = 7; // ncclFloat32
    private static final int SUM = 0; // ncclSum
    private static final int IN_PROGRESS = 7; // ncclInProgress

    private final NcclLibrary library;
    private final NcclFunctions functions;
    private final long ranks;
    private final int size;
    private volatile boolean left; // set under this object's lock

    NcclRanks(NcclLibrary library, NcclFunctions functions, long ranks, int size) {
        this.library = library;
        this.functions = functions;
        this.ranks = ranks;
        this.size = size;
    }

    @Override
    public void allToAll(long from, int[] counts, long to, long mine, long stream) {
        if (IntStream.of(counts).sum() == 0) {
            return; // a group of no calls belongs to no ranks
        }
        library.check("ncclGroupStart", () -> (int) functions.groupStart().invokeExact());
        long out = from;
        for (int rank = 0; rank < size; rank++) {
            long count = counts[rank];
            if (count > 0) {
                send(out, count, rank, stream);
            }
            if (mine > 0) {
                receive(to + rank * mine * Float.BYTES, mine, rank, stream);
            }
            out += count * Float.BYTES;
        }
        library.check("ncclGroupEnd", () -> (int) functions.groupEnd().invokeExact());
    }

    private void send(long numbers, long count, int to, long stream) {
        library.check(
                "ncclSend",
                () -> (int) functions.send().invokeExact(numbers, count, FLOAT, to, ranks, stream));
    }

    private void receive(long numbers, long count, int from, long stream) {
        library.check(
                "ncclRecv",
                () ->
                        (int)
                                functions
                                        .receive()
                                        .invokeExact(numbers, count, FLOAT, from, ranks, stream));
    }

    @Override
    public void allGatherBytes(long from, long to, long count, long stream) {
        library.check(
                "ncclAllGather",
                () ->
                        (int)
                                functions
                                        .allGather()
                                        .invokeExact(from, to, count, BYTE, ranks, stream));
    }

    @Override
    public void allReduce(long numbers, long count, long stream) {
        library.check(
                "ncclAllReduce",
                () ->
                        (int)
                                functions
                                        .allReduce()
                                        .invokeExact(
                                                numbers, numbers, count, FLOAT, SUM, ranks,
                                                stream));
    }

    @Override
    public void broadcastBytes(long bytes, long count, int from, long stream) {
        library.check(
                "ncclBroadcast",
                () ->
                        (int)
                                functions
                                        .broadcast()
                                        .invokeExact(
                                                bytes, bytes, count, BYTE, from, ranks, stream));
    }

    @Override
    public synchronized void requireHealthy() {
        if (left) {
            throw new CollectiveException("ncclCommAbort has ended the work between GPUs");
        }
        try (var arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_INT);
            library.check(
                    "ncclCommGetAsyncError",
                    () -> (int) functions.asyncError().invokeExact(ranks, out.address()));
            int code = out.get(ValueLayout.JAVA_INT, 0);
            library.check("work between GPUs", code == IN_PROGRESS ? 0 : code);
        }
    }

    @Override
    public synchronized void abort() {
        if (!left) {
            left = true;
            library.check("ncclCommAbort", () -> (int) functions.abort().invokeExact(ranks));
        }
    }

    @Override
    public synchronized void close() {
        if (!left) {
            left = true;
            library.check("ncclCommDestroy", () -> (int) functions.leave().invokeExact(ranks));
        }
    }
}
