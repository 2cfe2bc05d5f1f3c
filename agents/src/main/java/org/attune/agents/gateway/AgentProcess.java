package org.attune.agents.gateway;

import org.attune.error.Excerpt;
import org.attune.json.Json;
import org.attune.program.LineProgram;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// An agent's program while it runs.
final class AgentProcess implements AutoCloseable {
    private final AgentProgram agent;
    private final LineProgram program;
    private final long end;

    private AgentProcess(AgentProgram agent, LineProgram program) {
        this.agent = agent;
        this.program = program;
        this.end = System.nanoTime() + agent.timeout().toNanos();
    }

    /// Starts it.
    ///
    /// @param row that it reads
    /// @param seed of the episode, as `ATTUNE_SEED`
    /// @throws IOException if it can't be started
    public static AgentProcess start(
            AgentProgram agent, Gateway.Endpoint endpoint, Map<String, Object> row, long seed)
            throws IOException {
        Map<String, String> environment = new HashMap<>(agent.environment());
        environment.put("OPENAI_BASE_URL", endpoint.url());
        environment.put("OPENAI_API_KEY", endpoint.key());
        environment.put("ATTUNE_SEED", Long.toString(seed));
        var program = LineProgram.start("agent", agent.command(), agent.directory(), environment);
        program.send(Json.write(row), () -> false);
        program.endInput();
        return new AgentProcess(agent, program);
    }

    /// Waits for its end, and reads what it says. What it prints before its last line goes to the
    /// log.
    ///
    /// @throws IOException if its exit code isn't 0, or it takes too long
    public AgentEnd await() throws IOException, InterruptedException {
        String last = "";
        int printed = 0;
        try {
            Optional<String> line;
            while ((line = program.next(left())).isPresent()) {
                if (!last.isEmpty()) {
                    program.show(last, printed++);
                }
                last = line.get();
            }
            program.awaitSuccess(left());
            return AgentEnd.of(last);
        } catch (InterruptedIOException e) {
            throw new IOException(
                    "%s did not end within %s s and was killed"
                            .formatted(name(), agent.timeout().toMillis() / 1000.0),
                    e);
        } catch (IOException e) {
            throw new IOException("%s %s".formatted(name(), e.getMessage()), e);
        }
    }

    private String name() {
        return Excerpt.of(String.join(" ", agent.command()));
    }

    private Duration left() {
        return Duration.ofNanos(Math.max(1, end - System.nanoTime()));
    }

    /// Kills it with its children, if it runs.
    @Override
    public void close() {
        program.kill();
    }
}
