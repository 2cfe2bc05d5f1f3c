package org.attune.cli.fuzz;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;

import org.attune.error.AttuneException;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/// One input given to a reader on its own thread, which is watched.
final class Trial {
    /// A second of a busy machine is not one of processor time.
    private static final int IDLE_SECONDS = 20;

    /// What reading takes beside the content: trees of nodes, texts of two bytes a character.
    private static final long BYTES_EACH = 400;

    private static final int LONGEST_MESSAGE = 1 << 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final double seconds;
    private final long bytes;

    /// @param seconds of processor time that a reader may take
    /// @param bytes of Java memory that a reader may take, whatever the input's size
    Trial(double seconds, long bytes) {
        this.seconds = seconds;
        this.bytes = bytes;
    }

    /// @param find     what was found, if anything
    /// @param finished whether the reader came back; else its thread still runs
    record Outcome(Optional<Find> find, boolean finished) {}

    /// Runs the reader over a folder with an input of `size` bytes.
    Outcome run(Target.Reader reader, Path folder, long size) throws InterruptedException {
        var thrown = new AtomicReference<Throwable>();
        var allocated = new long[1];
        Thread worker =
                new Thread(
                        () -> {
                            long before = THREADS.getCurrentThreadAllocatedBytes();
                            try {
                                reader.read(folder);
                            } catch (Throwable e) {
                                thrown.set(e);
                            }
                            allocated[0] = THREADS.getCurrentThreadAllocatedBytes() - before;
                        },
                        "case");
        worker.setDaemon(true);
        worker.start();
        Optional<Find> late = watch(worker);
        if (late.isPresent()) {
            return new Outcome(late, false);
        }
        Optional<Find> find = judge(thrown.get());
        long most = bytes + BYTES_EACH * size;
        if (find.isEmpty() && allocated[0] > most) {
            String message = "%d bytes for an input of %d".formatted(allocated[0], size);
            StackTraceElement[] stack =
                    thrown.get() == null ? new StackTraceElement[0] : thrown.get().getStackTrace();
            find = Optional.of(Find.of("memory", message, stack));
        }
        return new Outcome(find, true);
    }

    private Optional<Find> watch(Thread worker) throws InterruptedException {
        long start = System.nanoTime();
        long processStart = PROCESS.getProcessCpuTime();
        long used = 0;
        while (!worker.join(Duration.ofMillis(20))) {
            long now = System.nanoTime();
            long own = Math.max(0, THREADS.getThreadCpuTime(worker.threadId()));
            long all = PROCESS.getProcessCpuTime() - processStart;
            if (seconds(own) > seconds || seconds(all) > 3 * seconds) {
                return Optional.of(
                        Find.of("processor time", seconds(own) + " s", worker.getStackTrace()));
            }
            if (all > used + TimeUnit.SECONDS.toNanos(1)) {
                used = all;
                start = now;
            } else if (seconds(now - start) > IDLE_SECONDS) {
                return Optional.of(Find.of("waits", "uses no processor", worker.getStackTrace()));
            }
        }
        return Optional.empty();
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    /// The project's own errors are what a reader should end with, if they can be read.
    private static Optional<Find> judge(Throwable thrown) {
        if (thrown == null) {
            return Optional.empty();
        }
        String message = String.valueOf(thrown.getMessage());
        if (!(thrown instanceof AttuneException)) {
            String type = thrown.getClass().getSimpleName();
            return Optional.of(Find.of(type, message, thrown.getStackTrace()));
        }
        if (!isReadable(message)) {
            String begin = message.substring(0, Math.min(200, message.length()));
            return Optional.of(Find.of("message", begin, thrown.getStackTrace()));
        }
        return Optional.empty();
    }

    private static boolean isReadable(String message) {
        return !message.isBlank() && !message.equals("null") && message.length() <= LONGEST_MESSAGE;
    }

    /// Throws an error on if its message can't be read.
    static void requireReadable(AttuneException error) {
        if (!isReadable(String.valueOf(error.getMessage()))) {
            throw error;
        }
    }
}
