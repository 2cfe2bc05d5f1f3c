package org.attune.agents.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnEvent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/// Replies on their way, over sockets.
final class GatewayStreamTest {
    private final BlockingQueue<PendingReply> asked = new LinkedBlockingQueue<>();
    private Gateway gateway;
    private Gateway.Endpoint endpoint;

    @BeforeEach
    void open() throws IOException {
        gateway = Gateway.open();
        endpoint =
                gateway.endpoint(
                        _ -> {
                            var pending = new PendingReply();
                            asked.add(pending);
                            return pending;
                        });
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private Socket post(boolean isStream) throws IOException {
        return RawClient.post(
                endpoint.url(),
                endpoint.key(),
                "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":%s}"
                        .formatted(isStream));
    }

    @Test
    void aPieceIsSentWhenItIsThere() throws Exception {
        try (Socket socket = post(true)) {
            PendingReply pending = asked.take();
            BufferedReader in = RawClient.reader(socket);
            pending.add(new TurnEvent.Reasoning("hm"));
            assertEquals(
                    Map.of("role", "assistant", "reasoning_content", "hm"), RawClient.delta(in));
            pending.add(new TurnEvent.Content("grü"));
            assertEquals(Map.of("content", "grü"), RawClient.delta(in));
            pending.add(new TurnEvent.Problem("a call can't be read"));
            var call = new ToolCall(Optional.of("call_1"), "add", Map.of("a", 1L), "");
            pending.add(new TurnEvent.Call(call));
            Map<?, ?> sent =
                    (Map<?, ?>) ((List<?>) RawClient.delta(in).get("tool_calls")).getFirst();
            assertEquals(0L, sent.get("index"));
            assertEquals("call_1", sent.get("id"));
            assertEquals(Map.of("name", "add", "arguments", "{\"a\": 1}"), sent.get("function"));
            pending.answer(
                    new ModelReply(Message.of("assistant", "grü"), List.of(call), true, 7, 3));
            Map<?, ?> last = RawClient.choice(in);
            assertEquals(Map.of(), last.get("delta"));
            assertEquals("tool_calls", last.get("finish_reason"));
            assertEquals("data: [DONE]", RawClient.event(in));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aClientThatGoesAwayIsNoticedWithinTwoSeconds(boolean isStream) throws Exception {
        PendingReply pending;
        try (Socket _ = post(isStream)) {
            pending = asked.take();
            assertFalse(pending.isGone());
        }
        long start = System.nanoTime();
        while (!pending.isGone() && System.nanoTime() - start < 2_000_000_000L) {
            Thread.sleep(5);
        }
        assertTrue(pending.isGone());
    }

    /// The JSON of a reply that took long has blanks before it, and an error too.
    @Test
    void aLateReplyIsTheSame() throws Exception {
        for (boolean isRefused : new boolean[] {false, true}) {
            try (Socket socket = post(false)) {
                PendingReply pending = asked.take();
                BufferedReader in = RawClient.reader(socket);
                assertEquals("HTTP/1.1 200 OK", in.readLine()); // it was waited for
                if (isRefused) {
                    pending.refuse(new RequestException(400, "over", "it is over"));
                } else {
                    var message = Message.of("assistant", "late");
                    pending.answer(new ModelReply(message, List.of(), true, 7, 3));
                }
                String line;
                do {
                    line = in.readLine();
                } while (!line.contains("{"));
                assertTrue(line.contains(isRefused ? "it is over" : "late"), line);
                Json.parse(line.strip());
            }
        }
    }
}
