package org.attune.tensor;

import org.attune.testing.ProcessMemory;

import java.util.Arrays;

/// Pages that element-wise work touches for the first time, round by round. As a program it prints
/// the table of `docs/lab/engine.md`:
/// ```
/// java --enable-native-access=ALL-UNNAMED -cp … org.attune.tensor.PageFaults
/// ```
final class PageFaults {
    private static final int ROUNDS = 6;
    private static final long MIB = 1 << 20;

    private PageFaults() {}

    /// @param faults minor page faults of each round
    /// @param millis duration of each round
    record Rounds(long[] faults, double[] millis) {
        /// Of the rounds after the first. Now and then another thread's small block lies in the
        /// hole that a large one left.
        long medianAfterFirst() {
            long[] sorted = Arrays.stream(faults).skip(1).sorted().toArray();
            return sorted[sorted.length / 2];
        }
    }

    /// Three operations on float32 tensors of this size, whose results die with the round.
    static Rounds measure(int mebibytes) {
        return Engine.call(
                () -> {
                    long[] faults = new long[ROUNDS];
                    double[] millis = new double[ROUNDS];
                    try (var _ = TensorScope.open("faults")) {
                        Tensor x = Tensor.zeros(Device.cpu(), DType.FLOAT32, mebibytes * MIB / 4);
                        for (int i = 0; i < ROUNDS; i++) {
                            long before = ProcessMemory.minorFaults();
                            long start = System.nanoTime();
                            try (var _ = TensorScope.open("round")) {
                                x.add(x).mul(x).sub(x);
                            }
                            millis[i] = (System.nanoTime() - start) / 1e6;
                            faults[i] = ProcessMemory.minorFaults() - before;
                        }
                    }
                    return new Rounds(faults, millis);
                });
    }

    static String line(int mebibytes, Rounds r) {
        var text = new StringBuilder("%4d MiB:".formatted(mebibytes));
        for (int i = 0; i < r.faults().length; i++) {
            text.append(" %d (%.1f ms)".formatted(r.faults()[i], r.millis()[i]));
        }
        return text.toString();
    }

    public static void main(String[] arguments) {
        System.out.println("minor page faults (time) of each round of three operations");
        for (int mebibytes : new int[] {32, 128, 512}) {
            System.out.println(line(mebibytes, measure(mebibytes)));
        }
    }
}
