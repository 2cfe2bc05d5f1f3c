package org.attune.bench;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What a device can do at best, and what asking it costs: calls, copies, products.
///
/// @param device that is measured
/// @param size rows and columns of the products, ≥ 1; copies have as many MiB as a sixteenth of it
public record DeviceBench(Device device, int size) {
    private static final String CALL = "a call of an operator, µs";
    private static final String WAIT = "8 bytes there and back, µs";
    private static final String COPY = "read and written there, GB/s";
    private static final String THERE = "copied there, GB/s";
    private static final String BACK = "copied back, GB/s";
    private static final String PRODUCT = "product in %s, GFLOP/s";

    private static final int CALLS = 1000;
    private static final int ROUNDS = 5;

    /// Time in which the JVM compiles what calls.
    private static final long LEAST_NANOS = 1_000_000_000;

    /// Figures in the order of the table.
    public Map<String, Double> run() {
        return Engine.call(
                () -> {
                    Map<String, Double> figures = new LinkedHashMap<>();
                    try (var _ = TensorScope.open("device")) {
                        calls(figures);
                        copies(figures);
                        for (DType dtype : List.of(DType.FLOAT32, DType.BFLOAT16)) {
                            product(figures, dtype);
                        }
                    }
                    return figures;
                });
    }

    private void calls(Map<String, Double> figures) {
        Tensor x = Tensor.full(device, DType.FLOAT32, 1, 16);
        Tensor one = Tensor.full(device, DType.FLOAT32, 1, 16);
        double calls =
                best(
                        () -> {
                            for (int i = 0; i < CALLS; i++) {
                                x.mulInPlace(one);
                            }
                        });
        figures.put(CALL, calls / CALLS * 1e6);
        double waits =
                best(
                        () -> {
                            for (int i = 0; i < CALLS / 10; i++) {
                                try (Tensor there = Tensor.of(device, new double[] {i}, 1)) {
                                    double _ = there.item();
                                }
                            }
                        });
        figures.put(WAIT, waits / (CALLS / 10) * 1e6);
    }

    private void copies(Map<String, Double> figures) {
        long floats = Math.max(1, size / 16) * ((1L << 20) / Float.BYTES);
        double gigabytes = floats * Float.BYTES / 1e9;
        Tensor here = Tensor.full(Device.cpu(), DType.FLOAT32, 1, floats);
        Tensor there = Tensor.full(device, DType.FLOAT32, 0, floats);
        Tensor beside = Tensor.full(device, DType.FLOAT32, 0, floats);
        figures.put(COPY, 2 * gigabytes / best(() -> beside.copyInPlace(there)));
        figures.put(THERE, gigabytes / best(() -> there.copyInPlace(here)));
        figures.put(BACK, gigabytes / best(() -> here.copyInPlace(there)));
        here.close();
        there.close();
        beside.close();
    }

    private void product(Map<String, Double> figures, DType dtype) {
        try (Tensor a = Tensor.full(device, dtype, 0.5, size, size);
                Tensor b = Tensor.full(device, dtype, 0.25, size, size)) {
            double seconds = best(() -> a.mm(b).close());
            figures.put(
                    PRODUCT.formatted(dtype.name().toLowerCase(Locale.ROOT)),
                    2.0 * size * size * size / seconds / 1e9);
        }
    }

    /// Seconds of the fastest of some rounds, each to its end.
    private double best(Runnable work) {
        work.run();
        device.finish();
        double best = Double.MAX_VALUE;
        long begun = System.nanoTime();
        for (int i = 0; i < ROUNDS || System.nanoTime() - begun < LEAST_NANOS; i++) {
            long start = System.nanoTime();
            work.run();
            device.finish();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }

    /// Measures PyTorch on the same device, and gives the figures by their names.
    ///
    /// @param script `device_probe.py`
    /// @param log file for what it prints
    public Map<String, Double> ofPyTorch(Path python, Path script, Path log) {
        List<String> command =
                List.of(
                        python.toString(),
                        script.toString(),
                        "--device",
                        device.toString(),
                        "--size",
                        "" + size);
        Map<?, ?> said = Peer.result(script, command, log, _ -> {});
        Map<String, Double> figures = new LinkedHashMap<>();
        said.forEach((name, value) -> figures.put("" + name, ((Number) value).doubleValue()));
        return figures;
    }

    /// A row for each figure: its name, Attune's, PyTorch's, and how many times better Attune's is.
    public static List<List<String>> rows(Map<String, Double> attune, Map<String, Double> pytorch) {
        return attune.entrySet().stream()
                .map(
                        e -> {
                            Optional<Double> other = Optional.ofNullable(pytorch.get(e.getKey()));
                            boolean cost = e.getKey().endsWith("µs");
                            return List.of(
                                    e.getKey(),
                                    BenchText.number(e.getValue()),
                                    other.map(BenchText::number).orElse(""),
                                    other.map(o -> cost ? o / e.getValue() : e.getValue() / o)
                                            .map(BenchText::number)
                                            .orElse(""));
                        })
                .toList();
    }
}
