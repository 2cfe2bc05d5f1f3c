package org.attune.cli;

import org.attune.trainers.StopSignal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// While it is open, Ctrl-C and SIGTERM ask the run to stop and wait until it has written its
/// checkpoint. The JVM then ends with the signal's own exit code.
final class InterruptGuard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(InterruptGuard.class);
    private static final int PATIENCE_SECONDS = 300;

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook;

    InterruptGuard(StopSignal stop) {
        hook = new Thread(() -> stopAndWait(stop), "attune-interrupt");
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void stopAndWait(StopSignal stop) {
        if (finished.getCount() == 0) {
            return;
        }
        LOG.info("stopping: writing a checkpoint");
        stop.request();
        try {
            if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn("the run did not stop in {} s; ending without it", PATIENCE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
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
