package org.attune.ranks.mpi;

import org.attune.error.CollectiveException;
import org.attune.ranks.Launched;
import org.attune.ranks.RankSum;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Devices;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/// The program of one of two ranks with simulated GPUs, of which rank 1 does something wrong.
final class FailingGpu {
    private static final int NUMBERS = 20_000;

    private FailingGpu() {}

    /// @param args what rank 1 does, seconds that a call may take, folder
    public static void main(String[] args) throws InterruptedException {
        Launched launched = Launched.by(System.getenv()).orElseThrow();
        var mpi = Engine.call(() -> MpiCollective.join(launched, System.getenv(), RankSum.FIXED));
        var gpus = Engine.call(() -> SimulatedGpus.join(mpi, mpi.place(), RankSum.FIXED));
        var given = new CountDownLatch(1);
        var _ =
                new RankWatch(
                        gpus,
                        mpi.place(),
                        new RankMarks(Path.of(args[2])),
                        Duration.ofSeconds(Integer.parseInt(args[1])),
                        () -> true,
                        reason -> {
                            System.out.println(reason);
                            gpus.abort();
                            given.countDown();
                        });
        Engine.run(() -> work(mpi, gpus, args[0]));
        if (args[0].equals("late")) {
            given.await();
        }
        if (mpi.rank() == 0) {
            Runtime.getRuntime().halt(75);
        }
        Thread.sleep(Duration.ofMinutes(2));
    }

    private static void work(MpiCollective mpi, NcclCollective gpus, String way) {
        gpus.enter(3);
        boolean wrong = mpi.rank() == 1;
        int count = wrong && way.equals("sizes") ? NUMBERS - 1 : NUMBERS;
        try (var _ = TensorScope.open("work")) {
            Tensor numbers = Tensor.of(Devices.simulated(), new float[count], count);
            if (wrong && !way.equals("sizes")) {
                mpi.allGather("gradients", (double) count * Float.BYTES);
                if (way.equals("gone")) {
                    gpus.abort();
                }
                return;
            }
            gpus.allReduce("gradients", numbers);
        } catch (CollectiveException e) {
            System.out.println("FAILED " + mpi.rank() + ": " + e.getMessage());
            again(gpus);
        }
    }

    private static void again(NcclCollective gpus) {
        try (var _ = TensorScope.open("again")) {
            gpus.broadcast("weights", Tensor.of(Devices.simulated(), new float[1], 1), 0);
        } catch (CollectiveException e) {
            System.out.println("THEN " + e.getMessage());
        }
    }
}
