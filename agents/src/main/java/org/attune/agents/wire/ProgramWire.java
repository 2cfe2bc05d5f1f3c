package org.attune.agents.wire;

import org.attune.error.Excerpt;
import org.attune.error.StopRequest;
import org.attune.json.Json;
import org.attune.program.LineProgram;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

/// A program that answers lines of JSON. It is started when it is first asked, asked one thing at a
/// time, killed with its children when it gives no answer in time, and started again for the next
/// request when it died or was killed. Lines that are no answer, and standard error, go to the log.
final class ProgramWire implements Wire {
    private final List<String> command;
    private final Path directory;
    private final Map<String, String> environment;
    private final Duration timeout;
    private final ReentrantLock one = new ReentrantLock();
    private LineProgram program; // null when none runs
    private int starts;
    private boolean everAnswered;
    private volatile boolean closed;

    /// @param timeout of one answer, from when the program is asked
    ProgramWire(
            List<String> command,
            Path directory,
            Map<String, String> environment,
            Duration timeout) {
        this.command = List.copyOf(command);
        this.directory = directory;
        this.environment = Map.copyOf(environment);
        this.timeout = timeout;
    }

    @Override
    public Reply ask(Map<String, Object> request, int generation)
            throws IOException, TimeoutException, InterruptedException {
        one.lockInterruptibly();
        try {
            if (closed) {
                throw new IOException("%s is closed".formatted(command));
            }
            if (program == null) {
                requireFresh(generation);
                program = LineProgram.start("program-" + name(), command, directory, environment);
                starts++;
            }
            requireFresh(generation == starts ? ANY : generation);
            return new Reply(exchange(Json.write(request)), starts);
        } finally {
            one.unlock();
        }
    }

    private void requireFresh(int generation) throws IOException {
        if (generation != ANY) {
            throw new IOException(
                    "%s has ended since the episode began, and what it knew is lost"
                            .formatted(command));
        }
    }

    private Map<String, Object> exchange(String request)
            throws IOException, TimeoutException, InterruptedException {
        String printed = "";
        try {
            program.send(request, StopRequest.current());
            long deadline = System.nanoTime() + timeout.toNanos();
            for (int lines = 0; ; lines++) {
                // a program that prints on and on has always a line at hand
                String line = program.receive(Duration.ofNanos(deadline - System.nanoTime()));
                Optional<Map<String, Object>> answer = Answers.parse(line);
                if (answer.isPresent()) {
                    everAnswered = true;
                    return answer.get();
                }
                program.show(line, lines);
                printed = "; it printed what is no answer: " + Excerpt.of(line);
            }
        } catch (InterruptedIOException e) {
            String told = printed + expected(request);
            kill();
            throw (TimeoutException)
                    new TimeoutException(
                                    "%s gave no answer within %s s and was killed%s"
                                            .formatted(command, timeout.toMillis() / 1000.0, told))
                            .initCause(e);
        } catch (IOException e) {
            String told = printed + expected(request);
            kill();
            throw new IOException("%s %s%s".formatted(command, e.getMessage(), told), e);
        } catch (InterruptedException e) {
            kill(); // it may answer later, and nobody would know what
            throw e;
        }
    }

    /// What a program doesn't know that never answers and doesn't say why.
    private String expected(String request) {
        return everAnswered || program.hasToldWhy()
                ? ""
                : "; it was asked %s, and must answer each such line of its input by one of JSON at once, until its input ends (docs/agents.md#programs-and-servers)"
                        .formatted(Excerpt.of(request));
    }

    private void kill() {
        program.kill();
        program = null;
    }

    private String name() {
        return Path.of(command.getFirst()).getFileName().toString();
    }

    @Override
    public void close() {
        closed = true;
        one.lock(); // waits for an answer at most as long as the limit
        try {
            if (program != null) {
                program.end();
                program = null;
            }
        } finally {
            one.unlock();
        }
    }
}
