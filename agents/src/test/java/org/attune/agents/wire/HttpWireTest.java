package org.attune.agents.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;

import org.attune.agents.spec.RunTools;
import org.attune.agents.tool.ToolCaller;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;

@Timeout(120)
final class HttpWireTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(1, 2), Map.of(), 7, 0, 1);
    private static final String LIST =
            "{\"tools\": [{\"name\": \"look\", \"description\": \"Looks.\"}]}";

    private HttpServer server;
    private volatile Function<String, Object> behaviour = _ -> LIST;

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext(
                "/",
                exchange -> {
                    String asked =
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8);
                    Object said = asked.contains("\"list\"") ? LIST : behaviour.apply(asked);
                    int status = said instanceof Integer code ? code : 200;
                    byte[] body = String.valueOf(said).getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(status, body.length);
                    exchange.getResponseBody().write(body);
                    exchange.close();
                });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private String answer(Function<String, Object> says) throws Exception {
        behaviour = says;
        Map<String, Object> entry =
                Map.of(
                        "url",
                        "http://localhost:%d/tools".formatted(server.getAddress().getPort()),
                        "timeout",
                        1);
        try (RunTools run = RunTools.parse(entry, null, Path.of(""));
                var caller = new ToolCaller();
                ToolSet set = run.tools().getFirst().open(START)) {
            var call = new ToolCall(Optional.empty(), "look", Map.of(), "");
            return caller.call(set.tools(), List.of(call), START, 0).getFirst().text();
        }
    }

    @Test
    void aServerIsPostedTheSameObjects() throws Exception {
        var asked = new CopyOnWriteArrayList<String>();
        assertEquals(
                "[1, 2]",
                answer(
                        request -> {
                            asked.add(request);
                            return "{\"result\": [1, 2]}\n";
                        }));
        assertEquals(
                "{\"episode\": \"1.2.1\", \"turn\": 0, \"call\": {\"name\": \"look\","
                        + " \"arguments\": {}}}",
                String.join("", asked));
    }

    @Test
    void itsFailuresAreTheWorlds() {
        assertFails("answered with status 500", _ -> 500);
        assertFails("answered no object that is expected: <html>", _ -> "<html>");
        assertFails("says that it failed: no table", _ -> "{\"error\": \"no table\"}");
        assertFails(
                "gave no answer within 1.0 s",
                _ -> {
                    try {
                        Thread.sleep(60_000);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return "{\"result\": 1}";
                });
    }

    private void assertFails(String part, Function<String, Object> says) {
        String message = assertThrows(Exception.class, () -> answer(says)).getMessage();
        assertTrue(message.contains(part), message);
    }

    @Test
    void aServerThatIsNotThereIsNamed() {
        int port = server.getAddress().getPort();
        server.stop(0);
        var failure = assertThrows(IOException.class, () -> answer(_ -> LIST));
        assertTrue(
                failure.getMessage().startsWith("http://localhost:" + port + "/tools: "),
                failure.getMessage());
    }
}
