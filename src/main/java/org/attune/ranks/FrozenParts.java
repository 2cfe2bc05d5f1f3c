package org.attune.ranks;

import org.attune.error.CollectiveException;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.IdlePages;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import java.util.zip.CRC32C;

/// Numbers that stay as they are, of which each rank keeps a part, and has the rest where they were
/// only while it needs them: the third stage of ZeRO
/// ([Rajbhandari et al. 2020](https://arxiv.org/abs/1910.02054), Sec. 5.3) for weights that nobody
/// trains. They come in groups that are needed together, as the weights of a block. Of a group of
/// `b` bytes each of `N` ranks keeps `b / N`. What the beginnings and ends of memory have beside
/// whole pages stays.
public final class FrozenParts implements ServingCollective.Shelf, AutoCloseable {
    private static final String WHAT = "frozen weights";

    /// Bytes that are moved at once, of all ranks together.
    private static final long MOVED = 8L << 20;

    private final Collective ranks;
    private final List<Group> groups;
    private final List<Tensor> own = new ArrayList<>(); // bytes
    private final TensorScope scope = TensorScope.detached("parts of frozen weights");

    /// @param pieces memory, of which others may have the same elsewhere within their pages
    private record Group(List<MemorySegment> pieces, IdlePages pages) {
        Group(List<MemorySegment> pieces) {
            this(List.copyOf(pieces), new IdlePages(pieces));
        }

        long bytes() {
            return pieces.stream().mapToLong(MemorySegment::byteSize).sum();
        }
    }

    /// Takes this rank's part of all numbers. All ranks make this call, and those of
    /// [ServingCollective.Shelf].
    ///
    /// @param ranks carry the parts
    /// @param groups memory of each, the same numbers on all ranks; borrowed until
    ///     [#giveBackMemory]
    /// @param names what a group is called in errors
    /// @throws CollectiveException if a rank has other numbers
    public FrozenParts(
            Collective ranks, List<List<MemorySegment>> groups, IntFunction<String> names) {
        this.ranks = ranks;
        this.groups = groups.stream().map(Group::new).toList();
        requireAlike(names);
        try (var _ = scope.enter()) {
            for (Group group : this.groups) {
                Tensor part = Tensor.zeros(Device.cpu(), DType.UINT8, length(group));
                copy(group, ranks.rank() * part.size(), part.memory(), false);
                own.add(part);
            }
        }
    }

    /// Ranks compute with each other's numbers from now on.
    private void requireAlike(IntFunction<String> names) {
        double[] mine =
                groups.stream().flatMapToDouble(g -> DoubleStream.of(g.bytes(), sum(g))).toArray();
        double[][] sums = ranks.allGather(WHAT, mine);
        for (int rank = 1; rank < sums.length; rank++) {
            for (int group = 0; group < groups.size(); group++) {
                int from = 2 * group;
                if (!Arrays.equals(sums[rank], from, from + 2, sums[0], from, from + 2)) {
                    throw new CollectiveException(
                            ("%s has other weights in %s than %s, so neither can keep parts of them"
                                 + " for the other: zero_stage: 3 needs the same model file and the"
                                 + " same kind of processor for all ranks")
                                    .formatted(
                                            ranks.where(rank), names.apply(group), ranks.where(0)));
                }
            }
        }
    }

    private static double sum(Group group) {
        var sum = new CRC32C();
        for (MemorySegment piece : group.pieces()) {
            for (long done = 0; done < piece.byteSize(); done += MOVED) {
                long now = Math.min(MOVED, piece.byteSize() - done);
                sum.update(piece.asSlice(done, now).asByteBuffer());
            }
        }
        return sum.getValue();
    }

    /// Bytes of each rank's part.
    private long length(Group group) {
        long line = Long.BYTES;
        return (group.bytes() / ranks.size() + line) / line * line;
    }

    /// Copies bytes of a group, whose pieces stand one behind the other, or into them.
    ///
    /// @param at first byte
    /// @param back whether it is the pieces that get the bytes
    private static void copy(Group group, long at, MemorySegment bytes, boolean back) {
        long begin = 0;
        for (MemorySegment piece : group.pieces()) {
            long from = Math.max(begin, at);
            long to = Math.min(begin + piece.byteSize(), at + bytes.byteSize());
            if (from < to) {
                MemorySegment there = piece.asSlice(from - begin, to - from);
                MemorySegment here = bytes.asSlice(from - at, to - from);
                (back ? there : here).copyFrom(back ? here : there);
            }
            begin += piece.byteSize();
        }
    }

    /// Bytes that leave this process's memory when no group is needed.
    public long bytes() {
        return groups.stream().mapToLong(group -> group.pages().bytes()).sum();
    }

    /// Gives up a group's numbers but for this rank's part.
    public void leave(int group) {
        groups.get(group).pages().leave();
    }

    @Override
    public int size() {
        return groups.size();
    }

    @Override
    public void give(int number, boolean needed) {
        Group group = groups.get(number);
        Tensor part = own.get(number);
        if (needed) {
            group.pages().comeBack();
        }
        long round = MOVED / ranks.size() / Long.BYTES * Long.BYTES;
        for (long done = 0; done < part.size(); done += round) {
            long now = Math.min(round, part.size() - done);
            try (var _ = TensorScope.open("parts")) {
                Tensor all = Tensor.empty(Device.cpu(), DType.UINT8, now * ranks.size());
                ranks.allGather(WHAT, part.narrow(0, done, now), all);
                for (int rank = 0; rank < ranks.size() && needed; rank++) {
                    MemorySegment theirs = all.memory().asSlice(rank * now, now);
                    copy(group, rank * part.size() + done, theirs, true);
                }
            }
        }
    }

    /// Lets the memory be used for something else. Other ranks still get this rank's parts.
    public void giveBackMemory() {
        groups.forEach(group -> group.pages().close());
    }

    /// Forgets the parts, when no rank needs them any more.
    @Override
    public void close() {
        giveBackMemory();
        scope.close();
    }
}
