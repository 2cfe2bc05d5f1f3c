package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.models.ModelConfig;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;

class HttpDoorTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String EVIL = "https:" + "//evil.example";
    private static AskedServer server;
    private static AskedServer keyed;

    @BeforeAll
    static void open() {
        server = new AskedServer(config -> config.withMaxNumSeqs(2).withMaxWaiting(2));
        keyed = new AskedServer(config -> config.withKeys(List.of("first", "second")));
    }

    @AfterAll
    static void close() {
        server.close();
        keyed.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"temprature\":1} | did you mean \"temperature\"?",
                "{\"temperature\":\"hot\"} | \"temperature\" is \"hot\"; accepted: a number from",
                "{\"temperature\":-1} | accepted: a number from 0.0 to 2.0",
                "{\"top_p\":0} | accepted: a number in (0, 1]",
                "{\"n\":17} | accepted: a whole number from 1 to 16",
                "{\"n\":1.5} | \"n\" is 1.5; accepted: a whole number",
                "{\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]} | \"stop\" has 5 elements; accepted: 4",
                "{\"stop\":5} | \"stop\" is 5; accepted: a list",
                "{\"logit_bias\":{\"a\":1}} | has the key \"a\"; accepted: token ids from 0 to 259",
                "{\"logit_bias\":{\"1\":101}} | \"logit_bias.1\" is 101; accepted",
                "{\"stream\":\"yes\"} | accepted: true or false",
                "{\"stream_options\":{}} | \"stream_options\" needs \"stream\": true",
                "{\"top_logprobs\":2} | \"top_logprobs\" needs \"logprobs\": true",
                "{\"logprobs\":true,\"top_logprobs\":21} | a whole number from 0 to 20",
                "{\"max_tokens\":2,\"min_tokens\":3} | is 3, more than max_tokens allows: 2",
                "{\"functions\":[]} | \"functions\" isn't supported: say \"tools\"",
                "{\"store\":true} | nothing is stored here",
                "{\"tool_choice\":\"auto\"} | there are no \"tools\"",
                "{\"tools\":[{}]} | \"tools[0]\" isn't",
                "{\"messages\":[]} | \"messages\" is missing or empty",
                "{\"messages\":[{\"role\":\"wizard\"}]} | messages[0]: a message has the role",
                "{\"max_tokens\":300} | this server takes 256 for both",
                "[] | the body is no JSON object",
                "{\"a\" | the body is no JSON",
            })
    void whatIsWrongIsNamed(String body, String said) {
        String whole =
                body.startsWith("{\"") && !body.contains("messages") && body.endsWith("}")
                        ? body.replaceFirst("\\{", "{" + AskedServer.QUESTION + ",")
                        : body;
        HttpResponse<String> response = server.post(CHAT, whole);
        assertEquals(400, response.statusCode(), response.body());
        JsonNode error = AskedServer.tree(response.body()).path("error");
        assertTrue(error.path("message").asText().contains(said), response.body());
        assertEquals("invalid_request_error", error.path("type").asText());
    }

    @Test
    void othersAreToldApartByTheirStatus() {
        String body = "{" + AskedServer.QUESTION;
        HttpResponse<String> unknown = server.post(CHAT, body + ",\"model\":\"modl\"}");
        assertEquals(404, unknown.statusCode());
        assertEquals(
                "model_not_found", AskedServer.tree(unknown.body()).at("/error/code").asText());
        assertTrue(unknown.body().contains("did you mean \\\"model\\\"?"), unknown.body());
        assertEquals(404, server.get("/v1/nothing").statusCode());
        assertEquals(405, server.get(CHAT).statusCode());
        assertEquals(413, server.post(CHAT, "\"" + "x".repeat(5 << 20) + "\"").statusCode());
        assertEquals(
                415,
                server.send(
                                server.request(CHAT)
                                        .setHeader("Content-Type", "text/plain")
                                        .POST(BodyPublishers.ofString(body + "}"))
                                        .build())
                        .statusCode());
        HttpResponse<String> bytes =
                server.send(
                        server.request(CHAT)
                                .POST(BodyPublishers.ofByteArray(new byte[] {'"', -1, '"'}))
                                .build());
        assertEquals(400, bytes.statusCode());
        assertEquals(200, server.get("/v1/models/model").statusCode());
        assertEquals(404, server.get("/v1/models/other").statusCode());
    }

    @Test
    void aKeyIsNeededWhereThereAreKeys() {
        assertEquals(200, keyed.get("/health").statusCode());
        for (String path : List.of("/v1/models", "/metrics", "/version", "/nothing")) {
            assertEquals(401, keyed.get(path).statusCode(), path);
        }
        assertEquals(401, status("Bearer third"));
        assertEquals(401, status("Bearer"));
        assertEquals(401, status("Basic first"));
        assertEquals(401, status("Bearer firs"));
        assertEquals(200, status("Bearer first"));
        assertEquals(200, status("bearer second"));
        HttpResponse<String> wrong =
                keyed.send(
                        keyed.request("/v1/models")
                                .header("Authorization", "Bearer geheim")
                                .build());
        assertFalse(wrong.body().contains("geheim"));
    }

    private static int status(String authorization) {
        return keyed.send(
                        keyed.request("/v1/models").header("Authorization", authorization).build())
                .statusCode();
    }

    @Test
    void anotherAddressNeedsAKey() {
        var config = ServeConfig.of(ModelConfig.of(AskedServer.MODEL.toString()));
        ConfigException problem =
                assertThrows(
                        ConfigException.class,
                        () -> ModelServer.open(config.withHost("0.0.0.0").withPort(0)));
        assertTrue(problem.getMessage().contains("there is no key"), problem.getMessage());
    }

    @Test
    void pagesOfStrangersAreKeptOut() {
        String get = "GET /v1/models HTTP/1.1\r\nConnection: close\r\nHost: ";
        assertTrue(server.raw(get + "evil.example\r\n\r\n").startsWith("HTTP/1.1 421"));
        assertTrue(server.raw(get + "127.0.0.1.evil.example\r\n\r\n").startsWith("HTTP/1.1 421"));
        assertTrue(server.raw(get + "localhost:1\r\n\r\n").startsWith("HTTP/1.1 200"));
        assertTrue(server.raw(get + "[::1]\r\n\r\n").startsWith("HTTP/1.1 200"));
        assertTrue(
                server.raw("GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n")
                        .startsWith("HTTP/1.1 400"));
        String body = "{" + AskedServer.QUESTION + ",\"max_tokens\":1}";
        assertEquals(403, from("Origin", EVIL, body).statusCode());
        assertEquals(403, from("Origin", "null", body).statusCode());
        assertEquals(403, from("Sec-Fetch-Site", "cross-site", body).statusCode());
        assertEquals(200, from("Sec-Fetch-Site", "same-origin", body).statusCode());
        assertFalse(
                from("Origin", EVIL, body)
                        .headers()
                        .firstValue("Access-Control-Allow-Origin")
                        .isPresent());
    }

    private static HttpResponse<String> from(String header, String value, String body) {
        return server.send(
                server.request(CHAT)
                        .header(header, value)
                        .POST(BodyPublishers.ofString(body))
                        .build());
    }

    @Test
    void tooManyAreSentAwayAndTheVanishedMakeRoom() throws Exception {
        String body =
                "{" + AskedServer.QUESTION + ",\"ignore_eos\":true,\"n\":4,\"max_tokens\":200%s}";
        for (String stream : List.of("", ",\"stream\":true")) {
            try (Socket socket = server.socket()) {
                ask(socket, body.formatted(stream));
                // Where the machine is busy, answers may come between two looks.
                waitUntil(
                        () -> underWay() == 4 || socket.getInputStream().available() > 0,
                        "4 under way, and no answer");
                HttpResponse<String> refused =
                        server.post(CHAT, "{" + AskedServer.QUESTION + ",\"max_tokens\":1}");
                if (refused.statusCode() != 200) { // else the others were done already
                    assertEquals(429, refused.statusCode(), refused.body());
                    assertEquals("1", refused.headers().firstValue("Retry-After").orElseThrow());
                }
            }
            waitUntil(() -> underWay() == 0, "0 under way");
        }
        assertEquals(
                200,
                server.post(CHAT, "{" + AskedServer.QUESTION + ",\"max_tokens\":1}").statusCode());
    }

    private static void ask(Socket socket, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        socket.getOutputStream()
                .write(
                        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                .formatted(CHAT, bytes.length)
                                .getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().write(bytes);
        socket.getOutputStream().flush();
    }

    private static void waitUntil(Callable<Boolean> isSo, String what) throws Exception {
        long end = System.nanoTime() + 10_000_000_000L;
        while (!isSo.call()) {
            assertTrue(System.nanoTime() < end, "not " + what);
            Thread.sleep(5);
        }
    }

    private static long underWay() {
        return server.metric("num_requests_running") + server.metric("num_requests_waiting");
    }

    @Test
    void brokenBodiesBreakNothing() {
        String whole =
                "{"
                        + AskedServer.QUESTION
                        + ",\"max_tokens\":1,\"stop\":[\"a\"],\"n\":1,\"top_p\":0.5,\"seed\":1,\"tools\":[]}";
        var random = new Random(7);
        for (int i = 0; i < 100; i++) {
            var text = new StringBuilder(whole);
            for (int change = 0; change < 1 + i % 3; change++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.deleteCharAt(at);
                    case 1 -> text.insert(at, "{}[]\",:0-e\u0000\ud83d".charAt(random.nextInt(12)));
                    default -> text.setCharAt(at, (char) (32 + random.nextInt(96)));
                }
            }
            int status = server.post(CHAT, text.toString()).statusCode();
            assertTrue(status == 200 || status == 400 || status == 404, status + ": " + text);
        }
        String deep = "{\"a\":".repeat(20_000) + "1" + "}".repeat(20_000);
        assertEquals(400, server.post(CHAT, deep).statusCode());
        assertEquals(200, server.post(CHAT, whole).statusCode());
    }

    @Test
    void metricsAreInPrometheusForm() {
        server.chat(",\"max_tokens\":2");
        List<String> lines = server.get("/metrics").body().lines().toList();
        for (String line : lines) {
            assertTrue(
                    line.matches("# (HELP|TYPE) attune:\\w+ .+")
                            || line.matches("attune:\\w+(\\{\\w+=\"[^\"]+\"})? [-0-9.E]+"),
                    line);
        }
        assertTrue(server.metric("generation_tokens_total") > 0);
    }
}
