package org.attune.cli.command;

import org.attune.trainers.loop.StopSignal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/// While it is open, Ctrl-C and SIGTERM ask the run to stop and wait until it has written what
/// it has to. The JVM then ends with the signal's own exit code. A second signal ends it at once.
public final class InterruptGuard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptGuard.class);
    private static final int PATIENCE_SECONDS = 300;
    private static final int ONE_SIGNAL_MILLIS = 1000;
    private static final int LOOK_MILLIS = 200;
    private static final Pattern SIGNAL_THREAD = Pattern.compile("SIG(?!WINCH)\\w+ handler");

    /// What the end at once means for a run, and for what only reads.
    public static final String NO_CHECKPOINT =
            "stopping; a second Ctrl-C ends at once, without a checkpoint";

    static final String NOTHING_LOST = "stopping; a second Ctrl-C ends at once";

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook;

    /// A guard for a run that writes a checkpoint.
    InterruptGuard(StopSignal stop) {
        this(stop, NO_CHECKPOINT);
    }

    /// @param told at the first signal
    InterruptGuard(StopSignal stop, String told) {
        this(stop, () -> told);
    }

    /// @param told at the first signal
    public InterruptGuard(StopSignal stop, Supplier<String> told) {
        hook = new Thread(() -> stopAndWait(stop, told), "attune-interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void stopAndWait(StopSignal stop, Supplier<String> told) {
        if (finished.getCount() == 0) {
            return;
        }
        stop.request(); // before anything else: programs of rewards may have got the signal too
        LOG.info(told.get());
        try {
            // Some who send a signal to a process send it to its group too.
            boolean ended = finished.await(ONE_SIGNAL_MILLIS, TimeUnit.MILLISECONDS);
            int signals = signals();
            long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (!ended && System.nanoTime() < patience) {
                ended = finished.await(LOOK_MILLIS, TimeUnit.MILLISECONDS);
                if (!ended && signals() > signals) {
                    Runtime.getRuntime().halt(ExitCodes.INTERRUPTED);
                }
            }
            if (!ended) {
                LOG.warn("the run did not stop in {} s; ending without it", PATIENCE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Signals that came so far. The JVM, which is ending, does nothing more about a second one
    /// than to start another thread for it, which waits.
    private static int signals() {
        ThreadGroup all = Thread.currentThread().getThreadGroup();
        while (all.getParent() != null) {
            all = all.getParent();
        }
        Thread[] threads = new Thread[2 * all.activeCount() + 16];
        int count = all.enumerate(threads);
        return (int)
                Arrays.stream(threads, 0, count)
                        .filter(t -> SIGNAL_THREAD.matcher(t.getName()).matches())
                        .count();
    }

    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            LOG.debug("the JVM is ending already");
        }
    }
}
