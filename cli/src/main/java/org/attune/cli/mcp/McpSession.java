package org.attune.cli.mcp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.error.AttuneException;
import org.attune.error.Excerpt;
import org.attune.error.Secrets;
import org.attune.error.StopRequest;
import org.attune.error.StoppedException;
import org.attune.json.Json;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/// A conversation with one client in the Model Context Protocol: lines of JSON-RPC 2.0, a tool's
/// call on a thread each. Whatever a client sends is answered or passed over; nothing ends the
/// conversation but the end of the input, or an output that nobody reads.
final class McpSession {
    private static final Logger LOG = LoggerFactory.getLogger(McpSession.class);

    /// Versions of the protocol that are spoken, the newest first.
    static final List<String> VERSIONS = List.of("2025-11-25", "2025-06-18", "2024-11-05");

    /// Bytes of a message.
    static final int MOST_BYTES = 4 << 20;

    /// Calls that are answered at once.
    static final int MOST_CALLS = 32;

    private static final int LAST_LOOKS = 50;
    private static final int NO_JSON = -32700;
    private static final int NO_REQUEST = -32600;
    private static final int NO_METHOD = -32601;
    private static final int BAD_PARAMETERS = -32602;

    private final Map<String, Tool> tools = new LinkedHashMap<>();
    private final String version;
    private final String instructions;
    private final OutputStream out;
    private final Map<JsonNode, ToolCall> calls = new ConcurrentHashMap<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile boolean begun;

    /// @param version of this program
    /// @param instructions how to use the tools, for the client's model
    /// @param out takes messages and nothing else
    McpSession(List<Tool> tools, String version, String instructions, OutputStream out) {
        tools.forEach(tool -> this.tools.put(tool.name(), tool));
        this.version = version;
        this.instructions = instructions;
        this.out = out;
    }

    /// Answers until the client goes away. Calls that are under way then have a second to end, for
    /// clients that end their requests before they read answers; the others are cancelled.
    void serve(InputStream in) throws InterruptedException {
        Thread.ofPlatform().daemon().name("attune-mcp-input").start(() -> read(in));
        over.await();
        for (int i = 0; i < LAST_LOOKS && !calls.isEmpty(); i++) {
            Thread.sleep(1000 / LAST_LOOKS);
        }
        calls.values().forEach(ToolCall::cancel);
    }

    private void read(InputStream in) {
        var lines = new MessageLines(in, MOST_BYTES);
        try {
            for (Optional<MessageLines.Line> line = lines.next();
                    line.isPresent();
                    line = lines.next()) {
                take(line.get());
            }
        } catch (IOException e) {
            LOG.info("the client's messages can't be read any more: {}", e.toString());
        } finally {
            over.countDown();
        }
    }

    private void take(MessageLines.Line line) {
        if (line.text().isEmpty()) {
            String text = "a line of more than %,d bytes was passed over".formatted(MOST_BYTES);
            fail(null, NO_JSON, text);
            return;
        }
        String text = line.text().get();
        if (text.isBlank()) {
            return;
        }
        try {
            JsonNode message = Json.STRICT.readTree(text);
            if (message instanceof ObjectNode object) {
                take(object);
            } else {
                fail(null, NO_REQUEST, "a message is one JSON object a line; batches are none");
            }
        } catch (JsonProcessingException e) {
            fail(null, NO_JSON, "no JSON: " + Excerpt.of(e.getOriginalMessage()));
        } catch (RuntimeException e) {
            LOG.warn("a message could not be answered", e);
            fail(null, NO_REQUEST, "the message could not be answered: " + e);
        }
    }

    private void take(ObjectNode message) {
        JsonNode method = message.path("method");
        JsonNode id = message.path("id");
        if (!method.isTextual()) {
            if (!message.has("result") && !message.has("error")) {
                fail(id, NO_REQUEST, "the message has no method");
            }
            return; // an answer: nothing is asked of clients
        }
        if (id.isMissingNode()) {
            if (method.textValue().equals("notifications/cancelled")) {
                Optional.ofNullable(calls.get(message.path("params").path("requestId")))
                        .ifPresent(ToolCall::cancel);
            }
            return; // others need nothing done
        }
        if (!id.isTextual() && !id.isIntegralNumber()) {
            fail(null, NO_REQUEST, "id is %s; accepted: a string or an integer".formatted(id));
            return;
        }
        request(id, method.textValue(), message.path("params"));
    }

    private void request(JsonNode id, String method, JsonNode params) {
        switch (method) {
            case "initialize" -> initialize(id, params);
            case "ping" -> answer(id, Json.object());
            case "tools/list", "tools/call" -> {
                if (!begun) {
                    fail(id, NO_REQUEST, method + " before initialize; send that first");
                } else if (method.equals("tools/list")) {
                    ObjectNode result = Json.object();
                    var list = result.putArray("tools");
                    tools.values().forEach(tool -> list.add(tool.listed()));
                    answer(id, result);
                } else {
                    call(id, params);
                }
            }
            default ->
                    fail(
                            id,
                            NO_METHOD,
                            "%s is no method here; there are initialize, ping, tools/list and tools/call"
                                    .formatted(Excerpt.of(method)));
        }
    }

