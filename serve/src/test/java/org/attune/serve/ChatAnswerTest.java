package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.json.Json;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.family.Families;
import org.attune.text.parse.turn.FormatParser;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class ChatAnswerTest {
    private static final TurnParser PARSER =
            new FormatParser(Families.TOOL_CALL.format(List.of("<|end|>"), List.of()));
    private static final List<Object> TOOLS = List.of(Map.of("type", "function"));
    private static final String CALLS =
            "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>\n"
                    + "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

    private final List<Map<String, Object>> deltas = new ArrayList<>();

    private ChatAnswer answer(TurnParser parser, ToolRequest tools, String text, String reason) {
        var answer = new ChatAnswer(parser.open("", tools.tools()), tools);
        for (int i = 0; i < text.length(); i++) {
            deltas.addAll(answer.feed(text.substring(i, i + 1)));
        }
        deltas.addAll(answer.finish("", "<|end|>", reason));
        return answer;
    }

    private String joined(String key) {
        var text = new StringBuilder();
        deltas.forEach(delta -> text.append(delta.getOrDefault(key, "")));
        return text.toString();
    }

    @Test
    void callsAreParted() {
        ChatAnswer answer =
                answer(PARSER, ToolRequest.free(TOOLS, true), "Let me see.\n" + CALLS, "stop");
        assertEquals("tool_calls", answer.finishReason());
        assertEquals("Let me see.", answer.message().get("content"));
        assertEquals("Let me see.", joined("content"));
        List<?> calls = (List<?>) answer.message().get("tool_calls");
        assertEquals(2, calls.size());
        Map<?, ?> first = (Map<?, ?>) calls.getFirst();
        assertEquals(Map.of("name", "add", "arguments", "{\"a\": 1}"), first.get("function"));
        assertEquals(9, ((String) first.get("id")).length());
        List<String> indices =
                deltas.stream()
                        .filter(d -> d.containsKey("tool_calls"))
                        .map(d -> Json.write(d))
                        .map(json -> json.replaceAll(".*\"index\": (\\d).*", "$1"))
                        .toList();
        assertEquals(List.of("0", "1"), indices);
    }

    @Test
    void oneCallIsLeftWhereSeveralAreNotWanted() {
        ChatAnswer answer = answer(PARSER, ToolRequest.free(TOOLS, false), CALLS, "stop");
        assertEquals(1, ((List<?>) answer.message().get("tool_calls")).size());
    }

    @Test
    void aCutAnswerSaysSo() {
        ChatAnswer answer = answer(PARSER, ToolRequest.free(TOOLS, true), CALLS, "length");
        assertEquals("length", answer.finishReason());
    }

    @Test
    void withoutToolsACallIsText() {
        ChatAnswer answer =
                answer(PARSER.keepingSpace(), ToolRequest.free(List.of(), true), CALLS, "stop");
        assertEquals("stop", answer.finishReason());
        assertEquals(null, answer.message().get("tool_calls"));
        assertEquals(true, joined("content").contains("\"now\""));
    }

    @Test
    void whiteSpaceStaysAsItWas() {
        answer(PARSER.keepingSpace(), ToolRequest.free(List.of(), true), " one \n two ", "stop");
        assertEquals(" one \n two ", joined("content"));
    }

    @Test
    void reasoningIsParted() {
        ChatAnswer answer =
                answer(
                        PARSER.keepingSpace(),
                        ToolRequest.free(List.of(), true),
                        "<think>hm</think>\n\nyes ",
                        "stop");
        assertEquals("yes ", answer.message().get("content"));
        assertEquals("hm", answer.message().get("reasoning_content"));
        assertEquals("hm", joined("reasoning_content"));
        assertEquals("yes ", joined("content"));
    }
}
