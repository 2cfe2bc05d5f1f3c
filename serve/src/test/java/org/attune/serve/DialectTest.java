package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.net.http.HttpResponse;
import java.util.List;

class DialectTest {
    private static final String MESSAGES = "/v1/messages";
    private static final String RESPONSES = "/v1/responses";
    private static final String QUESTION = "Sort ascending: 3 1 2 4";
    private static AskedServer server;

    @BeforeAll
    static void open() {
        server = new AskedServer(config -> config);
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static String own(String keys) {
        return server.chat(",\"temperature\":0,\"max_tokens\":16" + keys)
                .at("/choices/0/message/content")
                .asText();
    }

    private static List<JsonNode> events(String path, String body) {
        HttpResponse<String> response = server.post(path, body);
        assertEquals(200, response.statusCode(), response.body());
        List<String> lines = response.body().lines().toList();
        List<JsonNode> events =
                lines.stream()
                        .filter(line -> line.startsWith("data: "))
                        .map(line -> AskedServer.tree(line.substring("data: ".length())))
                        .toList();
        List<String> names =
                lines.stream()
                        .filter(line -> line.startsWith("event: "))
                        .map(line -> line.substring("event: ".length()))
                        .toList();
        assertEquals(names, events.stream().map(e -> e.path("type").asText()).toList());
        return events;
    }

    private static String joined(List<JsonNode> events, String type, String at) {
        var text = new StringBuilder();
        events.stream()
                .filter(e -> e.path("type").asText().equals(type))
                .forEach(e -> text.append(e.at(at).asText()));
        return text.toString();
    }

    @Test
    void anthropicsClientsAreAnswered() {
        String own = own("");
        String body =
                "{\"max_tokens\":16,\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\""
                        + QUESTION
                        + "\"}]}]";
        JsonNode whole = server.ask(MESSAGES, body + "}");
        assertEquals(own, whole.at("/content/0/text").asText());
        assertEquals("end_turn", whole.path("stop_reason").asText());
        assertTrue(whole.at("/usage/input_tokens").asInt() > QUESTION.length());
        List<JsonNode> events = events(MESSAGES, body + ",\"stream\":true}");
        assertEquals("message_start", events.getFirst().path("type").asText());
        assertEquals("message_stop", events.getLast().path("type").asText());
        assertEquals(own, joined(events, "content_block_delta", "/delta/text"));
        assertEquals("end_turn", joined(events, "message_delta", "/delta/stop_reason"));
        String stop = own.substring(2, 3);
        JsonNode stopped = server.ask(MESSAGES, body + ",\"stop_sequences\":[\"" + stop + "\"]}");
        assertEquals("stop_sequence", stopped.path("stop_reason").asText());
        assertEquals(stop, stopped.path("stop_sequence").asText());
        assertEquals(400, server.post(MESSAGES, "{\"messages\":[]}").statusCode());
    }

    @Test
    void openAisResponsesAreGiven() {
        String own = own("");
        String body =
                "{\"max_output_tokens\":16,\"temperature\":0,\"input\":" + Json.write(QUESTION);
        JsonNode whole = server.ask(RESPONSES, body + "}");
        assertEquals(own, whole.at("/output/0/content/0/text").asText());
        assertEquals("completed", whole.path("status").asText());
        List<JsonNode> events = events(RESPONSES, body + ",\"stream\":true}");
        assertEquals(own, joined(events, "response.output_text.delta", "/delta"));
        assertEquals(own, events.getLast().at("/response/output/0/content/0/text").asText());
        for (int i = 0; i < events.size(); i++) {
            assertEquals(i, events.get(i).path("sequence_number").asInt());
        }
        JsonNode cut = server.ask(RESPONSES, body.replace("16", "2") + "}");
        assertEquals("incomplete", cut.path("status").asText());
        assertEquals("max_output_tokens", cut.at("/incomplete_details/reason").asText());
        HttpResponse<String> stored =
                server.post(RESPONSES, body + ",\"previous_response_id\":\"x\"}");
        assertEquals(400, stored.statusCode());
    }

    @Test
    void conversationsWithCallsAreTheSameInAllForms() throws ApiException {
        Object chat =
                Json.parse(
                        """
                        [{"role": "user", "content": "a"},
                         {"role": "assistant", "content": "b", "tool_calls": [{"id": "1",
                           "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                         {"role": "tool", "content": "c", "tool_call_id": "1"}]
                        """);
        Fields messages =
                new MessagesDialect()
                        .chat(
                                Fields.of(
                                        """
                                        {"max_tokens": 1, "messages": [
                                         {"role": "user", "content": "a"},
                                         {"role": "assistant", "content": [
                                           {"type": "text", "text": "b"},
                                           {"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
                                         {"role": "user", "content": [{"type": "tool_result",
                                           "tool_use_id": "1", "content": "c"}]}]}
                                        """));
        assertEquals(chat, messages.value("messages"));
        Fields responses =
                new ResponsesDialect()
                        .chat(
                                Fields.of(
                                        """
                                        {"input": [
                                         {"role": "user", "content": "a"},
                                         {"type": "message", "role": "assistant", "content": "b"},
                                         {"type": "function_call", "call_id": "1", "name": "f",
                                           "arguments": "{}"},
                                         {"type": "function_call_output", "call_id": "1",
                                           "output": "c"}]}
                                        """));
        assertEquals(chat, responses.value("messages"));
    }
}
