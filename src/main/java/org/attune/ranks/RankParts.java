package org.attune.ranks;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

/// A row of numbers that is cut into a part for each rank. Whole [pieces][#piece] of the row are
/// dealt in turn: the first to rank 0, the next to rank 1, and so on. So each rank has about as
/// much of any long stretch. In a part the rank's pieces stand one behind the other.
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

    /// Units of a part that is long enough.
    private static final long UNITS = 512;

    private static final long MOST_PIECES = 64;

    /// Neighbours in the row that are neighbours in a part too.
    ///
    /// @param row first number in the row, or in what holds some of its numbers
    /// @param part first number in the part
    /// @param length how many, > 0
    public record Run(long row, long part, long length) {
        private Run from(long first, long count) {
            return new Run(row + first, part + first, count);
        }
    }

    /// Some of the row's numbers that stand together elsewhere.
    ///
    /// @param start first number in the row
    /// @param at first number where they stand
    /// @param length how many
    public record Stretch(long start, long at, long length) {
        /// Whether another stretch follows, here and there.
        private boolean isBefore(Stretch next) {
            return start + length == next.start && at + length == next.at;
        }

        /// Joins the stretch that follows.
        private Stretch with(Stretch next) {
            return new Stretch(start, at, length + next.length);
        }

        /// Joins stretches that are neighbours.
        ///
        /// @param stretches in the order of the row
        public static List<Stretch> joined(List<Stretch> stretches) {
            List<Stretch> joined = new ArrayList<>();
            for (Stretch next : stretches) {
                if (!joined.isEmpty() && joined.getLast().isBefore(next)) {
                    joined.add(joined.removeLast().with(next));
                } else {
                    joined.add(next);
                }
            }
            return joined;
        }
    }

    /// How many numbers stay together, whatever the number of ranks: what is computed of a piece,
    /// as its norm, doesn't depend on the cut. A power of 2; the last piece may be shorter.
    ///
    /// @param count numbers of the row
    public static long piece(long count) {
        return Math.clamp(Long.highestOneBit(Math.max(1, count / PIECES)), LEAST, MOST);
    }

    /// What is dealt at once: several pieces of a long row, which operators on GPUs like.
    private long unit() {
        long piece = piece(count);
        long pieces = Math.max(1, count / piece / (UNITS * ranks.size()));
        return piece * Math.min(Long.highestOneBit(pieces), MOST_PIECES);
    }

    /// Numbers of the longest part.
    public long length() {
        return own(0);
    }

    /// How many numbers this rank's part has.
    public long own() {
        return own(ranks.rank());
    }

    /// How many numbers a rank's part has.
    public long own(int rank) {
        long unit = unit();
        long turn = unit * ranks.size();
        return count / turn * unit + Math.clamp(count % turn - rank * unit, 0, unit);
    }

    /// This rank's part, in the order of the row.
    public List<Run> runs() {
        return runs(ranks.rank(), 0, count);
    }

    /// What a rank's part has of the numbers `[start, end)` of the row, in their order.
    public List<Run> runs(int rank, long start, long end) {
        int size = ranks.size();
        if (size == 1) {
            return start < end ? List.of(new Run(start, start, end - start)) : List.of();
        }
        long unit = unit();
        List<Run> runs = new ArrayList<>();
        long first = start / unit;
        first += Math.floorMod(rank - first, size); // the rank's next unit
        for (long u = first; u * unit < end; u += size) {
            long from = Math.max(start, u * unit);
            long to = Math.min(end, (u + 1) * unit);
            runs.add(new Run(from, u / size * unit + from - u * unit, to - from));
        }
        return runs;
    }

    /// What stands at `[from, to)` of a rank's part.
    private List<Run> runsOfPart(int rank, long from, long to) {
        int size = ranks.size();
        long end = Math.min(to, own(rank));
        if (size == 1) {
            return from < end ? List.of(new Run(from, from, end - from)) : List.of();
        }
        long unit = unit();
        List<Run> runs = new ArrayList<>();
        for (long at = from; at < end; ) {
            long stop = Math.min(end, (at / unit + 1) * unit);
            long row = (at / unit * size + rank) * unit + at % unit;
            runs.add(new Run(row, at, stop - at));
            at = stop;
        }
        return runs;
    }

    /// What of each part is moved at once.
    private long round() {
        return Math.max(1, MOVED / ranks.size());
    }

    /// Adds up over all ranks as [Collective#allReduce], each rank its part only.
    ///
    /// @param row float32 `(count)`; the own part holds the sum afterwards, what stands in the
    ///     others is of no use
    public void sum(String what, Tensor row) {
        if (ranks.size() == 1) {
            return;
        }
        for (long done = 0; done < length(); done += round()) {
            long begin = done;
            List<List<Run>> now =
                    IntStream.range(0, ranks.size())
                            .mapToObj(rank -> runsOfPart(rank, begin, begin + round()))
                            .toList();
            reduce(
                    what,
                    row,
                    now,
                    (run, sum) -> row.narrow(0, run.row(), run.length()).copyInPlace(sum));
        }
    }

    /// Adds up some of the numbers over all ranks, and adds the sums to each rank's part.
    ///
    /// @param from float32, holds the numbers; unchanged
    /// @param stretches which numbers, and where they stand in `from`
    /// @param part float32 `(own)`
    public void addSum(String what, Tensor from, List<Stretch> stretches, Tensor part) {
        if (ranks.size() == 1) {
            try (var _ = TensorScope.open("sums of parts")) {
                for (Stretch s : stretches) {
                    Tensor numbers = from.narrow(0, s.at(), s.length());
                    part.narrow(0, s.start(), s.length()).addInPlace(numbers);
                }
            }
            return;
        }
        List<List<Run>> runs =
                IntStream.range(0, ranks.size()).mapToObj(rank -> runs(rank, stretches)).toList();
        BiConsumer<Run, Tensor> add =
                (run, sum) -> part.narrow(0, run.part(), run.length()).addInPlace(sum);
        long most = runs.stream().mapToLong(RankParts::numbers).max().orElseThrow();
        for (long done = 0; done < most; done += round()) {
            long begin = done;
            reduce(what, from, runs.stream().map(r -> some(r, begin, round())).toList(), add);
        }
    }

    /// What a rank's part has of some numbers, in their order.
    ///
    /// @return runs in what holds these numbers ([Stretch#at])
    public List<Run> runs(int rank, List<Stretch> stretches) {
        List<Run> runs = new ArrayList<>();
        for (Stretch s : stretches) {
            for (Run run : runs(rank, s.start(), s.start() + s.length())) {
                runs.add(new Run(run.row() - s.start() + s.at(), run.part(), run.length()));
            }
        }
        return runs;
    }

    /// @param runs of each rank
    /// @param take gets the sums of this rank's runs
    private void reduce(
            String what, Tensor from, List<List<Run>> runs, BiConsumer<Run, Tensor> take) {
        try (var _ = TensorScope.open("sums of parts")) {
            int[] counts = runs.stream().mapToInt(r -> Math.toIntExact(numbers(r))).toArray();
            Tensor all = Tensor.empty(from.device(), from.dtype(), IntStream.of(counts).sum());
            long at = 0;
            for (List<Run> theirs : runs) {
                for (Run run : theirs) {
                    all.narrow(0, at, run.length())
                            .copyInPlace(from.narrow(0, run.row(), run.length()));
                    at += run.length();
                }
            }
            Tensor sum = Tensor.empty(from.device(), from.dtype(), counts[ranks.rank()]);
            ranks.reduceScatter(what, all, counts, sum);
            at = 0;
            for (Run run : runs.get(ranks.rank())) {
                take.accept(run, sum.narrow(0, at, run.length()));
                at += run.length();
            }
        }
    }

    private static long numbers(List<Run> runs) {
        return runs.stream().mapToLong(Run::length).sum();
    }

    /// The `most` numbers of some runs that come after the first `done` ones.
    private static List<Run> some(List<Run> runs, long done, long most) {
        List<Run> some = new ArrayList<>();
        long begin = 0; // of a run, among all numbers
        for (Run run : runs) {
            long from = Math.max(begin, done);
            long to = Math.min(begin + run.length(), done + most);
            if (from < to) {
                some.add(run.from(from - begin, to - from));
            }
            begin += run.length();
        }
        return some;
    }

    /// Puts all parts into each rank's row.
    ///
    /// @param row of any type, `(count)`; this rank's part is given to the others
    public void gather(String what, Tensor row) {
        gather(what, row, List.of(new Stretch(0, 0, count)), true);
    }

    /// Puts all parts of some of the numbers into the rows of the ranks that need them.
    ///
    /// @param row of any type, holds the numbers; this rank's part is given to the others
    /// @param stretches which numbers, and where they stand in the row
    /// @param needed whether this rank gets the others' numbers; else it reads its part only
    public void gather(String what, Tensor row, List<Stretch> stretches, boolean needed) {
        if (ranks.size() == 1) {
            return;
        }
        List<List<Run>> runs =
                IntStream.range(0, ranks.size()).mapToObj(rank -> runs(rank, stretches)).toList();
        long most = runs.stream().mapToLong(RankParts::numbers).max().orElseThrow();
        for (long done = 0; done < most; done += round()) {
            long now = Math.min(round(), most - done);
            try (var _ = TensorScope.open("parts")) {
                Tensor mine = Tensor.zeros(row.device(), row.dtype(), now);
                move(row, some(runs.get(ranks.rank()), done, now), mine, false);
                Tensor all = Tensor.empty(row.device(), row.dtype(), now * ranks.size());
                ranks.allGather(what, mine, all);
                for (int rank = 0; rank < ranks.size() && needed; rank++) {
                    if (rank != ranks.rank()) {
                        Tensor theirs = all.narrow(0, rank * now, now);
                        move(row, some(runs.get(rank), done, now), theirs, true);
                    }
                }
            }
        }
    }

    /// Copies runs of a row, which stand one behind the other elsewhere, or into the row.
    private static void move(Tensor row, List<Run> runs, Tensor elsewhere, boolean back) {
        if (!row.device().isGpu()) {
            moveMemory(row, runs, elsewhere, back); // many short runs of a small model
            return;
        }
        long at = 0;
        for (Run run : runs) {
            Tensor there = row.narrow(0, run.row(), run.length());
            Tensor here = elsewhere.narrow(0, at, run.length());
            (back ? there : here).copyInPlace(back ? here : there);
            at += run.length();
        }
    }

    private static void moveMemory(Tensor row, List<Run> runs, Tensor elsewhere, boolean back) {
        MemorySegment there = row.memory();
        MemorySegment here = elsewhere.memory();
        long bytes = row.dtype().bytes();
        long at = 0;
        for (Run run : runs) {
            long from = run.row() * bytes;
            long length = run.length() * bytes;
            if (back) {
                MemorySegment.copy(here, at, there, from, length);
            } else {
                MemorySegment.copy(there, from, here, at, length);
            }
            at += length;
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
                long own = Math.clamp(own() - done, 0, now) * Float.BYTES;
                if (own > 0) {
                    MemorySegment.copy(part, done * Float.BYTES, mine.memory(), 0, own);
                }
                Tensor all = Tensor.empty(Device.cpu(), DType.FLOAT32, now * ranks.size());
                ranks.allGather(what, mine, all);
                for (int rank = 0; rank < ranks.size() && ranks.writes(); rank++) {
                    for (Run run : runsOfPart(rank, done, done + now)) {
                        long from = (rank * now + run.part() - done) * Float.BYTES;
                        long bytes = run.length() * Float.BYTES;
                        MemorySegment.copy(all.memory(), from, row, run.row() * Float.BYTES, bytes);
                    }
                }
            }
        }
    }
}
