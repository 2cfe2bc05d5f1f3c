package org.attune.text.parse.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.TextFixtures;
import org.attune.text.parse.Cuts;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.template.ParseFixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What chat templates write for a message is read back: calls, content and reasoning, as far as
/// the template writes them. Parsers are found by what the templates write.
@Tag("fixtures-agents")
class RoundTripFixturesTest {
    private final Map<String, TurnParser> parsers = new HashMap<>();
    private final Map<String, ChatTemplate> templates = new HashMap<>();

    @Test
    void readsBackWhatTemplatesWrite() {
        List<Object> tools =
                TextFixtures.list(Json.parse(TextFixtures.text("agents/parsing/tools.json")));
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("agents/parsing/roundtrip.jsonl")) {
                report.run((String) row.get("id"), () -> check(row, tools));
            }
        }
    }

    private void check(Map<String, Object> row, List<Object> tools) {
        String name = (String) row.get("template");
        ChatTemplate template = templates.computeIfAbsent(name, RoundTripFixturesTest::template);
        TurnParser parser =
                parsers.computeIfAbsent(name, _ -> RoundTripFixturesTest.parser(template));
        String text = (String) row.get("text");
        String prefix = row.containsKey("with_header") ? "" : prompt(template, tools);
        ParsedTurn turn = parser.parse(prefix, text, tools);
        Cuts.check(parser, prefix, text, tools);
        Map<String, Object> message = TextFixtures.map(row.get("message"));
        assertEquals(calls(message, text), calls(turn.message().fields(), text));
        assertEquals(List.of(), turn.problems());
        String content = (String) message.get("content");
        // Content beside a call, which gpt-oss's template writes as a thought.
        boolean isThought =
                !content.isEmpty() && text.contains("<|channel|>analysis<|message|>" + content);
        assertEquals(isThought || !text.contains(content) ? "" : content, turn.message().content());
        String reasoning =
                isThought ? content : (String) message.getOrDefault("reasoning_content", "");
        assertEquals(text.contains(reasoning) ? reasoning : "", turn.reasoning());
    }

    private static String prompt(ChatTemplate template, List<Object> tools) {
        var conversation = new Conversation(List.of(Message.of("user", "Hi")), tools, Map.of());
        return template.render(conversation, ChatTemplate.Tail.GENERATION_PROMPT).text();
    }

    /// Names and arguments of the calls that the template writes.
    private static String calls(Map<String, Object> message, String text) {
        var calls = new ArrayList<String>();
        for (Object call : TextFixtures.list(message.get("tool_calls"))) {
            Map<String, Object> function = TextFixtures.map(TextFixtures.map(call).get("function"));
            if (text.contains((String) function.get("name"))) {
                calls.add(
                        function.get("name")
                                + ParseFixtures.canonical(function.get("arguments"))
                                        .replaceAll("(?:Long|Double)(-?\\d+)(?:\\.0)?", "$1"));
            }
        }
        return calls.toString();
    }

    private static ChatTemplate template(String name) {
        return JinjaChatTemplate.compile(
                name,
                TextFixtures.text("text/templates/" + name + ".jinja"),
                new SpecialTokens(Map.of("bos_token", "<BOS>", "eos_token", "<EOS>")));
    }

    private static TurnParser parser(ChatTemplate template) {
        var parsers = new TurnParsers(Optional.of("<EOS>"), List.of("<BOS>", "<EOS>"), false);
        return parsers.of(template).orElseGet(() -> parsers.plain(new TemplateProbe(template)));
    }
}
