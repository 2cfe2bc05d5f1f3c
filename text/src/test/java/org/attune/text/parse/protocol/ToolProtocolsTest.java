package org.attune.text.parse.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.parse.Cuts;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolProtocol;
import org.attune.text.parse.protocol.ToolProtocols.Choice;
import org.attune.text.parse.turn.ArgumentTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class ToolProtocolsTest {
    private static final String CHAT =
            """
            {%- for m in messages %}<s:{{ m.role }}>{{ m.content }}</s>
            {% endfor %}{% if add_generation_prompt %}<s:assistant>{% endif %}\
            """;

    private static final String WITH_TOOLS =
            """
            {%- if tools %}Tools: {{ tools | tojson }}
            {% endif %}{% for m in messages %}<s:{{ m.role }}>{{ m.content }}
            {%- for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}</s>
            {% endfor %}{% if add_generation_prompt %}<s:assistant>{% endif %}\
            """;

    private static final List<Object> TOOLS =
            List.of(
                    Json.parse(
                            """
                            {"type": "function", "function": {"name": "calc",
                              "description": "Computes.", "parameters": {"properties":
                              {"expression": {"type": "string"}}}}}
                            """),
                    Json.parse(
                            """
                            {"type": "function", "function": {"name": "select",
                              "description": "Counts.", "parameters": {"properties":
                              {"column": {"type": "string"}, "least": {"type": "integer"},
                               "value": {"type": "string"}}}}}
                            """));

    private static ChatTemplate template(String source) {
        return JinjaChatTemplate.compile("test", source, SpecialTokens.none());
    }

    private static ToolProtocols protocols() {
        return new ToolProtocols(new TurnParsers(Optional.of("<eos>"), List.of(), false));
    }

    private static ToolProtocol protocol(Choice choice, String source) {
        return protocols().of(choice, Optional.of(template(source)));
    }

    @Test
    void choosesTheTemplateIfItKnowsTools() {
        assertEquals("template", protocol(Choice.AUTO, WITH_TOOLS).key());
        assertEquals("hermes", protocol(Choice.AUTO, CHAT).key());
        assertEquals("line", protocols().of(Choice.AUTO, Optional.empty()).key());
        var e = assertThrows(ConfigException.class, () -> protocol(Choice.TEMPLATE, CHAT));
        assertTrue(e.getMessage().contains("knows no tools"), e.getMessage());
        assertThrows(ConfigException.class, () -> Choice.of("json"));
        assertEquals(Choice.LINE, Choice.of("line"));
    }

    /// As Command R+'s does behind every conversation.
    @Test
    void aReminderBehindTheConversationIsNoEndOfATurn() {
        String source =
                WITH_TOOLS.replace(
                        "{% if add_generation_prompt %}",
                        "<s:system>Call<tool_call>name</tool_call> tools.</s>"
                                + "{% if add_generation_prompt %}");
        ToolProtocol protocol =
                protocol(
                        Choice.AUTO,
                        source.replace("</s>\n", "</s>").replace("</s>{% e", "</s>{%- e"));
        assertEquals("template", protocol.key());
        ParsedTurn turn = protocol.parser().parse("<s:assistant>", "It is 4.</s>");
        assertEquals("It is 4.", turn.message().content());
    }

    @Test
    void readsWhatTheTemplateWrites() {
        ParsedTurn turn =
                protocol(Choice.AUTO, WITH_TOOLS)
                        .parser()
                        .parse(
                                "<s:user>Hi</s>\n<s:assistant>",
                                "So.<tool_call>{\"name\": \"calc\", \"arguments\":"
                                        + " {}}</tool_call></s>\n",
                                TOOLS);
        assertEquals("calc", turn.calls().getFirst().name());
        assertEquals("So.", turn.message().content());
    }

    @Test
    void takesTheFoldersOwnDescription(@TempDir Path folder) throws IOException {
        Files.writeString(
                folder.resolve("tokenizer_config.json"),
                """
                {"response_template": {"start_anchor": "<s:assistant>", "fields": {
                  "tool_calls": {"open": "@@", "close": "@@", "content": "json", "repeats": true,
                    "transform": {"function": "{content}"}},
                  "content": {"close": "</s>"}}}}
                """);
        ParsedTurn turn =
                protocols()
                        .of(Choice.AUTO, folder, Optional.of(template(WITH_TOOLS)))
                        .parser()
                        .parse("<s:assistant>", "a@@{\"name\": \"calc\"}@@b</s>");
        assertEquals("calc", turn.calls().getFirst().name());
        assertEquals("a\nb", turn.message().content());
    }

    private static Conversation conversation() {
        Object call =
                Json.parse(
                        """
                        {"function": {"name": "calc", "arguments": {"expression": "12*7"}}}
                        """);
        return new Conversation(
                List.of(
                        Message.of("user", "How much?"),
                        new Message(
                                Map.of(
                                        "role",
                                        "assistant",
                                        "content",
                                        "Well.",
                                        "tool_calls",
                                        List.of(call))),
                        Message.of("tool", "84")),
                TOOLS.subList(0, 1),
                Map.of());
    }

    private static String rendered(Choice choice) {
        ChatTemplate template = template(CHAT);
        return protocol(choice, CHAT)
                .over(template)
                .render(conversation(), Tail.GENERATION_PROMPT)
                .text();
    }

    @Test
    void writesCallsOnLines() {
        assertEquals(
                """
                <s:system>You can call tools. Write a call on a line of its own and stop there:
                call calc EXPRESSION — Computes.
                The result comes on a line that begins with =.</s>
                <s:user>How much?</s>
                <s:assistant>Well.
                call calc 12*7</s>
                <s:user>= 84</s>
                <s:assistant>\
                """,
                rendered(Choice.LINE));
    }

    @Test
    void writesCallsBetweenTags() {
        String text = rendered(Choice.HERMES);
        assertTrue(text.contains("<tools>\n{\"type\": \"function\""), text);
        assertTrue(
                text.endsWith(
                        """
                        <s:assistant>Well.
                        <tool_call>
                        {"name": "calc", "arguments": {"expression": "12*7"}}
                        </tool_call></s>
                        <s:user><tool_response>
                        84
                        </tool_response></s>
                        <s:assistant>\
                        """),
                text);
    }

    @Test
    void tellsOfToolsInTheUsersMessageIfThereIsNoSystem() {
        String source =
                CHAT.replace(
                        "{%- for",
                        "{%- if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif"
                                + " %}{% for");
        String text =
                protocol(Choice.LINE, source)
                        .over(template(source))
                        .render(conversation(), Tail.NOTHING)
                        .text();
        assertTrue(text.startsWith("<s:user>You can call tools."), text);
        assertTrue(text.contains("=.\n\nHow much?</s>"), text);
    }

    private static ParsedTurn line(String text) {
        var parser = protocol(Choice.LINE, CHAT).parser();
        Cuts.check(parser, "", text, TOOLS);
        return parser.parse("", text, TOOLS);
    }

    @Test
    void readsCallsOnLines() {
        ParsedTurn turn = line("Let me call it.\n  call calc 12 * 7\ncall calc (1+2)\n</s>\n");
        assertEquals("Let me call it.", turn.message().content());
        assertEquals(
                List.of(Map.of("expression", "12 * 7"), Map.of("expression", "(1+2)")),
                turn.calls().stream().map(call -> call.named()).toList());
        assertEquals(
                Map.of("column", "red", "least", 3L, "value", "a b"),
                line("call select red 3 a b").calls().getFirst().named());
        assertEquals("callous words", line("callous words<eos>").message().content());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    calc   ~ {"expression": "12 * 7"}                       ~ calc 12 * 7
                    calc   ~ {"expression": " 1"}                           ~ calc " 1"
                    calc   ~ {"expression": "{}"}                           ~ calc "{}"
                    calc   ~ {"expression": ""}                             ~ calc ""
                    calc   ~ {"expression": "a\\nb"}                        ~ calc "a\\nb"
                    calc   ~ {}                                             ~ calc
                    select ~ {"column": "red", "least": 3, "value": "a b"}  ~ select red 3 a b
                    select ~ {"column": "a b", "least": 3}                  ~ select "a b" 3
                    select ~ {"column": "{a", "least": 3}                   ~ select "{a" 3
                    select ~ {"least": 3}                                   ~ select {"least": 3}
                    select ~ {"column": "x", "least": [1]}                  ~ select {"column": "x", "least": [1]}
                    """)
    void readsBackTheLinesItWrites(String name, String arguments, String line) {
        var types = new ArgumentTypes(TOOLS);
        var map = (Map<?, ?>) Json.parse(arguments);
        assertEquals(line, CallLine.write(name, map, types));
        assertEquals(map, line("call " + line).calls().getFirst().named());
    }

    @Test
    void endsALineOfAModelWithoutATemplate() {
        ToolProtocol line = protocols().of(Choice.LINE, Optional.empty());
        assertEquals(List.of("\n"), line.stops());
        assertEquals("= 84\n", line.writtenPlainly(List.of(Message.of("tool", "84"))));
        assertEquals(List.of(), protocol(Choice.LINE, CHAT).stops());
    }
}
