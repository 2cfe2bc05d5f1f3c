package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.error.ShapeException;
import org.attune.ranks.Collective;
import org.attune.ranks.Launched;
import org.attune.ranks.RankSum;
import org.attune.ranks.RankTimes;
import org.attune.ranks.TensorParts;
import org.attune.tensor.Tensor;
import org.attune.tensor.mpi.MpiLibrary;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Ranks that an MPI launcher started, in the processor's memory. The library reads and writes
/// tensors where they are.
public final class MpiCollective implements Collective {
    private final MpiCalls calls;
    private final RankSums sums;
    private final MpiBytes bytes;
    private final List<String> hosts;
    private final int local;
    private final RankSum order;
    private final boolean whole;
    private final boolean writes;
    private boolean closed;

    /// @param whole whether these are all processes of the job
    /// @param writes whether this is rank 0 of the job
    private MpiCollective(MpiCalls calls, RankSum sum, boolean whole, boolean writes) {
        this.calls = calls;
        this.whole = whole;
        this.writes = writes;
        order = sum;
        sums = new RankSums(new MpiMoves(calls), sum);
        bytes = new MpiBytes(calls);
        byte[] host = calls.library().processorName().getBytes(StandardCharsets.UTF_8);
        hosts =
                Stream.of(bytes.gather("host names", host))
                        .map(name -> new String(name, StandardCharsets.UTF_8))
                        .toList();
        String here = hosts.get(calls.rank());
        calls.onHost(here);
        local = (int) hosts.subList(0, calls.rank()).stream().filter(here::equals).count();
    }

    /// Joins the others. On the engine thread, which makes all calls from then on; once in a
    /// process.
    ///
    /// @param launched what the launcher said
    /// @param environment that says where the library is
    /// @param sum how sums are made
    /// @throws CollectiveException if there is no library, or it doesn't know the launcher
    public static MpiCollective join(
            Launched launched, Map<String, String> environment, RankSum sum) {
        MpiLibrary library = new MpiFiles(environment).load(launched.launcher());
        int code = library.initialise();
        if (code != 0) {
            throw new CollectiveException(
                    "%s could not be started on rank %d: %s"
                            .formatted(
                                    library.version(), launched.rank(), library.errorText(code)));
        }
        if (library.size() != launched.size() || library.rank() != launched.rank()) {
            throw new CollectiveException(
                    ("the launcher says that this is rank %d of %d, %s says %d of %d: the library"
                         + " is of another MPI than the launcher. ATTUNE_MPI_LIBRARY names the"
                         + " right one's file")
                            .formatted(
                                    launched.rank(),
                                    launched.size(),
                                    library.version(),
                                    library.rank(),
                                    library.size()));
        }
        return new MpiCollective(new MpiCalls(library), sum, true, library.rank() == 0);
    }

    @Override
    public MpiCollective part(int number) {
        return part(number, order);
    }

    /// Splits the ranks into parts by number, and adds up this part's numbers in the order of
    /// `sum`.
    public MpiCollective part(int number, RankSum sum) {
        MpiLibrary part = calls.library().split(number);
        return new MpiCollective(new MpiCalls(part, calls.place()), sum, false, writes);
    }

    /// Ranks on this rank's machine, itself included.
    public int neighbours() {
        return Collections.frequency(hosts, hosts.get(rank()));
    }

    /// The name of this rank's machine.
    public String machine() {
        return hosts.get(rank());
    }

    /// What the library says of itself: `Open MPI v4.1.4, …`.
    public String library() {
        return calls.library().version();
    }

    /// Where this rank stands; other threads may ask.
    public RankPlace place() {
        return calls.place();
    }

    @Override
    public int rank() {
        return calls.rank();
    }

    @Override
    public int size() {
        return calls.size();
    }

    @Override
    public int local() {
        return local;
    }

    @Override
    public boolean writes() {
        return writes;
    }

    @Override
    public String where(int rank) {
        TensorParts.requireRank(rank, size());
        return "rank %d on %s".formatted(rank, hosts.get(rank));
    }

    @Override
    public void enter(int step) {
        calls.place().enter(step);
    }

    /// Refuses what MPI can't reach.
    private static void requireHost(String what, Tensor values) {
        if (values.device().isGpu()) {
            throw new ShapeException(
                    what + ": " + values + " is not in the processor's memory, where MPI is");
        }
    }

    @Override
    public void allReduce(String what, Tensor sum) {
        TensorParts.requireSummable(what, sum);
        requireHost(what, sum);
        calls.move(what, () -> sums.allReduce(what, sum));
    }

    @Override
    public void reduceScatter(String what, Tensor whole, int[] counts, Tensor part) {
        TensorParts.requireParts(what, whole, counts, part, rank(), size());
        requireHost(what, whole);
        calls.move(what, () -> sums.reduceScatter(what, whole, counts, part));
    }

    @Override
    public void allGather(String what, Tensor part, Tensor whole) {
        TensorParts.requireParts(what, whole, part, size());
        MemorySegment from = part.memory();
        MemorySegment to = whole.memory();
        calls.move(what, () -> bytes.gather(what, from, to));
    }

    @Override
    public void broadcast(String what, Tensor values, int from) {
        TensorParts.requireRank(from, size());
        TensorParts.requireDense(what, values);
        MemorySegment memory = values.memory();
        calls.move(what, () -> bytes.broadcast(what, memory, from));
    }

    @Override
    public double[][] allGather(String what, double... mine) {
        MemorySegment numbers = MemorySegment.ofArray(mine);
        byte[] sent = numbers.toArray(ValueLayout.JAVA_BYTE);
        return Stream.of(allGather(what, sent)).map(MpiBytes::doubles).toArray(double[][]::new);
    }

    @Override
    public byte[][] allGather(String what, byte[] mine) {
        return calls.meet(what, () -> bytes.gather(what, mine));
    }

    @Override
    public void barrier(String what) {
        calls.meet(
                what,
                () -> {
                    calls.barrier(what);
                    return null;
                });
    }

    @Override
    public RankTimes times() {
        return calls.times();
    }

    /// Ends all processes of the job, this one included.
    ///
    /// @param code that the launcher ends with, 1 to 125
    public void abort(int code) {
        int _ = calls.library().abort(code);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            sums.close();
            bytes.close();
            if (whole) {
                calls.finish();
            }
        }
    }
}
