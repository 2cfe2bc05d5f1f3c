package org.attune.tensor.nccl;

import org.attune.tensor.nccl.StubLinks.Piece;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// NCCL's C functions in Java, between processes of this machine: its GPUs' memory is the
/// processor's. Calls return at once, and a thread works them off, as a GPU does. Sums are made
/// from the last rank to the first.
@SuppressWarnings("restricted")
public final class StubNccl {
    private static final int SYSTEM_ERROR = 2;
    private static final int REMOTE_ERROR = 6;
    private static final int FLOAT = 7;

    private final Map<String, MemorySegment> functions = new HashMap<>();
    private final Arena texts = Arena.global();
    private final MemorySegment errorText = texts.allocateFrom("remote process exited");
    private final Map<Long, Ranks> joined = new HashMap<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile MemorySegment last = MemorySegment.NULL;
    private ServerSocketChannel meeting;
    private List<Piece> out;
    private List<Piece> in;
    private Ranks group;

    /// A communicator.
    private record Ranks(
            StubLinks links, int rank, int size, ExecutorService gpu, AtomicInteger error) {}

    @FunctionalInterface
    private interface Work {
        void run() throws IOException;
    }

    public StubNccl() {
        for (Method method : StubNccl.class.getDeclaredMethods()) {
            if (method.getName().startsWith("nccl")) {
                functions.put(method.getName(), upcall(method));
            }
        }
    }

