package org.attune.program;

import org.attune.error.Excerpt;
import org.attune.error.Secrets;
import org.attune.files.BoundedLines;
import org.attune.json.Json;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/// A running program that speaks in lines, and its three streams, each served by its own daemon
/// thread, since a blocked pipe can't be interrupted. What it says on standard error goes to the
/// log.
public final class LineProgram {
    private static final Logger log = LoggerFactory.getLogger(LineProgram.class);
    private static final int REMEMBERED_LINES = 4;
    private static final Duration GRACE = Duration.ofMillis(500);

    /// Most characters of an answer.
    public static final int LONGEST_ANSWER = 16 << 20;

    private static final int LONGEST_SHOWN = 1000;
    private static final int MOST_SHOWN = 200; // lines of one call

    /// Exit codes of a program that SIGINT or SIGTERM has ended.
    private static final Set<Integer> STOPPED = Set.of(128 + 2, 128 + 15);

    private static final int STOP_CHECK_MILLIS = 20;

    /// The first line on standard error after a silence waits so long: if the program prints it
    /// because of Ctrl-C, the run hears of that meanwhile.
    private static final Duration HELD_BACK = Duration.ofMillis(300);

    private final String name;
    private final Process process;
    private volatile Thread errors;
    // an empty entry is the end of a stream
    private final BlockingQueue<Optional<String>> requests = new LinkedBlockingQueue<>();
    // of few lines: a program that prints on and on waits at its full pipe
    private final BlockingQueue<Optional<String>> answers = new ArrayBlockingQueue<>(4);
    private final AtomicInteger errorsShown = new AtomicInteger();
    private volatile boolean killed;
    private volatile boolean tooLong;
    private volatile BooleanSupplier runIsOver = () -> false;
    private final Deque<String> lastWords = new ArrayDeque<>(); // guarded by itself

    private LineProgram(String name, Process process) {
        this.name = name;
        this.process = process;
    }

    /// Starts a program.
    ///
    /// @param name in the log
    /// @param command program and arguments
    /// @param directory in which it runs
    /// @throws IOException if the program can't be started
    public static LineProgram start(String name, List<String> command, Path directory)
            throws IOException {
        return start(name, command, directory, Map.of());
    }

    /// Starts a program with further environment variables.
    ///
    /// @param environment variables beside those of this process, whose secrets stay with it
    public static LineProgram start(
            String name, List<String> command, Path directory, Map<String, String> environment)
            throws IOException {
        var builder = new ProcessBuilder(command).directory(directory.toAbsolutePath().toFile());
        Map<String, String> theirs = builder.environment();
        theirs.keySet().removeIf(Secrets::isSecretVariable); // it may run what a model has written
        theirs.putAll(environment);
        // Python holds back what it prints into a pipe otherwise.
        theirs.putIfAbsent("PYTHONUNBUFFERED", "1");
        LineProgram program;
        try {
            program = new LineProgram(name, builder.start());
        } catch (IOException e) {
            throw new IOException(
                    "can't be started in %s: %s".formatted(directory, e.getMessage()), e);
        }
        program.serve("output", program::readAnswers);
        program.errors = program.serve("errors", program::readErrors);
        program.serve("input", program::writeRequests);
        // however it ends, no thread waits for further requests
        var _ = program.process.onExit().thenRun(program::endInput);
        return program;
    }

    private Thread serve(String stream, Runnable task) {
        return Thread.ofPlatform().daemon().name(name + "-" + stream).start(task);
    }

    /// Sends a line of JSON.
    ///
    /// @param over whether the run is being stopped
    public void send(String request, BooleanSupplier over) {
        runIsOver = over;
        errorsShown.set(0);
        requests.add(Optional.of(request));
    }

    /// Sends nothing more: its input ends.
    public void endInput() {
        requests.add(Optional.empty());
    }

    /// The next line of output.
    ///
    /// @throws InterruptedIOException if the program says nothing in time
    /// @throws IOException if it has ended
    public String receive(Duration timeout) throws IOException, InterruptedException {
        Optional<String> line = next(timeout);
        if (line.isEmpty()) {
            throw ended();
        }
        return line.get();
    }

