package org.attune.agents.sandbox;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Looks at running programs and ends those that pass a limit which the kernel doesn't keep for
/// all processes of a program together. Looks every 200 ms, and within 20 ms after the machine's
/// processes have become many more.
final class ProgramWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ProgramWatch.class);
    private static final int GLANCE_MILLIS = 20;
    private static final long LOOK_NANOS = 200_000_000;

    /// More than a program may have processes.
    private static final int MOST_ANCESTORS = 10_000;

    /// What a small file takes at least.
    private static final long FILE_BYTES = 4096;

    private final SandboxConfig config;
    private final Map<Long, RunningProgram> programs = new HashMap<>(); // guarded by itself
    private volatile boolean closed;

    ProgramWatch(SandboxConfig config) {
        this.config = config;
        Thread.ofPlatform().daemon().name("sandbox-watch").start(this::run);
    }

    void add(RunningProgram program) {
        synchronized (programs) {
            programs.put(program.pid(), program);
            programs.notifyAll();
        }
    }

    private void run() {
        try {
            long tasks = 0;
            long next = 0;
            while (!closed) {
                awaitPrograms();
                long now = System.nanoTime();
                long tasksNow = ProcessStat.tasks();
                if (now >= next || tasksNow > tasks + config.processes() / 2) {
                    look();
                    tasks = tasksNow;
                    next = now + LOOK_NANOS;
                } else {
                    tasks = Math.min(tasks, tasksNow);
                }
                Thread.sleep(GLANCE_MILLIS);
            }
        } catch (InterruptedException e) {
            log.debug("no longer watching");
        }
    }

    private void awaitPrograms() throws InterruptedException {
        synchronized (programs) {
            programs.values().removeIf(program -> !program.isAlive());
            while (programs.isEmpty() && !closed) {
                programs.wait();
            }
        }
    }

    private void look() {
        Map<Long, Usage> usage = usage();
        List<RunningProgram> running;
        synchronized (programs) {
            running = List.copyOf(programs.values());
        }
        for (RunningProgram program : running) {
            Usage its = usage.getOrDefault(program.pid(), new Usage());
            if (its.processes > config.processes() || its.threads > Jails.TASKS) {
                program.end(ProgramEnd.Limit.PROCESSES);
            } else if (its.bytes > 2 * config.memory()) {
                program.end(ProgramEnd.Limit.MEMORY);
            } else if (program.work().spaces().isEmpty() && isFull(program.work().path())) {
                program.end(ProgramEnd.Limit.DISK);
            }
        }
    }

    private static final class Usage {
        private int processes;
        private int threads;
        private long bytes;
    }

    /// What each program uses, by the program's number.
    private Map<Long, Usage> usage() {
        Map<Long, ProcessStat> all = new HashMap<>();
        ProcessStat.all().forEach(process -> all.put(process.pid(), process));
        Map<Long, Usage> usage = new HashMap<>();
        for (ProcessStat process : all.values()) {
            Optional<RunningProgram> program = program(process, all);
            if (program.isPresent() && !isAround(process, program.get())) {
                Usage its = usage.computeIfAbsent(program.get().pid(), g -> new Usage());
                its.processes++;
                its.threads += process.threads();
                its.bytes += process.ownBytes();
            }
        }
        return usage;
    }

    /// The one that a process descends from, or whose group it is.
    private Optional<RunningProgram> program(ProcessStat process, Map<Long, ProcessStat> all) {
        synchronized (programs) {
            RunningProgram found = programs.get(process.group());
            ProcessStat at = process;
            for (int i = 0; found == null && at != null && i < MOST_ANCESTORS; i++) {
                found = programs.get(at.pid());
                at = all.get(at.parent());
            }
            return Optional.ofNullable(found);
        }
    }

    /// Whether the process only holds the program in its namespaces.
    private static boolean isAround(ProcessStat process, RunningProgram program) {
        return program.work().spaces().isPresent()
                && (process.pid() == program.pid() || process.parent() == program.pid());
    }

    private boolean isFull(Path work) {
        long[] bytes = {0};
        try {
            Files.walkFileTree(
                    work,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes of) {
                            return count(Math.max(FILE_BYTES, of.size()));
                        }

                        @Override
                        public FileVisitResult preVisitDirectory(
                                Path folder, BasicFileAttributes of) {
                            return count(FILE_BYTES);
                        }

                        @Override
                        public FileVisitResult visitFileFailed(Path file, IOException e) {
                            return FileVisitResult.CONTINUE; // deleted meanwhile
                        }

                        private FileVisitResult count(long more) {
                            bytes[0] += more;
                            return bytes[0] > config.disk()
                                    ? FileVisitResult.TERMINATE
                                    : FileVisitResult.CONTINUE;
                        }
                    });
        } catch (IOException | UncheckedIOException e) {
            log.debug("{} can't be measured", work, e);
        }
        return bytes[0] > config.disk();
    }

    @Override
    public void close() {
        synchronized (programs) {
            closed = true;
            programs.notifyAll();
        }
    }
}