    private MemorySegment upcall(Method method) {
        MemoryLayout[] arguments =
                Arrays.stream(method.getParameterTypes())
                        .map(StubNccl::layout)
                        .toArray(MemoryLayout[]::new);
        try {
            return Linker.nativeLinker()
                    .upcallStub(
                            MethodHandles.lookup().unreflect(method).bindTo(this),
                            FunctionDescriptor.of(layout(method.getReturnType()), arguments),
                            Arena.global());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static MemoryLayout layout(Class<?> type) {
        if (type == MemorySegment.class) {
            return NcclFunctions.ID;
        }
        return type == int.class ? ValueLayout.JAVA_INT : ValueLayout.JAVA_LONG;
    }

    /// The library that these functions make.
    public NcclLibrary library() {
        return NcclLibrary.of(name -> Optional.ofNullable(functions.get(name)));
    }

    /// Whether all that was asked for is done, or has failed.
    public boolean isDone() {
        return waiting.get() == 0;
    }

    private static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    int ncclGetVersion(long version) {
        at(version, Integer.BYTES).set(ValueLayout.JAVA_INT, 0, 29999);
        return 0;
    }

    long ncclGetErrorString(int code) {
        return errorText.address() + 0L * code;
    }

    long ncclGetLastError(long ranks) {
        return last.address() + 0L * ranks;
    }

    int ncclGetUniqueId(long id) {
        try {
            meeting = StubLinks.listen();
            at(id, NcclLibrary.ID_BYTES).fill((byte) 7);
            at(id, NcclLibrary.ID_BYTES).set(ValueLayout.JAVA_INT, 0, StubLinks.port(meeting));
            return 0;
        } catch (IOException e) {
            return fails(e);
        }
    }

    private int fails(IOException e) {
        last = texts.allocateFrom("" + e.getMessage());
        return SYSTEM_ERROR;
    }

    int ncclCommInitRank(long ranks, int size, MemorySegment id, int rank) {
        if (id.get(ValueLayout.JAVA_BYTE, NcclLibrary.ID_BYTES - 1) != 7) {
            return fails(new IOException("the id has no 128 bytes"));
        }
        try {
            StubLinks links =
                    rank == 0
                            ? StubLinks.lead(meeting, size)
                            : StubLinks.follow(id.get(ValueLayout.JAVA_INT, 0), rank, size);
            ExecutorService gpu =
                    Executors.newSingleThreadExecutor(
                            work -> Thread.ofPlatform().daemon().unstarted(work));
            long number = 1000L + joined.size();
            joined.put(number, new Ranks(links, rank, size, gpu, new AtomicInteger()));
            at(ranks, Long.BYTES).set(ValueLayout.JAVA_LONG, 0, number);
            return 0;
        } catch (IOException e) {
            return fails(e);
        }
    }

    int ncclCommGetAsyncError(long ranks, long error) {
        int code = joined.get(ranks).error().get();
        at(error, Integer.BYTES).set(ValueLayout.JAVA_INT, 0, code);
        return 0;
    }

    int ncclCommAbort(long ranks) {
        joined.get(ranks).links().close();
        joined.get(ranks).gpu().shutdown();
        return 0;
    }

    int ncclCommDestroy(long ranks) {
        return ncclCommAbort(ranks);
    }

    /// Has something done behind what was asked for before.
    private int queue(Ranks ranks, Work work) {
        waiting.incrementAndGet();
        ranks.gpu()
                .execute(
                        () -> {
                            try {
                                if (ranks.error().get() == 0) {
                                    work.run();
                                }
                            } catch (IOException e) {
                                int _ = fails(e);
                                ranks.error().set(REMOTE_ERROR);
                            } finally {
                                waiting.decrementAndGet();
                            }
                        });
        return 0;
    }

    int ncclGroupStart() {
        out = new ArrayList<>();
        in = new ArrayList<>();
        return 0;
    }

    int ncclSend(long from, long count, int type, int peer, long ranks, long stream) {
        group = joined.get(ranks);
        out.add(new Piece(peer, from, count * bytes(type) + stream));
        return 0;
    }

    int ncclRecv(long to, long count, int type, int peer, long ranks, long stream) {
        in.add(new Piece(peer, to, count * bytes(type) + stream));
        return 0;
    }

    private static long bytes(int type) {
        return type == FLOAT ? Float.BYTES : 1;
    }

    int ncclGroupEnd() {
        List<Piece> sent = out;
        List<Piece> received = in;
        Ranks ranks = group;
        return queue(ranks, () -> ranks.links().exchange(sent, received));
    }

    int ncclAllGather(long from, long to, long count, int type, long ranks, long stream) {
        Ranks all = joined.get(ranks);
        return queue(all, () -> gather(all, from, to, count * bytes(type) + stream));
    }

    private static void gather(Ranks all, long from, long to, long bytes) throws IOException {
        List<Piece> sent = new ArrayList<>();
        List<Piece> received = new ArrayList<>();
        for (int rank = 0; rank < all.size(); rank++) {
            sent.add(new Piece(rank, from, bytes));
            received.add(new Piece(rank, to + rank * bytes, bytes));
        }
        all.links().exchange(sent, received);
    }

    int ncclBroadcast(long from, long to, long count, int type, int root, long ranks, long stream) {
        Ranks all = joined.get(ranks);
        long bytes = count * bytes(type) + stream;
        List<Piece> sent = new ArrayList<>();
        for (int rank = 0; rank < all.size() && root == all.rank(); rank++) {
            sent.add(new Piece(rank, from, bytes));
        }
        List<Piece> received = List.of(new Piece(root, to, bytes));
        return queue(all, () -> all.links().exchange(sent, received));
    }

    int ncclAllReduce(long from, long to, long count, int type, int sum, long ranks, long stream) {
        Ranks all = joined.get(ranks);
        return queue(all, () -> sum(all, from, to, count + type - FLOAT + sum + stream));
    }

    private static void sum(Ranks all, long from, long to, long count) throws IOException {
        long bytes = count * Float.BYTES;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment rows = arena.allocate(bytes * all.size(), Float.BYTES);
            gather(all, from, rows.address(), bytes);
            MemorySegment sums = at(to, bytes);
            for (long i = 0; i < count; i++) {
                float sum = 0;
                for (int rank = all.size() - 1; rank >= 0; rank--) {
                    sum += rows.getAtIndex(ValueLayout.JAVA_FLOAT, rank * count + i);
                }
                sums.setAtIndex(ValueLayout.JAVA_FLOAT, i, sum);
            }
        }
    }
}
