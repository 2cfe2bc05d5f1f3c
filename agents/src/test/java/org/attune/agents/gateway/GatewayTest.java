package org.attune.agents.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class GatewayTest {
    private static final String QUESTION = "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private final List<ModelRequest> asked = new ArrayList<>();
    private final HttpClient client = HttpClient.newHttpClient();
    private ModelReply reply =
            new ModelReply(Message.of("assistant", "hello"), List.of(), true, 7, 3);
    private Gateway gateway;
    private Gateway.Endpoint endpoint;

    @BeforeEach
    void open() throws IOException {
        gateway = Gateway.open();
        endpoint =
                gateway.endpoint(
                        request -> {
                            asked.add(request);
                            var pending = new PendingReply();
                            pending.answer(reply);
                            return pending;
                        });
    }

    @AfterEach
    void close() {
        client.close();
        gateway.close();
    }

    private HttpResponse<String> post(String path, String body, String key) throws Exception {
        return client.send(
                HttpRequest.newBuilder(URI.create(endpoint.url() + path))
                        .header("Authorization", "Bearer " + key)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private Map<?, ?> chat(String body) throws Exception {
        HttpResponse<String> response = post("/chat/completions", body, endpoint.key());
        assertEquals(200, response.statusCode(), response.body());
        return (Map<?, ?>) Json.parse(response.body());
    }

    private static Map<?, ?> choice(Map<?, ?> reply) {
        return (Map<?, ?>) ((List<?>) reply.get("choices")).getFirst();
    }

    @Test
    void aChatIsAnswered() throws Exception {
        Map<?, ?> answer =
                chat(QUESTION + ",\"model\":\"any\",\"max_tokens\":5,\"temperature\":0}");
        assertEquals("chat.completion", answer.get("object"));
        assertEquals("policy", answer.get("model"));
        assertEquals(
                Map.of("prompt_tokens", 7L, "completion_tokens", 3L, "total_tokens", 10L),
                answer.get("usage"));
        assertEquals(
                Map.of("role", "assistant", "content", "hello"), choice(answer).get("message"));
        assertEquals("stop", choice(answer).get("finish_reason"));
        assertEquals(
                new ModelRequest(
                        List.of(Message.of("user", "hi")),
                        List.of(),
                        Optional.empty(),
                        OptionalInt.of(5),
                        new ModelRequest.ReplyForm(false, false)),
                asked.getFirst());
    }

    @Test
    void callsOfToolsAreTextInRepliesAndObjectsInRequests() throws Exception {
        var call = new ToolCall(Optional.of("call_1"), "add", Map.of("a", 1L), "");
        reply = new ModelReply(Message.of("assistant", ""), List.of(call), true, 7, 3);
        Map<?, ?> choice = choice(chat(QUESTION + "}"));
        assertEquals("tool_calls", choice.get("finish_reason"));
        Map<?, ?> message = (Map<?, ?>) choice.get("message");
        assertNull(message.get("content"));
        Map<String, Object> sent =
                Map.of(
                        "id", "call_1",
                        "type", "function",
                        "function", Map.of("name", "add", "arguments", "{\"a\": 1}"));
        assertEquals(List.of(sent), message.get("tool_calls"));

        chat(
                "{\"messages\":[%s,{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":[{\"type\":\"text\",\"text\":\"2\"}]}]}"
                        .formatted(Json.write(message)));
        List<Message> read = asked.getLast().messages();
        assertEquals(
                List.of(
                        Map.of(
                                "id", "call_1",
                                "type", "function",
                                "function", Map.of("name", "add", "arguments", Map.of("a", 1L)))),
                read.getFirst().fields().get("tool_calls"));
        assertEquals("", read.getFirst().content());
        assertEquals("2", read.getLast().content());
    }

    @Test
    void aStreamHasTheSameInPieces() throws Exception {
        HttpResponse<String> response =
                post(
                        "/chat/completions",
                        QUESTION + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
                        endpoint.key());
        assertEquals(
                "text/event-stream; charset=utf-8",
                response.headers().firstValue("content-type").get());
        List<String> events = List.of(response.body().strip().split("\n\n"));
        assertEquals(4, events.size());
        assertEquals("data: [DONE]", events.getLast());
        List<Map<?, ?>> chunks = new ArrayList<>();
        for (String event : events.subList(0, 3)) {
            chunks.add((Map<?, ?>) Json.parse(event.substring("data: ".length())));
        }
        assertEquals(
                Map.of("role", "assistant", "content", "hello"),
                choice(chunks.get(0)).get("delta"));
        assertEquals("stop", choice(chunks.get(1)).get("finish_reason"));
        assertEquals(List.of(), chunks.get(2).get("choices"));
        assertEquals(10L, ((Map<?, ?>) chunks.get(2).get("usage")).get("total_tokens"));
    }

    @Test
    void aTextIsCompleted() throws Exception {
        reply = new ModelReply(Message.of("assistant", " there"), List.of(), false, 1, 2);
        HttpResponse<String> response =
                post("/completions", "{\"prompt\":\"hi\",\"max_tokens\":2}", endpoint.key());
        Map<?, ?> choice = choice((Map<?, ?>) Json.parse(response.body()));
        assertEquals(" there", choice.get("text"));
        assertEquals("length", choice.get("finish_reason"));
        assertEquals(Optional.of("hi"), asked.getFirst().text());
    }

    @Test
    void modelsAreListed() throws Exception {
        HttpResponse<String> response =
                client.send(
                        HttpRequest.newBuilder(URI.create(endpoint.url() + "/models"))
                                .header("Authorization", "Bearer " + endpoint.key())
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertTrue(response.body().contains("\"id\": \"policy\""), response.body());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"messages\":[]} | \"messages\" is missing or empty",
                "{\"messages\":[{\"content\":\"x\"}]} | a message is no object with a \"role\"",
                "nonsense | the body is no JSON",
                "[] | the body is no JSON object",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":2} | \"n\" is 2",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":\"a\"} | \"stop\""
                        + " isn't supported",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":0} |"
                        + " \"max_tokens\" is 0",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":\"required\"}"
                    + " | \"tool_choice\" is required",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"image_url\":\"x\"}]}]} | a"
                        + " message has content that is neither text nor a picture",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
                    + "{\"url\":\"data:image/png;base64,"
                    + "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC\"}}]}]}"
                    + " | a message has a picture"
            })
    void whatCannotBeObeyedIsRefused(String body, String message) throws Exception {
        HttpResponse<String> response = post("/chat/completions", body, endpoint.key());
        assertEquals(400, response.statusCode());
        Map<?, ?> error = (Map<?, ?>) ((Map<?, ?>) Json.parse(response.body())).get("error");
        assertTrue(error.get("message").toString().startsWith(message), error.toString());
        assertEquals("invalid_request_error", error.get("type"));
        assertEquals(List.of(), asked);
    }

    @Test
    void onlyAnEpisodeUnderWayIsAnswered() throws Exception {
        assertEquals(401, post("/chat/completions", QUESTION + "}", "wrong").statusCode());
        assertEquals(404, post("/embeddings", "{}", endpoint.key()).statusCode());
        endpoint.close();
        assertEquals(401, post("/chat/completions", QUESTION + "}", endpoint.key()).statusCode());
    }

    @Test
    void aFaultOfTheAnswererIsAnAnswerToo() throws Exception {
        try (var faulty =
                gateway.endpoint(
                        _ -> {
                            throw new IllegalStateException("no tokens today");
                        })) {
            HttpResponse<String> response = post("/chat/completions", QUESTION + "}", faulty.key());
            assertEquals(500, response.statusCode());
            assertTrue(response.body().contains("no tokens today"), response.body());
        }
        chat(QUESTION + "}");
    }

    @Test
    void largeRequestsAreRefusedOrAnsweredOneAfterTheOther() throws Exception {
        String long17 = "x".repeat(17 << 20);
        assertEquals(
                413, post("/chat/completions", QUESTION + long17, endpoint.key()).statusCode());
        String content = "y".repeat(3 << 20);
        String body = QUESTION.replace("hi", content) + "}";
        var answers = new ArrayList<java.util.concurrent.CompletableFuture<Integer>>();
        for (int i = 0; i < 12; i++) {
            answers.add(
                    client.sendAsync(
                                    HttpRequest.newBuilder(
                                                    URI.create(
                                                            endpoint.url() + "/chat/completions"))
                                            .header("Authorization", "Bearer " + endpoint.key())
                                            .POST(HttpRequest.BodyPublishers.ofString(body))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .thenApply(HttpResponse::statusCode));
        }
        for (var answer : answers) {
            assertEquals(200, answer.join());
        }
    }
}
