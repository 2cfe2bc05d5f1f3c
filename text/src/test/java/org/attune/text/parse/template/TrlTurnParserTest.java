package org.attune.text.parse.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.json.Json;
import org.attune.text.parse.ParsedTurn;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

class TrlTurnParserTest {
    private static final String TEMPLATE =
            """
            {"defaults": {"role": "assistant"}, "start_anchor": "<bot>",
             "fields": {
               "thought": {"open": "<t>", "close_pattern": "</t>\\\\s*"},
               "tool_calls": {"open_pattern": "<c:(?P<tool_name>\\\\w+)>", "close": "</c>",
                 "repeats": true, "content": "json",
                 "transform": {"function": {"name": "{tool_name}", "arguments": "{content}"}}},
               "content": {"close_pattern": "<end>\\\\s*|$"}}}
            """;

    private static final List<Object> TOOLS =
            List.of(
                    Json.parse(
                            """
                            {"name": "add", "parameters": {"properties": {
                              "a": {"type": "integer"}, "b": {"type": ["number", "null"]}}}}
                            """));

    private static TrlTurnParser parser(String template) {
        return new TrlTurnParser(
                ResponseTemplate.read("test", Json.parse(template)),
                Optional.of("<eos>"),
                List.of("<end>"));
    }

    private static ParsedTurn parse(String prefix, String text) {
        return parser(TEMPLATE).parse(prefix, text, TOOLS);
    }

    @Test
    void readsReasoningThatThePromptOpened() {
        ParsedTurn turn = parse("<bot>no<bot><t>", "so so</t>\n hi <eos>");
        assertEquals("so so", turn.message().fields().get("thought"));
        assertEquals("hi ", turn.message().content());
    }

    @Test
    void givesArgumentsTheTypesOfTheSchema() {
        ParsedTurn turn = parse("<bot>", "<c:add>{\"a\": \"7.0\", \"b\": \"1e3\"}</c>");
        assertEquals(Map.of("a", 7L, "b", 1000L), turn.calls().getFirst().named());
        assertEquals("", turn.message().content());
    }

    @Test
    void takesNoTextThatIsOfNoType() {
        ParsedTurn turn = parse("<bot>", "<c:add>{\"a\": \"7.5\", \"b\": \"inf\"}</c>");
        assertEquals(Map.of("a", "7.5", "b", "inf"), turn.calls().getFirst().named());
    }

    @Test
    void makesAWholeTurnTextForOneBadCall() {
        ParsedTurn turn = parse("<bot>", "<c:add>{}</c>x<c:add>{</c><end>");
        assertTrue(turn.isFallback());
        assertEquals(List.of(), turn.calls());
        assertEquals("<c:add>{}</c>x<c:add>{</c>", turn.message().content());
    }

    @Test
    void takesCallsWithoutAFunctionAroundThem() {
        ParsedTurn turn =
                parser(
                                """
                                {"start_anchor": "<bot>", "fields": {"tool_calls": {
                                  "open": "<l>", "close": "</l>", "content": "python-call-list"}}}
                                """)
                        .parse("<bot>", "<l>[add(a=1), f()]</l>", TOOLS);
        assertFalse(turn.isFallback());
        assertEquals(List.of("add", "f"), turn.calls().stream().map(c -> c.name()).toList());
    }

    @Test
    void keepsDefaultsAsTheyAre() {
        var parser =
                parser(
                        """
                        {"start_anchor": "<bot>", "defaults": {"notes": ["a"]},
                         "fields": {"notes": {"open": "<n>", "close": "</n>", "repeats": true}}}
                        """);
        for (int i = 0; i < 2; i++) {
            ParsedTurn turn = parser.parse("<bot>", "<n>b</n>", List.of());
            assertEquals(List.of("a", "b"), turn.message().fields().get("notes"));
        }
    }

    @Test
    void keepsTheLastStretchOfContent() {
        ParsedTurn turn = parse("<bot>", "one<c:add>{}</c>two<end>");
        assertFalse(turn.isFallback());
        assertEquals("two", turn.message().content());
    }

    @Test
    void refusesTemplatesThatCannotBeRead() {
        refuses("\"join\": \",\"", "join needs repeats: true");
        refuses("\"opens\": \"x\"", "unknown key opens; meant: open");
        refuses("\"content\": \"yaml\"", "unknown content parser yaml");
        refuses("\"open_pattern\": \"(?P<n>x)\"", "groups that no transform uses: n");
        refuses("\"open_pattern\": \"(x\"", "Unclosed group");
    }

    private static void refuses(String field, String message) {
        String template = "{\"start_anchor\": \"x\", \"fields\": {\"f\": {" + field + "}}}";
        var e = assertThrows(ModelException.class, () -> parser(template));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }
}
