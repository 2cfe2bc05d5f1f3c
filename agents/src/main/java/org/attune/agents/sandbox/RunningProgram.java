package org.attune.agents.sandbox;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/// A program that runs in a sandbox. Closing it ends all of its processes.
@Api(EXPERIMENTAL)
public final class RunningProgram implements AutoCloseable {
    private static final Duration DRAIN = Duration.ofSeconds(2);

    private final Process process;
    private final ProgramOutput output;
    private final WorkFolder work;
    private final Exit exit;
    private final Runnable ending;
    private final AtomicReference<ProgramEnd.Limit> limit = new AtomicReference<>();

    /// Tells a program's exit code from that of its process and from what this reports.
    @FunctionalInterface
    interface Exit {
        int code(byte[] reported, int exit);
    }

    /// @param exit of the program; throws [JailException] if it could not be put into its jail
    /// @param ending ends all of its processes
    RunningProgram(
            Process process, ProgramOutput output, WorkFolder work, Exit exit, Runnable ending) {
        this.process = process;
        this.output = output;
        this.work = work;
        this.exit = exit;
        this.ending = ending;
    }

    WorkFolder work() {
        return work;
    }

    /// Number of its first process, from which all others descend or whose group they are.
    long pid() {
        return process.pid();
    }

    /// Whether the program's first process runs.
    public boolean isAlive() {
        return process.isAlive();
    }

    /// Writes to its input.
    ///
    /// @throws IOException if it has ended or reads no more
    public void send(String text) throws IOException {
        OutputStream input = process.getOutputStream();
        input.write(text.getBytes(StandardCharsets.UTF_8));
        input.flush();
    }

    /// Waits until what it has written ends with a text.
    ///
    /// @return what it has written since the last call; empty if it ended before, or needed longer
    ///     and was ended for it: then [#await] tells
    /// @throws InterruptedException if the caller is to stop; the program is ended
    public Optional<String> receive(String ending, Duration timeout) throws InterruptedException {
        try {
            if (output.awaitEnding(ending, timeout)) {
                String text = output.take();
                return Optional.of(text.substring(0, text.length() - ending.length()));
            }
            if (!output.hasEnded()) {
                end(ProgramEnd.Limit.TIME);
            }
            return Optional.empty();
        } catch (InterruptedException e) {
            close();
            throw e;
        }
    }

    /// Waits for its end, closes its input before, and ends what it leaves behind.
    ///
    /// @param timeout after which it is ended
    /// @throws IOException if it could not be started: the world's failure, not the program's
    /// @throws InterruptedException if the caller is to stop; the program is ended
    public ProgramEnd await(Duration timeout) throws IOException, InterruptedException {
        try {
            closeInput();
            if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
                end(ProgramEnd.Limit.TIME);
                process.waitFor();
            }
        } finally {
            close();
        }
        output.awaitEnd(DRAIN);
        try {
            int code = exit.code(process.getErrorStream().readAllBytes(), process.exitValue());
            return new ProgramEnd(output.take(), code, Optional.ofNullable(limit.get()));
        } catch (JailException e) {
            throw new IOException(
                    "the program can't be started in its sandbox: %s %s"
                            .formatted(e.step(), e.getMessage()),
                    e);
        }
    }

    private void closeInput() {
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            // it has ended, or closed its input itself
        }
    }

    /// Ends all of its processes for a limit that was passed.
    void end(ProgramEnd.Limit passed) {
        limit.compareAndSet(null, passed);
        close();
    }

    /// Ends all of its processes. Waits for nothing.
    @Override
    public void close() {
        ending.run();
    }
}