    /// Waits for its end, after the last line of output.
    ///
    /// @throws InterruptedIOException if it doesn't end in time
    /// @throws IOException if its exit code isn't 0
    public void awaitSuccess(Duration timeout) throws IOException, InterruptedException {
        if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new InterruptedIOException("did not end in time and was killed");
        }
        if (process.exitValue() != 0) {
            throw ended();
        }
    }

    /// The next line of output; empty at the end of it.
    ///
    /// @throws InterruptedIOException if the program says nothing in time
    /// @throws IOException if a line is too long
    public Optional<String> next(Duration timeout) throws IOException, InterruptedException {
        Optional<String> line = answers.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
        if (line == null || timeout.isNegative()) {
            throw new InterruptedIOException("gave no answer in time and was killed");
        }
        if (tooLong && line.isEmpty()) {
            throw new IOException(
                    "printed a line of more than %d MiB and was killed; one line of JSON is accepted"
                            .formatted(LONGEST_ANSWER >> 20));
        }
        return line;
    }

    /// Whether the program has ended with a failure and said why on standard error.
    public boolean hasToldWhy() {
        return !process.isAlive() && process.exitValue() != 0 && !lastWords().isEmpty();
    }

    private IOException ended() throws InterruptedException {
        process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        errors.join(GRACE); // what it said before it died may still be on the way
        awaitStop();
        String exit =
                process.isAlive()
                        ? "closed its output"
                        : "ended with exit code " + process.exitValue();
        String words = lastWords();
        return new IOException(words.isEmpty() ? exit : exit + "; its last words: " + words);
    }

    /// Ctrl-C ends a program that has no answer to it, often before the run knows of it.
    private void awaitStop() throws InterruptedException {
        if (!process.isAlive() && STOPPED.contains(process.exitValue())) {
            awaitStop(GRACE);
        }
    }

    private void awaitStop(Duration most) throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        while (!runIsOver.getAsBoolean() && System.nanoTime() < end) {
            Thread.sleep(STOP_CHECK_MILLIS);
        }
    }

    private void readAnswers() {
        try (var lines = new BoundedLines(process.inputReader(StandardCharsets.UTF_8))) {
            String line;
            while ((line = lines.next(LONGEST_ANSWER)) != null && !lines.wasCut()) {
                offer(Optional.of(line));
            }
            tooLong = lines.wasCut();
        } catch (IOException e) {
            log.debug("{}: output closed", name, e);
        }
        offer(Optional.empty());
    }

    private void offer(Optional<String> line) {
        try {
            while (!killed && !answers.offer(line, GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
                // nobody asks for it yet
            }
        } catch (InterruptedException e) {
            log.debug("{}: output no longer read", name);
        }
    }

    private void readErrors() {
        try (var lines = new BoundedLines(process.errorReader(StandardCharsets.UTF_8))) {
            String line;
            long before = System.nanoTime() - HELD_BACK.toNanos();
            while ((line = lines.next(LONGEST_SHOWN)) != null) {
                if (!line.isBlank()) {
                    remember(line.strip());
                }
                if (System.nanoTime() - before >= HELD_BACK.toNanos()) {
                    awaitStop(HELD_BACK);
                }
                before = System.nanoTime();
                show(line, errorsShown.getAndIncrement());
            }
        } catch (IOException e) {
            log.debug("{}: error output closed", name, e);
        } catch (InterruptedException e) {
            log.debug("{}: error output no longer read", name);
        }
    }

    private void remember(String line) {
        synchronized (lastWords) {
            lastWords.add(line);
            if (lastWords.size() > REMEMBERED_LINES) {
                lastWords.remove();
            }
        }
    }

    private String lastWords() {
        synchronized (lastWords) {
            return String.join(" / ", lastWords);
        }
    }

    /// Puts a line of output into the log, unless there were many.
    ///
    /// @param before how many of the same call were shown before it
    public void show(String line, int before) {
        if (runIsOver.getAsBoolean()) {
            log.debug("{}: {}", name, line);
        } else if (before < MOST_SHOWN) {
            log.info("{}: {}", name, Excerpt.begin(line, LONGEST_SHOWN));
        } else if (before == MOST_SHOWN) {
            log.info("{}: (it prints more, which isn't shown)", name);
        }
    }

    private void writeRequests() {
        try (BufferedWriter writer = process.outputWriter(StandardCharsets.UTF_8)) {
            Optional<String> request;
            while ((request = requests.take()).isPresent()) {
                writer.write(Json.inUtf8(request.get()));
                writer.write('\n');
                writer.flush();
            }
        } catch (IOException e) {
            log.debug("{}: input closed", name, e); // it has ended; the reader tells
        } catch (InterruptedException e) {
            log.debug("{}: input no longer written", name);
        }
    }

    /// Kills the program and its children. Waits for nothing.
    public void kill() {
        killed = true;
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /// Lets the program end by itself, for a moment, then kills it, and what is left of its
    /// children.
    public void end() {
        end(GRACE);
    }

    /// Lets the program end by itself within a time, then kills it, and what is left of its
    /// children.
    ///
    /// @param grace how long it may take to end by itself
    public void end(Duration grace) {
        List<ProcessHandle> children = process.descendants().toList();
        requests.add(Optional.empty());
        try {
            if (process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
                children.forEach(ProcessHandle::destroyForcibly);
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        kill();
    }
}
