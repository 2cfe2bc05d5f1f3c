package org.attune.rollout.source;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;

import org.attune.error.RolloutException;
import org.attune.rollout.source.ServerScores.Asked;
import org.attune.rollout.source.ServerScores.Told;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

class ServerScoresTest {
    private final AtomicReference<String> asked = new AtomicReference<>();

    private List<Told> told(String choice, int count, int[] ids, int from) throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        HttpServer server = HttpServer.create(address, 0);
        server.createContext(
                "/v1/completions",
                exchange -> {
                    asked.set(
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8));
                    byte[] body =
                            "{\"choices\": [%s]}"
                                    .formatted(choice)
                                    .getBytes(StandardCharsets.UTF_8);
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body);
                    exchange.close();
                });
        server.start();
        try {
            var connection =
                    new ServerRollouts.Connection(
                            "http://localhost:%d/v1".formatted(server.getAddress().getPort()),
                            "large",
                            Duration.ofSeconds(20),
                            2,
                            Optional.empty(),
                            Duration.ofMillis(1));
            return new ServerScores(connection, count, 10).of(List.of(new Asked(ids, from)));
        } finally {
            server.stop(0);
        }
    }

    /// As vLLM tells them: the token that stands there may come on top.
    private static final String VLLM =
            """
            {"prompt_logprobs": [null,
              {"5": {"logprob": -0.5}, "7": {"logprob": -1.5}, "2": {"logprob": -9.0}},
              {"1": {"logprob": -2.5}, "3": {"logprob": -0.25}}]}\
            """;

    @Test
    void theLikeliestTokensComeFirst() throws IOException {
        Told told = told(VLLM, 2, new int[] {4, 2, 1}, 1).getFirst();
        assertArrayEquals(new int[] {5, 7, 3, 1}, told.ids());
        assertArrayEquals(new float[] {-0.5f, -1.5f, -0.25f, -2.5f}, told.logProbs());
        assertArrayEquals(new float[] {-9, -2.5f}, told.written());
        assertTrue(asked.get().contains("\"prompt\":[4,2,1]"), asked.get());
        assertTrue(asked.get().contains("\"prompt_logprobs\":2"), asked.get());
        assertArrayEquals(new int[] {3}, told(VLLM, 1, new int[] {4, 2, 1}, 2).getFirst().ids());
    }

    @Test
    void echoedPromptsAreRead() throws IOException {
        String echoed =
                """
                {"logprobs": {"top_logprobs": [null, {"token_id:6": -0.1}, {"token_id:2": -3}]}}\
                """;
        Told told = told(echoed, 1, new int[] {4, 6}, 1).getFirst();
        assertEquals(6, told.ids()[0]);
    }

    private void assertFault(String expected, String choice, int count) {
        String message =
                assertThrows(
                                RolloutException.class,
                                () -> told(choice, count, new int[] {4, 2, 1}, 1))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    @Test
    void answersThatSayTooLittleAreRefused() {
        assertFault("of 0 places", "{\"text\": \"x\"}", 1);
        assertFault("loss_top_k asks for 3", VLLM, 3);
        assertFault(
                "accepted: ids", "{\"prompt_logprobs\": [null, {\"the\": -1}, {\"of\": -1}]}", 1);
        assertFault("accepted: ids", "{\"prompt_logprobs\": [null, {\"1\": 2}, {\"1\": -1}]}", 1);
    }
}
