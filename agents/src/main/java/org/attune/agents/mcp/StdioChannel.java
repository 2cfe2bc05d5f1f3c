package org.attune.agents.mcp;

import org.attune.error.StopRequest;
import org.attune.program.LineProgram;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/// A server that is a program: messages are lines of its standard input and output. What it writes
/// on standard error goes to the log. It has two seconds to end when its input is closed. Then it
/// is killed with its children.
final class StdioChannel implements McpChannel {
    private static final Logger log = LoggerFactory.getLogger(StdioChannel.class);
    private static final Duration GRACE = Duration.ofSeconds(2);
    private static final Duration FOREVER = Duration.ofDays(10_000);

    private final LineProgram program;
    private final String name;
    private final Duration timeout;
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, CompletableFuture<Map<String, Object>>> waiting =
            new ConcurrentHashMap<>();
    private final Thread reader;
    private boolean answered; // of the reader's thread
    private volatile IOException end; // why nothing is answered any more; null while it runs

    /// @param name in messages
    /// @param timeout of one answer
    StdioChannel(LineProgram program, String name, Duration timeout) {
        this.program = program;
        this.name = name;
        this.timeout = timeout;
        this.reader = Thread.ofVirtual().name("mcp-" + name).start(this::read);
    }

    private void read() {
        try {
            for (int printed = 0; ; ) {
                String line = program.receive(FOREVER);
                Optional<Map<String, Object>> message = Rpc.parse(line);
                if (message.isEmpty()) {
                    program.show(line, printed++);
                } else {
                    take(message.get());
                }
            }
        } catch (IOException e) {
            String expected =
                    answered || program.hasToldWhy()
                            ? ""
                            : "; it must speak the Model Context Protocol on its input and output"
                                    + " until its input ends (docs/agents.md#mcp-servers)";
            end = new IOException("%s %s%s".formatted(name, e.getMessage(), expected), e);
        } catch (InterruptedException e) {
            end = new IOException(name + " is closed", e);
        }
        waiting.values().forEach(answer -> answer.completeExceptionally(end));
    }

    private void take(Map<String, Object> message) {
        if (Rpc.isRequest(message)) {
            program.send(Rpc.answer(message), StopRequest.current());
            return;
        }
        Rpc.answered(message)
                .ifPresentOrElse(
                        id -> {
                            var answer = waiting.remove(id);
                            if (answer != null) {
                                answered = true;
                                answer.complete(message);
                            }
                        },
                        () -> log.debug("{}: {}", name, message));
    }

    @Override
    public Map<String, Object> request(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException {
        long id = ids.incrementAndGet();
        var answer = new CompletableFuture<Map<String, Object>>();
        waiting.put(id, answer); // first, so that the reader's end finds it
        try {
            if (end != null) {
                throw new IOException(end.getMessage(), end);
            }
            program.send(Rpc.request(id, method, parameters), StopRequest.current());
            return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException | InterruptedException e) {
            var cancelled = Map.<String, Object>of("requestId", id, "reason", "took too long");
            tell("notifications/cancelled", cancelled);
            if (e instanceof InterruptedException interrupted) {
                throw interrupted;
            }
            throw (TimeoutException)
                    new TimeoutException(
                                    "%s gave no answer within %s s"
                                            .formatted(name, timeout.toMillis() / 1000.0))
                            .initCause(e);
        } finally {
            waiting.remove(id);
        }
    }

    @Override
    public void tell(String method, Map<String, Object> parameters) {
        program.send(Rpc.notice(method, parameters), StopRequest.current());
    }

    @Override
    public void close() {
        reader.interrupt();
        program.end(GRACE);
    }
}
