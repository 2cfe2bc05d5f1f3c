package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.rollout.constraint.Constraint;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class FormatTest {
    private static final String CHAT = "/v1/chat/completions";
    private static final String SCHEMA =
            """
            {"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":99},
            "b":{"enum":["x","y"]}},"required":["a","b"],"additionalProperties":false}\
            """;
    private static AskedServer server;

    @BeforeAll
    static void open() {
        server = new AskedServer(config -> config);
    }

    @AfterAll
    static void close() {
        server.close();
    }

    private static String format(String schema) {
        return ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"t\",\"schema\":"
                + schema
                + "}}";
    }

    private static String text(JsonNode answer, int choice) {
        return answer.at("/choices/" + choice + "/message/content").asText();
    }

    @Test
    void answersKeepToASchema() {
        String keys =
                format(SCHEMA)
                        + ",\"n\":3,\"temperature\":1.9,\"seed\":1,\"max_tokens\":60,\"ignore_eos\":true";
        JsonNode answer = server.chat(keys);
        for (int i = 0; i < 3; i++) {
            String text = text(answer, i);
            assertTrue(text.matches("\\{\"a\":\\d{1,2},\"b\":\"[xy]\"}"), text);
            assertEquals("stop", answer.at("/choices/" + i + "/finish_reason").asText());
        }
        var streamed = new StringBuilder();
        server.stream(CHAT, "{" + AskedServer.QUESTION + keys + ",\"stream\":true}")
                .forEach(
                        chunk -> {
                            if (chunk.at("/choices/0/index").asInt() == 2) {
                                streamed.append(chunk.at("/choices/0/delta/content").asText(""));
                            }
                        });
        assertEquals(text(answer, 2), streamed.toString());
        JsonNode cut = server.chat(format(SCHEMA) + ",\"max_tokens\":3");
        assertEquals("length", cut.at("/choices/0/finish_reason").asText());
    }

    @Test
    void textsKeepToPatternsAndChoices() {
        for (Map.Entry<String, String> one :
                Map.of(
                                "{\"regex\":\"[A-Z]{2}-[0-9]{3}\"}", "[A-Z]{2}-[0-9]{3}",
                                "{\"choice\":[\"red\",\"green\"]}", "red|green",
                                "{\"grammar\":\"root ::= [ab]\"}", "[ab]",
                                "{\"json_object\":true}", "\\{.*")
                        .entrySet()) {
            String keys = ",\"max_tokens\":20,\"structured_outputs\":" + one.getKey();
            String text = text(server.chat(keys), 0);
            assertTrue(text.matches(one.getValue()), one + ": " + text);
        }
    }

    @Test
    void aCallIsForced() {
        // A tool of few letters: the prompt and the model's 256 tokens leave little room.
        String keys =
                ",\"max_tokens\":40,\"temperature\":1.5,\"seed\":%d,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":%s";
        HttpResponse<String> response =
                server.post(
                        CHAT,
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
                                + keys.formatted(1, "\"required\"")
                                + "}");
        // what the model is told of a tool takes more than that, so only its refusal is seen here
        assertEquals(400, response.statusCode());
        assertTrue(response.body().contains("context_length_exceeded"), response.body());
    }

    @Test
    void argumentsComeInPieces() {
        var any = new CallAnswer(java.util.Optional.empty());
        var named = new CallAnswer(java.util.Optional.of("g"));
        for (char c : "{\"name\":\"f\",\"arguments\":{\"a\":{\"b\":1}}}".toCharArray()) {
            any.feed(String.valueOf(c));
        }
        any.finish("", "<|end|>", "stop");
        named.feed("{\"a\":");
        List<Map<String, Object>> last = named.finish("{}}", "<|end|>", "stop");
        assertEquals(1, last.size());
        assertEquals("tool_calls", any.finishReason());
        assertEquals(Map.of("name", "f", "arguments", "{\"a\":{\"b\":1}}"), function(any));
        assertEquals(Map.of("name", "g", "arguments", "{\"a\":{}}"), function(named));
    }

    /// What looks like a call and isn't one is a text.
    @Test
    void aTextMayLookLikeACall() {
        Constraint calls = Constraint.choice(List.of("{\"name\":\"f\",\"arguments\":{}}"));
        for (String text :
                List.of(
                        "{\"name\":\"f\",\"arguments\":{}}",
                        "{\"name\":\"f\",\"arguments\":5}",
                        "{\"name\":\"g\",\"arguments\":{}}",
                        "{\"a\":1}")) {
            var answer = new EitherAnswer(calls, List.of(tool("f")));
            var streamed = new StringBuilder();
            List<Map<String, Object>> deltas = new ArrayList<>();
            for (char c : text.toCharArray()) {
                deltas.addAll(answer.feed(String.valueOf(c)));
            }
            deltas.addAll(answer.finish("", "<|end|>", "stop"));
            deltas.forEach(d -> streamed.append(d.getOrDefault("content", "")));
            boolean isCall = text.contains("f\",\"arguments\":{}");
            assertEquals(isCall ? "tool_calls" : "stop", answer.finishReason(), text);
            assertEquals(isCall ? "null" : text, String.valueOf(answer.message().get("content")));
            if (!isCall) {
                assertEquals(text, streamed.toString());
            }
        }
    }

    private static Object tool(String name) {
        return Map.of("type", "function", "function", Map.of("name", name));
    }

    private static Object function(CallAnswer answer) {
        return ((Map<?, ?>) ((List<?>) answer.message().get("tool_calls")).getFirst())
                .get("function");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"response_format\":{\"type\":\"yaml\"} | accepted: text, json_object,"
                        + " json_schema",
                "\"response_format\":{\"type\":\"json_schema\"} | \"response_format.json_schema\""
                        + " is missing",
                "\"structured_outputs\":{\"regex\":\"a\",\"choice\":[\"b\"]} | exactly one of",
                "\"structured_outputs\":{\"regex\":\"(\"} | \"structured_outputs.regex\" can't be"
                        + " held to",
                "\"structured_outputs\":{\"json\":{\"type\":\"objekt\"}} | objekt",
                "\"structured_outputs\":{\"json\":{\"not\":{}}} | not",
                "\"structured_outputs\":{\"json\":{\"type\":\"integer\",\"minimum\":5,\"maximum\":4}}"
                    + " | structured_outputs.json",
            })
    void whatCantBeKeptToIsRefused(String keys, String said) {
        HttpResponse<String> response =
                server.post(CHAT, "{" + AskedServer.QUESTION + "," + keys + "}");
        assertEquals(400, response.statusCode(), response.body());
        assertTrue(
                AskedServer.tree(response.body()).at("/error/message").asText().contains(said),
                response.body());
    }
}
