package org.attune.reports.tracker;

import org.attune.error.CheckpointException;
import org.attune.trainers.config.ResolvedConfig;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunSettings;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/// Hands a run's numbers to a tracker. The training thread only puts them into a bounded queue;
/// another thread delivers them, and tries again what failed. A tracker that is slow, away or
/// broken is told of in a warning, and the run goes on. A resumed run goes on under the identity
/// that its checkpoint holds.
public final class TrackerFeed implements RunReport {
    private static final Logger LOG = LoggerFactory.getLogger(TrackerFeed.class);

    /// Places of the queue.
    static final int QUEUE = 10_000;

    /// How long the end of a run waits for a tracker.
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Tracker tracker;
    private final String name;
    private final Map<String, Object> config;
    private final Duration patience;
    private final InstantSource clock;
    private final BlockingQueue<TrackedPoint> queue = new ArrayBlockingQueue<>(QUEUE);

    private Optional<String> earlierId = Optional.empty();
    private Optional<Thread> worker = Optional.empty();
    private int index;
    private long dropped;
    private volatile Optional<Tracker.RunEnd> end = Optional.empty();
    private volatile boolean given;
    private volatile boolean gaveUp;

    /// @param tracker that is told, from another thread
    /// @param name of the run
    /// @param config keys and values; unset ones are null
    /// @param patience how long the end of the run waits for what is not delivered yet
    public TrackerFeed(
            Tracker tracker,
            String name,
            Map<String, Object> config,
            Duration patience,
            InstantSource clock) {
        this.tracker = tracker;
        this.name = name;
        this.config = config;
        this.patience = patience;
        this.clock = clock;
    }

    /// The feed of a run, under its `run_name` or else its folder's name.
    public static TrackerFeed of(RunSettings run, Tracker tracker) {
        String folder = String.valueOf(run.folder().toAbsolutePath().normalize().getFileName());
        return new TrackerFeed(
                tracker,
                run.training().log().runName().orElse(folder),
                ResolvedConfig.flat(run.config()),
                PATIENCE,
                InstantSource.system());
    }

    /// Whether a variable by which a tracker is turned off is set.
    static boolean isTrue(RunSettings run, String variable) {
        return Set.of("1", "true", "yes", "on")
                .contains(run.variable(variable).toLowerCase(Locale.ROOT));
    }

    private Path idFile(Path checkpoint) {
        return checkpoint.resolve("tracker-" + tracker.name() + ".txt");
    }

    @Override
    public void onResume(Path checkpoint) {
        Path file = idFile(checkpoint);
        try {
            if (Files.exists(file)) {
                earlierId = Optional.of(Files.readString(file).strip()).filter(s -> !s.isEmpty());
            }
        } catch (IOException e) {
            throw new CheckpointException(file + " can't be read: " + e, e);
        }
    }

    @Override
    public void onStart(RunInfo info) {
        Instant now = clock.instant();
        String seed =
                "%s %d %s"
                        .formatted(
                                info.outputDir().toAbsolutePath(),
                                ProcessHandle.current().pid(),
                                now);
        String id =
                UUID.nameUUIDFromBytes(seed.getBytes(StandardCharsets.UTF_8))
                        .toString()
                        .substring(0, 8);
        index = info.logged();
        var run = new TrackedRun(id, earlierId, name, config, now, info.logged());
        worker =
                Optional.of(
                        Thread.ofVirtual()
                                .name("attune-" + tracker.name())
                                .start(() -> deliver(run)));
    }

    @Override
    public void onLog(int step, Map<String, Object> metrics) {
        offer(step, metrics);
    }

    @Override
    public void onTotals(int step, Map<String, Object> totals) {
        offer(step, totals);
    }

    @Override
    public void onEvaluate(int step, Map<String, Object> metrics) {
        offer(step, metrics);
    }

    private void offer(int step, Map<String, Object> metrics) {
        var point = new TrackedPoint(index++, clock.instant(), step, TrackedPoint.numbers(metrics));
        if (!gaveUp && !queue.offer(point)) {
            if (dropped == 0) {
                LOG.warn(
                        "report_to: {} is too slow: {} logs wait, and what comes now is left out"
                                + " there; metrics.jsonl has all",
                        tracker.name(),
                        QUEUE);
            }
            dropped++;
        }
    }

