package org.attune.testing;

import org.attune.tensor.TensorScope;

import java.util.Arrays;

/// What `malloc` handed out in the engine thread's arena and didn't get back, while the same work
/// was done again and again; for programs of [InterpretedJvm].
///
/// @param bytes in use after each repetition
/// @param liveBytes growth of [TensorScope#liveBytes] from the first repetition to the last
/// @param liveTensors growth of [TensorScope#liveTensors]
public record MemoryGrowth(long[] bytes, long liveBytes, long liveTensors) {
    /// The smallest tensor takes four times as much.
    private static final double BYTES_PER_REPETITION = 64;

    /// For what grows now and then: a list that doubles, a cache of ever more shapes.
    private static final long BYTES_IN_ALL = 128 << 10;

    /// Repeats `work` on the engine thread.
    ///
    /// @param warmUp repetitions before the first measurement
    public static MemoryGrowth of(int warmUp, int repetitions, Runnable work) {
        for (int i = 0; i < warmUp; i++) {
            work.run();
        }
        long liveBytes = TensorScope.liveBytes();
        long liveTensors = TensorScope.liveTensors();
        long[] bytes = new long[repetitions];
        for (int i = 0; i < repetitions; i++) {
            work.run();
            bytes[i] = ProcessMemory.mainArenaBytes();
        }
        return new MemoryGrowth(
                bytes,
                TensorScope.liveBytes() - liveBytes,
                TensorScope.liveTensors() - liveTensors);
    }

    /// Growth of one repetition: the mean without the fifth that grew most and the fifth that
    /// shrank most. The count is exact, but the JVM too takes and returns some now and then: a
    /// class, a list that doubles, pieces of 32 KiB for its own work.
    public double perRepetition() {
        long[] deltas = new long[bytes.length - 1];
        Arrays.setAll(deltas, i -> bytes[i + 1] - bytes[i]);
        Arrays.sort(deltas);
        int fifth = deltas.length / 5;
        return Arrays.stream(deltas, fifth, deltas.length - fifth).average().orElseThrow();
    }

    /// How much more was in use in the last third of the repetitions than in the first, by
    /// medians.
    public long grown() {
        int third = bytes.length / 3;
        long early = median(Arrays.copyOf(bytes, third));
        return median(Arrays.copyOfRange(bytes, bytes.length - third, bytes.length)) - early;
    }

    private static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /// Repetitions that ended with the very count they began with.
    private int exact() {
        int exact = 0;
        for (int i = 1; i < bytes.length; i++) {
            exact += bytes[i] == bytes[i - 1] ? 1 : 0;
        }
        return exact;
    }

    /// Says what was measured.
    ///
    /// @throws AssertionError if something was not given back
    public void assertNone(String what) {
        String line =
                "%s: malloc %+.1f bytes a repetition (%d of %d exactly 0), %+d from the first third to the last; live tensors %+d, their bytes %+d"
                        .formatted(
                                what,
                                perRepetition(),
                                exact(),
                                bytes.length - 1,
                                grown(),
                                liveTensors,
                                liveBytes);
        boolean lost = perRepetition() > BYTES_PER_REPETITION || grown() > BYTES_IN_ALL;
        if (lost || liveBytes != 0 || liveTensors != 0) {
            throw new AssertionError("memory is lost by " + line);
        }
        System.out.println(line);
    }
}
