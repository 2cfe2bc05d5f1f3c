package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Many clients at once that send nonsense, go away or read nothing.
@Tag("slow")
class HostileClientsTest {
    private static final List<String> PATHS =
            List.of(
                    "/v1/chat/completions",
                    "/v1/completions",
                    "/v1/responses",
                    "/v1/messages",
                    "/v1/score",
                    "/v1/score/evaluation",
                    "/v1/rerank",
                    "/tokenize",
                    "/detokenize",
                    "/v1/load_lora_adapter");

    private static AskedServer server;

    @BeforeAll
    static void open() {
        server = new AskedServer(c -> c.withMaxNumSeqs(8).withMaxWaiting(2000));
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static void works() {
        String body = "{" + AskedServer.QUESTION + ",\"max_tokens\":1}";
        assertEquals(200, server.post(PATHS.getFirst(), body).statusCode());
    }

    @Test
    @Timeout(120)
    void twoThousandBrokenRequestsEndInErrors() throws IOException {
        String whole =
                "{"
                        + AskedServer.QUESTION
                        + ",\"max_tokens\":1,\"prompt\":\"a\",\"stop\":[\"a\"],\"n\":1,\"top_p\":0.5,\"input\":[1],\"text_1\":\"a\",\"documents\":[{}],\"tools\":[],\"response_format\":{\"type\":\"json_object\"}}";
        var random = new Random(11);
        for (int i = 0; i < 2000; i++) {
            String path = PATHS.get(i % PATHS.size());
            var text = new StringBuilder(whole);
            for (int change = 0; change <= i % 7; change++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.delete(at, Math.min(text.length(), at + random.nextInt(40)));
                    case 1 -> text.insert(at, "{}[]\",:0-e\u0000\ud83d".charAt(random.nextInt(12)));
                    default -> text.setCharAt(at, (char) (32 + random.nextInt(96)));
                }
            }
            if (i % 4 == 0) {
                garbage(path, text.toString(), random);
            } else {
                int status = server.post(path, text.toString()).statusCode();
                assertTrue(status < 500, status + " of " + path + ": " + text);
            }
        }
        works();
    }

    /// A request that is no HTTP, or that is cut.
    private static void garbage(String path, String body, Random random) throws IOException {
        String head =
                "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                        .formatted(path, body.length() + random.nextInt(3));
        byte[] bytes = (head + body).getBytes(StandardCharsets.UTF_8);
        if (random.nextBoolean()) {
            bytes[random.nextInt(head.length())] = (byte) random.nextInt(256);
        }
        try (Socket socket = server.socket()) {
            socket.getOutputStream().write(bytes, 0, random.nextInt(bytes.length));
        }
    }

    @Test
    @Timeout(60)
    void aHundredClientsThatVanishLeaveNothing() throws Exception {
        for (int i = 0; i < 100; i++) {
            try (Socket socket = server.socket()) {
                ask(socket, i % 2 == 0 ? ",\"stream\":true" : "");
            }
        }
        long end = System.nanoTime() + 30_000_000_000L;
        while (server.metric("num_requests_running") + server.metric("num_requests_waiting") > 0) {
            assertTrue(System.nanoTime() < end, "answers of clients that are gone go on");
            Thread.sleep(20);
        }
        works();
    }

    @Test
    @Timeout(60)
    void sixtyFourReadersThatReadNothingHoldUpNobody() throws Exception {
        List<Socket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                sockets.add(server.socket());
                ask(sockets.getLast(), ",\"stream\":true,\"logprobs\":true,\"top_logprobs\":20");
            }
            works();
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
        works();
    }

    private static void ask(Socket socket, String keys) throws IOException {
        String body =
                "{"
                        + AskedServer.QUESTION
                        + ",\"ignore_eos\":true,\"n\":4,\"max_tokens\":20"
                        + keys
                        + "}";
        socket.getOutputStream()
                .write(
                        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                .formatted(body.length(), body)
                                .getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }
}