    @Override
    public void onSave(int step, Path checkpoint) {
        Path file = idFile(checkpoint);
        try {
            Optional<String> id = tracker.runId().or(() -> earlierId);
            if (id.isPresent()) {
                Files.writeString(file, id.get() + "\n");
            }
        } catch (IOException e) {
            throw new CheckpointException(
                    file + " can't be written: " + e + "; free space in output_dir", e);
        }
    }

    @Override
    public void onEnd(RunSummary summary) {
        finish(summary.interrupted() ? Tracker.RunEnd.STOPPED : Tracker.RunEnd.FINISHED);
    }

    /// Ends the reporting of a run that failed.
    @Override
    public void close() {
        finish(Tracker.RunEnd.FAILED);
    }

    private void finish(Tracker.RunEnd how) {
        if (worker.isEmpty()) {
            return;
        }
        Thread thread = worker.get();
        worker = Optional.empty();
        end = Optional.of(how);
        try {
            if (!thread.join(patience)) {
                thread.interrupt();
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
        tellEnd();
    }

    private void tellEnd() {
        if (given) {
            LOG.info("report_to: {}: {}", tracker.name(), tracker.place());
        } else if (!gaveUp) {
            LOG.warn(
                    "report_to: {} has not taken the end of the run in {} s; logs that wait: {};"
                            + " metrics.jsonl has all",
                    tracker.name(),
                    patience.toSeconds(),
                    queue.size());
        }
        if (dropped > 0) {
            LOG.warn("report_to: {}: logs left out: {}", tracker.name(), dropped);
        }
    }

    /// A delivery that may be tried again.
    @FunctionalInterface
    private interface Delivery {
        void now() throws IOException, InterruptedException;
    }

    private void deliver(TrackedRun run) {
        try {
            patiently(() -> tracker.open(run));
            List<TrackedPoint> batch = next();
            while (!batch.isEmpty()) {
                List<TrackedPoint> points = List.copyOf(batch);
                patiently(() -> tracker.log(points));
                batch = next();
            }
            Tracker.RunEnd how = end.orElse(Tracker.RunEnd.FAILED);
            patiently(() -> tracker.close(how));
            given = true;
        } catch (InterruptedException e) {
            LOG.debug("the delivery to {} was cut off", tracker.name());
        } catch (RuntimeException e) {
            gaveUp = true;
            queue.clear();
            LOG.warn(
                    "report_to: {} is told no more: {}; the run goes on, and metrics.jsonl has all",
                    tracker.name(),
                    Optional.ofNullable(e.getMessage()).orElse(e.toString()));
        }
    }

    /// What is to be delivered next; empty at the end of the run.
    private List<TrackedPoint> next() throws InterruptedException {
        List<TrackedPoint> batch = new ArrayList<>();
        while (batch.isEmpty()) {
            boolean last = end.isPresent();
            TrackedPoint first = queue.poll(last ? 0 : 100, TimeUnit.MILLISECONDS);
            if (first != null) {
                batch.add(first);
            } else if (last) {
                return batch;
            }
        }
        Instant until = Instant.now().plus(tracker.pace());
        while (end.isEmpty() && Instant.now().isBefore(until)) {
            Thread.sleep(50);
        }
        queue.drainTo(batch, QUEUE / 20);
        return batch;
    }

    private void patiently(Delivery delivery) throws InterruptedException {
        Duration pause = FIRST_PAUSE;
        for (boolean first = true; ; first = false) {
            try {
                delivery.now();
                return;
            } catch (IOException e) {
                if (first) {
                    LOG.warn(
                            "report_to: {} can't be told: {}; the run goes on, and it is tried"
                                    + " again",
                            tracker.name(),
                            e.getMessage());
                }
                pause(pause);
                Duration doubled = pause.multipliedBy(2);
                pause = doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
            }
        }
    }

    /// Waits between two attempts; half a second at most where the run has ended.
    private void pause(Duration most) throws InterruptedException {
        boolean ended = end.isPresent();
        Instant until = Instant.now().plus(ended ? FIRST_PAUSE : most);
        while (Instant.now().isBefore(until) && ended == end.isPresent()) {
            Thread.sleep(50);
        }
    }
}
