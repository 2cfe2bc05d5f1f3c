package org.attune.cli.mcp;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/// A client that sends whatever a test likes, to a session in the same process.
final class RawClient implements AutoCloseable {
    private final PipedOutputStream to = new PipedOutputStream();
    private final BlockingQueue<JsonNode> received = new LinkedBlockingQueue<>();
    private final Thread server;

    RawClient(List<Tool> tools) throws IOException {
        var in = new PipedInputStream(to, 1 << 16);
        var session = new McpSession(tools, "1", "how to", new Received());
        server =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        session.serve(in);
                                    } catch (InterruptedException e) {
                                        Thread.currentThread().interrupt();
                                    }
                                });
    }

    /// Lines that come from the session, each of which must be JSON.
    private final class Received extends OutputStream {
        @Override
        public void write(int b) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(byte[] bytes) throws JsonProcessingException {
            String text = new String(bytes, StandardCharsets.UTF_8);
            if (text.indexOf('\n') != text.length() - 1) {
                throw new AssertionError("a message is one line: " + text);
            }
            received.add(Json.tree(text));
        }
    }

    void send(String line) throws IOException {
        to.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        to.flush();
    }

    JsonNode next() throws InterruptedException {
        JsonNode message = received.poll(5, TimeUnit.SECONDS);
        assertNotNull(message, "no message within 5 s");
        return message;
    }

    boolean hasNothing() {
        return received.isEmpty();
    }

    JsonNode ask(String line) throws IOException, InterruptedException {
        send(line);
        return next();
    }

    RawClient begun() throws IOException, InterruptedException {
        ask(
                "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\"}}");
        send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        return this;
    }

    /// Calls a tool.
    void call(int id, String tool, String arguments) throws IOException {
        send(
                "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s,\"_meta\":{\"progressToken\":\"p\"}}}"
                        .formatted(id, tool, arguments));
    }

    /// Whether the session has ended after its input did.
    boolean ends() throws IOException, InterruptedException {
        to.close();
        server.join(5000);
        return !server.isAlive();
    }

    @Override
    public void close() throws IOException {
        to.close();
    }
}
