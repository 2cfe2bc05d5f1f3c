package org.attune.cli.mcp;

import org.attune.cli.command.OwnProgram;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.FileTail;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// Runs that were started here, each a process: one that fails takes nothing with it, and a run's
/// memory is the system's again when it ends.
final class TrainingJobs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingJobs.class);
    private static final int MOST = 8;
    private static final int GRACE_MILLIS = 1500;
    private static final int TAIL_BYTES = 4000;

    /// Runs ask nothing; the server's input is the client's.
    private static final ProcessBuilder.Redirect NOTHING =
            ProcessBuilder.Redirect.from(new File(File.separatorChar == '/' ? "/dev/null" : "NUL"));

    /// A run's process.
    ///
    /// @param folder its `output_dir`
    /// @param log what it prints
    /// @param keeps whether it goes on when the client goes away
    /// @param askedToStop whether it was asked to end before its time
    record Job(
            String method,
            Path folder,
            Path log,
            Process process,
            boolean keeps,
            AtomicBoolean askedToStop) {
        boolean isAlive() {
            return process.isAlive();
        }

        /// Asks the run to end with a checkpoint, as Ctrl-C does.
        void stop() {
            if (isAlive()) {
                askedToStop.set(true);
                process.destroy();
            }
        }

        /// The end of what it printed.
        String tail() {
            try {
                return FileTail.read(log, TAIL_BYTES).strip();
            } catch (IOException e) {
                return "its log can't be read: " + e;
            }
        }
    }

    private final Map<Path, Job> jobs = new LinkedHashMap<>();
    private boolean closed;

    /// Starts a run.
    ///
    /// @param words its file and keys, as behind the command
    /// @throws ConfigException if one is running in the folder already, or too many are
    synchronized Job start(String method, List<String> words, Path folder, boolean keeps) {
        if (closed) {
            throw new AttuneException("attune mcp is ending; nothing is started any more");
        }
        if (of(folder).filter(Job::isAlive).isPresent()) {
            throw ConfigException.about(
                    "output_dir",
                    "a run is under way in %s; stop it, or choose another".formatted(folder));
        }
        if (jobs.values().stream().filter(Job::isAlive).count() >= MOST) {
            throw new AttuneException(MOST + " runs are under way; stop one, or wait");
        }
        List<String> arguments = new ArrayList<>(List.of(method));
        arguments.addAll(words);
        try {
            Path log = Files.createTempFile("attune-mcp-", ".log");
            Process process =
                    new ProcessBuilder(OwnProgram.words(arguments))
                            .redirectInput(NOTHING)
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            var job = new Job(method, folder, log, process, keeps, new AtomicBoolean());
            jobs.put(folder, job);
            return job;
        } catch (IOException e) {
            throw new AttuneException("the run's process can't be started: " + e.getMessage(), e);
        }
    }

    /// The last run that was started in a folder.
    synchronized Optional<Job> of(Path folder) {
        return Optional.ofNullable(jobs.get(folder));
    }

    /// Ends runs that aren't to go on, with a checkpoint, and says of each whether it goes on.
    @Override
    public void close() {
        List<Job> alive;
        synchronized (this) {
            closed = true;
            alive = jobs.values().stream().filter(Job::isAlive).toList();
        }
        alive.stream().filter(job -> !job.keeps()).forEach(Job::stop);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(GRACE_MILLIS);
        for (Job job : alive) {
            if (job.keeps()) {
                LOG.info(
                        "the run in {} goes on as process {}, its log is {}",
                        job.folder(),
                        job.process().pid(),
                        job.log());
            } else {
                LOG.info(
                        "the run in {} {}; resume: true continues it",
                        job.folder(),
                        ended(job, end) ? "was stopped" : "is being stopped");
            }
        }
        jobs.values().stream().filter(job -> !job.isAlive()).forEach(TrainingJobs::forget);
    }

    private static boolean ended(Job job, long end) {
        try {
            return job.process().waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static void forget(Job job) {
        try {
            Files.deleteIfExists(job.log());
        } catch (IOException e) {
            LOG.debug("{} stays: {}", job.log(), e.toString());
        }
    }
}
