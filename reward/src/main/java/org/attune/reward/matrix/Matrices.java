package org.attune.reward.matrix;

import org.attune.error.TaskResult;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/// Who computes matrices: ND4J if it is on the class path, else plain arrays. The numbers are the
/// same.
public enum Matrices {
    /// Java arrays, on the thread that asks.
    PLAIN {
        @Override
        Matrix matrix(double[][] table) {
            return PlainMatrix.of(table);
        }

        @Override
        <T> T onItsThread(Supplier<T> work) {
            return work.get();
        }
    },

    /// ND4J, on a separate thread: for the thread that calls it, it tells OpenMP to use one thread.
    /// On the engine thread that would leave libtorch with one core from then on.
    ND4J {
        @Override
        Matrix matrix(double[][] table) {
            return Nd4jMatrix.of(table);
        }

        @Override
        <T> T onItsThread(Supplier<T> work) {
            return TaskResult.of(Nd4jThread.THREAD.submit(work::get), "rewards were compared");
        }
    };

    private static final ScopedValue<Matrices> USED = ScopedValue.newInstance();
    private static final Matrices FOUND = hasNd4j() ? ND4J : PLAIN;

    private static final class Nd4jThread {
        static final ExecutorService THREAD =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().daemon().name("reward-arrays").factory());
    }

    private static boolean hasNd4j() {
        return Matrices.class.getResource("/org/nd4j/linalg/factory/Nd4j.class") != null
                && Matrices.class.getResource("/org/nd4j/linalg/cpu/nativecpu/CpuBackend.class")
                        != null;
    }

    /// The way to compute that is in use unless [#using] chooses another.
    public static Matrices found() {
        return FOUND;
    }

    /// Computes with these; unchecked exceptions come out as they are.
    public <T> T using(Supplier<T> work) {
        return ScopedValue.where(USED, this).call(work::get);
    }

    /// Runs `work` where matrices may be made, and gives its result; unchecked exceptions come out
    /// as they are.
    public static <T> T compute(Supplier<T> work) {
        Matrices used = USED.orElse(FOUND);
        return used.onItsThread(() -> used.using(work));
    }

    /// A matrix. Only within [#compute].
    ///
    /// @param table rows of the same length, at least one
    public static Matrix of(double[][] table) {
        return USED.get().matrix(table);
    }

    abstract Matrix matrix(double[][] table);

    abstract <T> T onItsThread(Supplier<T> work);
}
