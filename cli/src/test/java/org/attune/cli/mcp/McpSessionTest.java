package org.attune.cli.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.cli.mcp.Tool.Answer;
import org.attune.cli.mcp.Tool.Effect;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;
import org.attune.json.Json;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

class McpSessionTest {
    private final CountDownLatch waiting = new CountDownLatch(1);
    private final CountDownLatch stopped = new CountDownLatch(1);
    private RawClient client;

    @BeforeEach
    void begin() throws IOException {
        client = new RawClient(List.of(tool("echo", this::echo), tool("wait", this::await)));
    }

    @AfterEach
    void end() throws IOException {
        client.close();
    }

    private static Tool tool(String name, Tool.Work work) {
        var schema =
                new Schema()
                        .needs("text", Schema.Kind.TEXT, "what comes back")
                        .takes("times", Schema.Kind.COUNT, "how often");
        return new Tool(name, name, "a test's", Effect.LOOKS, schema, work);
    }

    private Answer echo(ToolCall call) {
        String text = call.arguments().need("text");
        switch (text) {
            case "wrong" -> throw new ConfigException("text: is wrong; accepted: right");
            case "fault" -> throw new IllegalStateException("broken");
            default -> call.progress(1, 2, "half");
        }
        return Answer.of(Json.object().put("said", text));
    }

    private Answer await(ToolCall call) throws InterruptedException {
        waiting.countDown();
        while (true) {
            call.await(20_000);
            stopped.countDown();
            StopRequest.check();
        }
    }

    private static int code(JsonNode message) {
        return message.path("error").path("code").asInt();
    }

    @Test
    void versionsAreAgreedUpon() {
        assertEquals("2025-11-25", McpSession.agreed("2025-11-25"));
        assertEquals("2025-06-18", McpSession.agreed("2025-06-18"));
        assertEquals("2025-11-25", McpSession.agreed("2026-07-28"));
        assertEquals("2024-11-05", McpSession.agreed("2025-03-26"), "what an older client knows");
        assertEquals("2025-11-25", McpSession.agreed("1.0"), "the newest, as nothing is older");
    }

    @Test
    void aToolIsListedAndCalledWithProgress() throws Exception {
        client.begun();
        JsonNode listed =
                client.ask("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/list\"}");
        JsonNode echo = listed.path("result").path("tools").path(0);
        assertEquals("a", listed.path("id").textValue());
        assertEquals("[\"text\"]", echo.path("inputSchema").path("required").toString());
        assertTrue(echo.path("annotations").path("readOnlyHint").booleanValue());
        client.call(7, "echo", "{\"text\":\"grün\\n\"}");
        JsonNode progress = client.next();
        assertEquals("notifications/progress", progress.path("method").textValue());
        assertEquals(0.5, progress.path("params").path("progress").asDouble() / 2);
        JsonNode answer = client.next();
        assertEquals(7, answer.path("id").intValue());
        JsonNode result = answer.path("result");
        assertEquals("grün\n", result.path("structuredContent").path("said").textValue());
        assertFalse(result.path("isError").booleanValue());
    }

    @Test
    void whatIsNoMessageIsAnsweredAndPassedOver() throws Exception {
        assertEquals(-32700, code(client.ask("{\"jsonrpc\":")));
        assertEquals(-32700, code(client.ask("x".repeat(McpSession.MOST_BYTES + 1))));
        assertEquals(-32600, code(client.ask("[]")));
        assertEquals(-32600, code(client.ask("{\"id\":1}")));
        assertEquals(-32600, code(client.ask("{\"id\":{},\"method\":\"ping\"}")));
        assertEquals(-32700, code(client.ask("[".repeat(100_000))));
        assertEquals(-32600, code(client.ask("{\"id\":1,\"method\":\"tools/list\"}")), "too early");
        client.begun();
        client.send("{\"id\":9,\"result\":{}}"); // an answer to nothing
        client.send("{\"method\":\"notifications/unheard\"}");
        client.send("");
        assertEquals(-32601, code(client.ask("{\"id\":1,\"method\":\"resources/list\"}")));
        client.call(2, "nothing", "{}");
        assertEquals(-32602, code(client.next()));
        client.call(3, "echo", "[]");
        assertEquals(-32602, code(client.next()));
        JsonNode pong = client.ask("{\"id\":4,\"method\":\"ping\"}");
        assertEquals("{}", pong.path("result").toString());
    }

    private String error(String arguments) throws Exception {
        client.call(5, "echo", arguments);
        JsonNode result = client.next().path("result");
        assertTrue(result.path("isError").booleanValue(), result.toString());
        return result.path("content").path(0).path("text").textValue();
    }

    @Test
    void errorsOfToolsAreResultsThatSayWhatToDo() throws Exception {
        client.begun();
        assertEquals("attune: text: is missing; give a string", error("{}"));
        assertEquals(
                "attune: txt: is no argument of this tool; did you mean text?",
                error("{\"text\":\"a\",\"txt\":1}"));
        assertEquals(
                "attune: times: is -1; accepted: an integer, at least 0",
                error("{\"text\":\"a\",\"times\":-1}"));
        assertEquals("attune: text: is wrong; accepted: right", error("{\"text\":\"wrong\"}"));
        assertTrue(error("{\"text\":\"fault\"}").contains("a fault in Attune"));
    }

    @Test
    void aCancelledCallEndsWithoutAnAnswer() throws Exception {
        client.begun();
        client.call(6, "wait", "{\"text\":\"\"}");
        assertTrue(waiting.await(5, TimeUnit.SECONDS));
        client.call(6, "wait", "{\"text\":\"\"}");
        assertEquals(-32600, code(client.next()), "its id is taken");
        client.send(
                "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":99}}"); // none
        client.send("{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":6}}");
        assertTrue(stopped.await(5, TimeUnit.SECONDS));
        client.ask("{\"id\":8,\"method\":\"ping\"}");
        assertTrue(client.hasNothing());
    }

    @Test
    void aClientThatGoesAwayEndsItsCalls() throws Exception {
        client.begun();
        client.call(6, "wait", "{\"text\":\"\"}");
        assertTrue(waiting.await(5, TimeUnit.SECONDS));
        assertTrue(client.ends());
        assertTrue(stopped.await(5, TimeUnit.SECONDS));
    }

    @Test
    void aCallThatEndsSoonIsAnsweredAfterTheEndOfTheInput() throws Exception {
        client.begun();
        client.call(6, "echo", "{\"text\":\"late\"}");
        assertTrue(client.ends());
        client.next();
        assertEquals(6, client.next().path("id").intValue());
    }
}