    private void initialize(JsonNode id, JsonNode params) {
        JsonNode asked = params.path("protocolVersion");
        if (!asked.isTextual()) {
            fail(id, BAD_PARAMETERS, "protocolVersion is missing; spoken are " + VERSIONS);
            return;
        }
        ObjectNode result = Json.object().put("protocolVersion", agreed(asked.textValue()));
        result.putObject("capabilities").putObject("tools").put("listChanged", false);
        result.putObject("serverInfo")
                .put("name", "attune")
                .put("title", "Attune")
                .put("version", version);
        begun = true;
        answer(id, result.put("instructions", instructions));
    }

    /// The version that is asked for, else the newest before it, which a client of that time
    /// knows, else the newest.
    static String agreed(String asked) {
        return VERSIONS.stream()
                .filter(own -> own.compareTo(asked) <= 0)
                .findFirst()
                .orElse(VERSIONS.getFirst());
    }

    private void call(JsonNode id, JsonNode params) {
        Tool tool = tools.get(params.path("name").asText());
        if (tool == null) {
            fail(
                    id,
                    BAD_PARAMETERS,
                    "%s is no tool; there are %s"
                            .formatted(
                                    Excerpt.of(params.path("name")),
                                    String.join(", ", tools.keySet())));
            return;
        }
        JsonNode given = params.path("arguments");
        if (!given.isMissingNode() && !given.isNull() && !given.isObject()) {
            fail(id, BAD_PARAMETERS, "arguments are no object");
            return;
        }
        JsonNode token = params.path("_meta").path("progressToken");
        boolean wanted = token.isTextual() || token.isIntegralNumber();
        ToolCall call;
        try {
            call =
                    new ToolCall(
                            Arguments.of(
                                    tool.schema(),
                                    given instanceof ObjectNode object ? object : Json.object()),
                            wanted ? Optional.of(token) : Optional.empty(),
                            this::tell);
        } catch (AttuneException e) {
            answer(id, failed(e.getMessage()));
            return;
        }
        if (calls.size() >= MOST_CALLS) {
            answer(id, failed(MOST_CALLS + " calls are being answered; wait for one to end"));
        } else if (calls.putIfAbsent(id, call) != null) {
            fail(id, NO_REQUEST, "a request with this id is being answered; take another id");
        } else {
            Thread.ofVirtual().name("attune-mcp-" + tool.name()).start(() -> work(id, tool, call));
        }
    }

    private void work(JsonNode id, Tool tool, ToolCall call) {
        ObjectNode result = null;
        try {
            result = result(tool, call);
        } finally {
            calls.remove(id);
            if (result != null && !call.isCancelled()) { // nobody waits for a cancelled answer
                answer(id, result);
            }
        }
    }

    /// @return null if it was cancelled
    private static ObjectNode result(Tool tool, ToolCall call) {
        try {
            Tool.Answer given =
                    StopRequest.watching(
                            call::isCancelled,
                            () -> {
                                try {
                                    return tool.work().call(call);
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                    throw new StoppedException();
                                }
                            });
            ObjectNode result = content(given.text());
            if (given.structured() != null) {
                result.set("structuredContent", given.structured());
            }
            return result.put("isError", false);
        } catch (StoppedException e) {
            return null;
        } catch (AttuneException e) {
            return failed(e.getMessage());
        } catch (RuntimeException | LinkageError e) {
            LOG.warn("{} failed", tool.name(), e);
            return failed("%s; this is a fault in Attune, the log says where".formatted(e));
        }
    }

    private static ObjectNode failed(String message) {
        return content("attune: " + message).put("isError", true);
    }

    private static ObjectNode content(String text) {
        ObjectNode result = Json.object();
        result.putArray("content")
                .addObject()
                .put("type", "text")
                .put("text", Secrets.masked(text));
        return result;
    }

    private void tell(String method, ObjectNode params) {
        ObjectNode message = begin().put("method", method);
        message.set("params", params);
        send(message);
    }

    private void answer(JsonNode id, ObjectNode result) {
        ObjectNode message = begin();
        message.set("id", id);
        message.set("result", result);
        send(message);
    }

    private void fail(JsonNode id, int code, String text) {
        ObjectNode message = begin();
        message.set("id", id == null || id.isMissingNode() ? Json.MAPPER.nullNode() : id);
        message.putObject("error").put("code", code).put("message", text);
        send(message);
    }

    private static ObjectNode begin() {
        return Json.object().put("jsonrpc", "2.0");
    }

    private synchronized void send(ObjectNode message) {
        try {
            out.write((Json.inUtf8(Json.compact(message)) + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            LOG.info("the client reads no answers any more: {}", e.toString());
            over.countDown();
        }
    }
}
