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
    /// The smallest tensor takes three times as much.
    private static final long BYTES_PER_REPETITION = 100;

    /// The count is exact, but the JVM too takes some now and then: a class, a list that doubles.
    private static final long BYTES_ONCE = 4 << 10;

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
                "%s: malloc %+d bytes from the first third of %d repetitions to the last (%d of %d exact), live tensors %+d, their bytes %+d"
                        .formatted(
                                what,
                                grown(),
                                bytes.length,
                                exact(),
                                bytes.length - 1,
                                liveTensors,
                                liveBytes);
        long bound = BYTES_ONCE + BYTES_PER_REPETITION * 2 * (bytes.length / 3);
        if (grown() > bound || liveBytes != 0 || liveTensors != 0) {
            throw new AssertionError("memory is lost by " + line);
        }
        System.out.println(line);
    }
}
