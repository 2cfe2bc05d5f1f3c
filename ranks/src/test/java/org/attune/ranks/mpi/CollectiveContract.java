package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.ranks.Launched;
import org.attune.ranks.RankParts;
import org.attune.ranks.RankSum;
import org.attune.ranks.RankTimes;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/// The program of one rank: makes every call with many sizes and compares with what one process
/// computes, bit for bit. Every rank knows what all others send.
final class CollectiveContract {
    private static final int[] SIZES = {0, 1, 7, 1000, (1 << 20) + 3};

    private final Collective ranks;
    private final Device device;
    private int comparisons;

    private CollectiveContract(Collective ranks, Device device) {
        this.ranks = ranks;
        this.device = device;
    }

    /// What carries ranks' numbers.
    ///
    /// @param name `mpi` between processors; other names are of what carries between simulated GPUs
    /// @param join makes it of MPI
    record Carrier(String name, BiFunction<MpiCollective, RankSum, Collective> join) {
        Device device() {
            return name.equals("mpi") ? Device.cpu() : Devices.simulated();
        }
    }

    /// @param args repetitions of each call; `mpi` or `staged`
    public static void main(String[] args) {
        boolean staged = args[1].equals("staged");
        run(
                Integer.parseInt(args[0]),
                new Carrier(args[1], (mpi, _) -> staged ? new StagedCollective(mpi) : mpi));
    }

    /// Compares, and ends the process.
    ///
    /// @param repetitions of each call
    static void run(int repetitions, Carrier carrier) {
        Launched launched = Launched.by(System.getenv()).orElseThrow();
        Engine.run(
                () -> {
                    try (var all = MpiCollective.join(launched, System.getenv(), RankSum.FIXED)) {
                        for (int size = all.size(); size > 0; size--) {
                            int number = all.rank() / size;
                            compare(all.part(number, RankSum.FIXED), carrier, repetitions);
                        }
                        compareOrders(all, carrier);
                    }
                });
        System.exit(0);
    }

    private static void compare(MpiCollective mpi, Carrier carrier, int repetitions) {
        try (var ranks = carrier.join().apply(mpi, RankSum.FIXED)) {
            int comparisons = new CollectiveContract(ranks, carrier.device()).run(repetitions);
            if (mpi.rank() == 0) {
                String words = "%d ranks, %d comparisons on each, %s, %s%n";
                System.out.printf(words, ranks.size(), comparisons, carrier.name(), mpi.library());
            }
        }
    }

    /// The library's own sums are as near as float32 is.
    private static void compareOrders(MpiCollective all, Carrier carrier) {
        Device device = carrier.device();
        try (var fix = carrier.join().apply(all.part(0, RankSum.FIXED), RankSum.FIXED);
                var other = carrier.join().apply(all.part(0, RankSum.LIBRARY), RankSum.LIBRARY);
                var _ = TensorScope.open("orders")) {
            float[] mine = numbers(4000 * all.size(), all.rank());
            Tensor fixed = Tensor.of(device, mine, mine.length);
            Tensor free = Tensor.of(device, mine, mine.length);
            fix.allReduce("fixed", fixed);
            other.allReduce("free", free);
            double most = fixed.sub(free).square().sum().item();
            if (!(most < 1e-3)) {
                throw new AssertionError("sums differ by " + most);
            }
            Tensor part = Tensor.zeros(device, DType.FLOAT32, 4000);
            Tensor whole = Tensor.of(device, mine, mine.length);
            other.reduceScatter("free", whole, alike(all.size(), 4000), part);
            Tensor expected = free.narrow(0, 4000L * all.rank(), 4000);
            double off = part.sub(expected).square().sum().item();
            if (!(off < 1e-3)) {
                throw new AssertionError("parts differ by " + off);
            }
        }
    }

