package org.attune.ranks.mpi;

import org.attune.ranks.Collective;
import org.attune.ranks.Launched;
import org.attune.ranks.RankSum;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/// How fast ranks are with each other. On the engine thread, on all ranks.
final class RankMeasures {
    private static final int REPEATS = 5;
    private static final int SMALL_REPEATS = 50;

    private final Collective ranks;
    private final Device device;

    /// @param device where the numbers are that are moved
    private RankMeasures(Collective ranks, Device device) {
        this.ranks = ranks;
        this.device = device;
    }

    /// Joins the others, and shows who is there and how fast they are.
    ///
    /// @param mebibytes moved by each
    static void show(Launched launched, int mebibytes, Consumer<String> lines) {
        Device device = Device.parse("auto");
        try (var all = MpiCollective.join(launched, System.getenv(), RankSum.FIXED);
                var library = all.part(0, RankSum.LIBRARY)) {
            lines.accept("%s, %d ranks".formatted(all.library(), all.size()));
            byte[] mine = about(device).getBytes(StandardCharsets.UTF_8);
            byte[][] theirs = all.allGather("who is there", mine);
            for (int rank = 0; rank < theirs.length; rank++) {
                String words = new String(theirs[rank], StandardCharsets.UTF_8);
                lines.accept("  %-24s %s".formatted(all.where(rank), words));
            }
            new RankMeasures(all, Device.cpu()).show(library, mebibytes, lines);
            if (device.isGpu()) {
                showGpus(all, device, mebibytes, lines);
            }
        }
    }

    private static String about(Device device) {
        return "%d of %d cores, process %d%s"
                .formatted(
                        Engine.threads(),
                        Runtime.getRuntime().availableProcessors(),
                        ProcessHandle.current().pid(),
                        device.isGpu() ? ", " + device : "");
    }

    /// What numbers on GPUs take, by what would carry them in a run.
    private static void showGpus(
            MpiCollective all, Device device, int mebibytes, Consumer<String> lines) {
        var carrier = carrier(all, device, RankSum.FIXED);
        try (var fixed = carrier.ranks();
                var library = carrier(all, device, RankSum.LIBRARY).ranks()) {
            lines.accept(carrier.said().orElse("numbers between GPUs"));
            new RankMeasures(fixed, device).show(library, mebibytes, lines);
        }
    }

    private static RankCarrier carrier(MpiCollective all, Device device, RankSum sum) {
        return RankCarrier.join(all.part(0, sum), device, Optional.empty(), sum);
    }

    private void show(Collective library, int mebibytes, Consumer<String> lines) {
        lines(library, mebibytes).forEach(line -> lines.accept("  " + line));
    }

    /// A line for each kind of work; the slowest rank counts, the median of five.
    ///
    /// @param library the same ranks, whose sums the library makes in its order
    /// @param mebibytes moved by each
    private List<String> lines(Collective library, int mebibytes) {
        List<String> lines = new ArrayList<>();
        long count = ((long) mebibytes << 20) / Float.BYTES;
        try (var _ = TensorScope.open("measures")) {
            Tensor a = Tensor.zeros(device, DType.FLOAT32, count);
            Tensor b = Tensor.zeros(device, DType.FLOAT32, count);
            String of = " of %d MiB".formatted(mebibytes);
            double bytes = (double) count * Float.BYTES;
            double copy =
                    median(
                            REPEATS,
                            () -> {
                                b.copyInPlace(a);
                                device.finish();
                            });
            lines.add(line("copy" + of + ", all ranks at once", copy, bytes));
            double sum = median(REPEATS, () -> ranks.allReduce("measured sum", a));
            lines.add(line("sum" + of + " (ranks_sum: fixed)", sum, bytes));
            double theirs = median(REPEATS, () -> library.allReduce("measured sum", b));
            lines.add(line("sum" + of + " (ranks_sum: library)", theirs, bytes));
            double broadcast = median(REPEATS, () -> ranks.broadcast("measured copy", a, 0));
            lines.add(line("broadcast" + of, broadcast, bytes));
        }
        double barrier = median(SMALL_REPEATS, () -> ranks.barrier("measured"));
        lines.add("%-44s %9.1f µs".formatted("barrier", barrier * 1e6));
        double few = median(SMALL_REPEATS, () -> ranks.allGather("measured", 1.0));
        lines.add("%-44s %9.1f µs".formatted("a number of each", few * 1e6));
        return lines;
    }

    private static String line(String what, double seconds, double bytes) {
        return String.format(
                Locale.ROOT,
                "%-44s %9.1f ms %7.2f GB/s",
                what,
                seconds * 1e3,
                bytes / seconds / 1e9);
    }

    private double median(int repeats, Runnable work) {
        double[] seconds = new double[repeats];
        work.run();
        for (int i = 0; i < repeats; i++) {
            ranks.barrier("measured");
            long begun = System.nanoTime();
            work.run();
            double mine = (System.nanoTime() - begun) / 1e9;
            seconds[i] =
                    Arrays.stream(ranks.allGather("times", mine))
                            .mapToDouble(theirs -> theirs[0])
                            .max()
                            .orElseThrow();
        }
        Arrays.sort(seconds);
        return seconds[repeats / 2];
    }
}
