package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.ranks.Collective;
import org.attune.ranks.RankSum;
import org.attune.ranks.RankTimes;
import org.attune.tensor.Device;
import org.attune.tensor.RankGpu;
import org.attune.tensor.Tensor;

/// Ranks with a GPU each, whose numbers NCCL carries; others carry what is in the processor's
/// memory, and all data of the host. Sums are made as [RankSums] makes them, on the GPUs.
///
/// Before each call ranks tell each other how many bytes they mean, so that one that doesn't come,
/// or comes with others, is named before a GPU waits for it. A call returns when the GPU is done.
/// Untried on GPUs; tests have a stand-in of NCCL.
public final class NcclCollective extends HostedCollective {
    private final RankGpu gpu;
    private final RankPlace place;
    private final RankSums sums;
    private volatile boolean failed;
    private boolean closed;
    private long moveNanos;
    private long sentBytes;

    /// @param host owned; carries the processor's memory
    /// @param place where this rank stands, for who watches it
    /// @param gpu owned; joined with the others' GPUs
    public NcclCollective(Collective host, RankPlace place, RankGpu gpu, RankSum sum) {
        super(host);
        this.place = place;
        this.gpu = gpu;
        sums = new RankSums(new Moves(), sum);
    }

    @Override
    void allReduceThere(String what, Tensor sum) {
        move(what, sum, () -> sums.allReduce(what, sum));
    }

    @Override
    void reduceScatterThere(String what, Tensor whole, int[] counts, Tensor part) {
        move(what, whole, () -> sums.reduceScatter(what, whole, counts, part));
    }

    @Override
    void allGatherThere(String what, Tensor part, Tensor whole) {
        move(
                what,
                whole,
                () -> {
                    if (part.size() > 0) {
                        gpu.allGather(part, whole);
                    }
                });
        sentBytes += part.size() * part.dtype().bytes() * (size() - 1);
    }

    @Override
    void broadcastThere(String what, Tensor values, int from) {
        move(
                what,
                values,
                () -> {
                    if (values.size() > 0) {
                        gpu.broadcast(values, from);
                    }
                });
        boolean gives = rank() == from && size() > 1;
        sentBytes += gives ? values.size() * values.dtype().bytes() : 0;
    }

    /// @param moved of the same bytes on all ranks
    private void move(String what, Tensor moved, Runnable work) {
        if (failed) {
            throw new CollectiveException(
                    "%s: a call between ranks has failed before; no further one is possible"
                            .formatted(what));
        }
        requireAlike(what, moved.size() * moved.dtype().bytes());
        place.begin(what);
        long met = System.nanoTime();
        try {
            work.run();
            gpu.await();
        } catch (CollectiveException | IllegalStateException e) {
            failed = true;
            throw new CollectiveException(
                    "%s failed (%s) on %s of %d: %s"
                            .formatted(what, place.text(), where(rank()), size(), e.getMessage()),
                    e);
        } finally {
            place.end();
        }
        moveNanos += System.nanoTime() - met;
    }

    private void requireAlike(String what, long bytes) {
        double[][] all = host.allGather(what, bytes);
        for (int rank = 0; rank < size(); rank++) {
            if (all[rank][0] != all[0][0]) {
                failed = true;
                throw new CollectiveException(
                        "%s: %s has %.0f bytes, %s has %.0f. Ranks must have as many"
                                .formatted(what, where(rank), all[rank][0], where(0), all[0][0]));
            }
        }
    }

    @Override
    public RankTimes times() {
        RankTimes hosts = host.times();
        return new RankTimes(
                hosts.waitSeconds(),
                hosts.moveSeconds() + moveNanos / 1e9,
                hosts.sentBytes() + sentBytes);
    }

    /// Ends a call that waits for other GPUs, from any thread; it fails then.
    public void abort() {
        failed = true;
        gpu.abort();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            sums.close();
            if (failed) {
                gpu.abort(); // others may not come
            }
            gpu.close();
            super.close();
        }
    }

    /// NCCL's calls, which know what they are for by the call around them.
    private final class Moves implements RankMoves {
        @Override
        public int size() {
            return host.size();
        }

        @Override
        public Device device() {
            return gpu.device();
        }

        @Override
        public void allToAll(String what, Tensor from, Tensor to) {
            gpu.allToAll(from, to, size());
        }

        @Override
        public void allToAll(String what, Tensor from, int[] counts, Tensor to) {
            gpu.allToAll(from, counts, to);
        }

        @Override
        public void allGather(String what, Tensor part, Tensor whole) {
            gpu.allGather(part, whole);
        }

        @Override
        public void allReduce(String what, Tensor numbers) {
            gpu.allReduce(numbers);
        }

        @Override
        public void sent(long bytes) {
            sentBytes += bytes;
        }
    }
}