    /// Ends with the first failure: others would wait for this rank for ever.
    private int run(int repetitions) {
        try {
            return compareAll(repetitions);
        } catch (RuntimeException | AssertionError e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1);
            throw e;
        }
    }

    private int compareAll(int repetitions) {
        long live = -1;
        for (int repetition = 0; repetition < repetitions; repetition++) {
            for (int size : SIZES) {
                try (var _ = TensorScope.open("contract")) {
                    sums(size, repetition);
                    moves(size, repetition);
                    parts(size, repetition);
                    unevenParts(Math.min(size, 5000), repetition);
                    bytes(size, repetition);
                }
            }
            ranks.barrier("the next repetition");
            if (repetition == 0) {
                live = TensorScope.liveBytes();
            }
            require(live == TensorScope.liveBytes(), "memory stays the same");
        }
        require(ranks.any("stop", ranks.rank() == ranks.size() - 1), "any of one");
        require(!ranks.any("stop", false), "any of none");
        require(ranks.where(ranks.rank()).startsWith("rank " + ranks.rank() + " on "), "where");
        require(ranks.local() == ranks.rank(), "all are on one machine");
        counts();
        RankTimes times = ranks.times();
        boolean alone = ranks.size() == 1;
        require(times.sentBytes() > 0 != alone && times.moveSeconds() > 0, times.toString());
        return comparisons;
    }

    /// Bytes that a rank sends: `2 (N - 1) / N` of the numbers for a sum, whole or in parts.
    private void counts() {
        int n = ranks.size();
        int size = n << 16;
        try (var _ = TensorScope.open("counts")) {
            Tensor row = tensor(numbers(size, 1));
            RankTimes before = ranks.times();
            ranks.allReduce("counted", row);
            RankTimes summed = ranks.times();
            var parts = new RankParts(ranks, size);
            parts.sum("counted", row);
            parts.gather("counted", row);
            long expected = 2L * (n - 1) * size / n * Float.BYTES;
            long asked = ranks instanceof NcclCollective ? 256L * (n - 1) : 0; // what others mean
            long sent = summed.since(before).sentBytes();
            require(sent == expected + asked, "bytes of a sum");
            long moved = ranks.times().since(summed).sentBytes() - 2 * asked;
            long summedUp = (size - parts.own()) * Float.BYTES;
            long gathered = (n - 1) * parts.length() * Float.BYTES;
            require(moved == summedUp + gathered, "bytes of parts");
            require(moved <= expected + expected / 16, "padding of parts");
        }
    }

    private void sums(int size, int seed) {
        int n = ranks.size();
        List<float[]> all = new ArrayList<>();
        for (int rank = 0; rank < n; rank++) {
            all.add(numbers(size * n, 7919 * seed + rank));
        }
        float[] mine = all.get(ranks.rank());
        float[] expected = tree(all, size * n);
        Tensor whole = tensor(mine);
        Tensor part = Tensor.zeros(device, DType.FLOAT32, size);
        ranks.reduceScatter("scattered", whole, alike(n, size), part);
        int from = ranks.rank() * size;
        compare(Arrays.copyOfRange(expected, from, from + size), part.toFloats(), "scatter");
        compare(mine, whole.toFloats(), "what was scattered");
        ranks.allReduce("reduced", whole);
        compare(expected, whole.toFloats(), "sum");
        Tensor few = tensor(Arrays.copyOf(mine, size));
        ranks.allReduce("reduced", few);
        compare(Arrays.copyOf(expected, size), few.toFloats(), "sum of few");
    }

    /// Parts of the same size.
    private static int[] alike(int ranks, int size) {
        int[] counts = new int[ranks];
        Arrays.fill(counts, size);
        return counts;
    }

    private void moves(int size, int seed) {
        int n = ranks.size();
        float[] expected = new float[size * n];
        for (int rank = 0; rank < n; rank++) {
            System.arraycopy(numbers(size, seed + rank), 0, expected, rank * size, size);
        }
        Tensor whole = Tensor.zeros(device, DType.FLOAT32, (long) size * n);
        ranks.allGather("parts", tensor(numbers(size, seed + ranks.rank())), whole);
        compare(expected, whole.toFloats(), "gather");

        Tensor again = Tensor.zeros(device, DType.FLOAT32, (long) size * n);
        Tensor place = again.narrow(0, (long) ranks.rank() * size, size);
        place.copyInPlace(tensor(numbers(size, seed + ranks.rank())));
        ranks.allGather("parts in place", place, again);
        compare(expected, again.toFloats(), "gather in place");

        Tensor half = tensor(numbers(size, ranks.rank())).to(DType.BFLOAT16);
        ranks.broadcast("halves", half, n - 1);
        float[] sent = tensor(numbers(size, n - 1)).to(DType.BFLOAT16).toFloats();
        compare(sent, half.toFloats(), "broadcast");
        Tensor halves = Tensor.zeros(device, DType.BFLOAT16, (long) size * n);
        ranks.allGather("halves", half, halves);
        compare(sent, Arrays.copyOf(halves.toFloats(), size), "gathered halves");
    }

    /// A row that is cut into parts: its length is no multiple of theirs.
    private void parts(int size, int seed) {
        List<float[]> all = new ArrayList<>();
        for (int rank = 0; rank < ranks.size(); rank++) {
            all.add(numbers(size, 104729 * seed + rank));
        }
        float[] expected = tree(all, size);
        var parts = new RankParts(ranks, size);
        Tensor row = tensor(all.get(ranks.rank()));
        Tensor part = Tensor.zeros(device, DType.FLOAT32, parts.own());
        int half = size / 2;
        List<RankParts.Stretch> stretches =
                List.of(
                        new RankParts.Stretch(half, half, size - half),
                        new RankParts.Stretch(0, 0, half));
        parts.addSum("added", row, stretches, part);
        parts.sum("parted", row);
        float[] own = own(parts, expected);
        compare(own, own(parts, row.toFloats()), "sum of a part");
        compare(own, part.toFloats(), "sum of stretches");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment whole = arena.allocate((long) size * Float.BYTES, Long.BYTES);
            parts.collect("parted", MemorySegment.ofArray(own), whole);
            float[] none = new float[size];
            float[] there = ranks.writes() ? expected : none;
            compare(there, whole.toArray(ValueLayout.JAVA_FLOAT), "collected parts");
        }
        parts.gather("parted", row);
        compare(expected, row.toFloats(), "gathered parts");
    }

    /// This rank's part of a row.
    private static float[] own(RankParts parts, float[] row) {
        float[] own = new float[(int) parts.own()];
        for (RankParts.Run run : parts.runs()) {
            System.arraycopy(row, (int) run.row(), own, (int) run.part(), (int) run.length());
        }
        return own;
    }

    /// Parts of different sizes, the first of which is empty.
    private void unevenParts(int size, int seed) {
        int n = ranks.size();
        int[] counts = IntStream.range(0, n).map(rank -> rank * size).toArray();
        int count = IntStream.of(counts).sum();
        List<float[]> all = new ArrayList<>();
        for (int rank = 0; rank < n; rank++) {
            all.add(numbers(count, 31 * seed + rank));
        }
        int mine = counts[ranks.rank()];
        Tensor part = Tensor.zeros(device, DType.FLOAT32, mine);
        ranks.reduceScatter("uneven", tensor(all.get(ranks.rank())), counts, part);
        int from = IntStream.of(counts).limit(ranks.rank()).sum();
        float[] expected = Arrays.copyOfRange(tree(all, count), from, from + mine);
        compare(expected, part.toFloats(), "uneven parts");
    }

    private void bytes(int size, int seed) {
        byte[][] theirs = ranks.allGather("bytes", bytesOf(ranks.rank(), size, seed));
        double[][] numbers = ranks.allGather("numbers", doublesOf(ranks.rank(), size));
        for (int rank = 0; rank < ranks.size(); rank++) {
            require(Arrays.equals(bytesOf(rank, size, seed), theirs[rank]), "bytes of " + rank);
            require(Arrays.equals(doublesOf(rank, size), numbers[rank]), "numbers of " + rank);
        }
    }

    /// Each rank has another length.
    private static byte[] bytesOf(int rank, int size, int seed) {
        byte[] bytes = new byte[size * (rank + 1)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (31 * i + rank + seed);
        }
        return bytes;
    }

    private static double[] doublesOf(int rank, int size) {
        double[] numbers = new double[Math.min(size, 1000) / (rank + 1)];
        Arrays.setAll(numbers, i -> Math.sqrt(i + rank));
        return numbers;
    }

    /// The sum as one process makes it.
    private static float[] tree(List<float[]> rows, int count) {
        List<float[]> sums = new ArrayList<>(rows);
        while (sums.size() > 1) {
            List<float[]> next = new ArrayList<>();
            for (int i = 0; i < sums.size(); i += 2) {
                next.add(i + 1 < sums.size() ? sum(sums.get(i), sums.get(i + 1)) : sums.get(i));
            }
            sums = next;
        }
        return Arrays.copyOf(sums.getFirst(), count);
    }

    private static float[] sum(float[] a, float[] b) {
        float[] sum = new float[a.length];
        for (int i = 0; i < sum.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    /// Of very different sizes, so that the order of a sum shows in its bits.
    private static float[] numbers(int count, long seed) {
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            long z = (i + 1) * 0x9E3779B97F4A7C15L + seed * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            numbers[i] = (float) ((z >>> 40) / (double) (1 << 24) - 0.5) * (1 << (z & 15));
        }
        return numbers;
    }

    private Tensor tensor(float[] values) {
        return Tensor.of(device, values, values.length);
    }

    private void compare(float[] expected, float[] actual, String what) {
        int differs = Arrays.mismatch(expected, actual); // by bits, but for NaN
        require(differs < 0, what + " of " + expected.length + " numbers, at " + differs);
    }

    private void require(boolean holds, String what) {
        comparisons++;
        if (!holds) {
            throw new AssertionError(ranks.where(ranks.rank()) + ": " + what);
        }
    }
}
