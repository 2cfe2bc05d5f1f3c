package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.json.Json;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.parse.protocol.ToolProtocols;
import org.attune.text.parse.protocol.ToolProtocols.Choice;
import org.attune.text.parse.protocol.TurnParsers;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// A model whose template knows no tools learns from rows with calls: they count as what the
/// assistant says, tools and results don't.
class ToolProtocolMaskTest {
    private static final Conversation TALK =
            new Conversation(
                    List.of(
                            Message.of("user", "hello"),
                            new Message(
                                    TextFixtures.map(
                                            Json.parse(
                                                    """
                                                    {"role": "assistant", "content": "Well.",
                                                     "tool_calls": [{"function": {"name": "calc",
                                                       "arguments": {"expression": "12*7"}}}]}
                                                    """))),
                            Message.of("tool", "84"),
                            Message.of("assistant", "It is 84.")),
                    List.of(
                            Json.parse(
                                    """
                                    {"function": {"name": "calc", "parameters":
                                      {"properties": {"expression": {"type": "string"}}}}}
                                    """)),
                    Map.of());

    @ParameterizedTest
    @EnumSource(
            value = Choice.class,
            names = {"HERMES", "LINE"})
    void callsAreWhatTheAssistantSays(Choice choice) {
        try (TextAssets assets = TextAssets.load(TinyModel.folder())) {
            ChatTemplate template = assets.template().orElseThrow();
            var protocols =
                    new ToolProtocols(TurnParsers.of(assets.tokenizer(), assets.specials(), false));
            ChatTemplate written =
                    protocols.of(choice, TinyModel.folder(), assets.template()).over(template);
            ChatTokenizer.MaskedEncoding masked =
                    assets.withTemplate(written).chat().encodeWithMask(TALK, Tail.NOTHING);
            assertTrue(
                    masked.text()
                            .contains(
                                    "<|start|>user\n"
                                            + (choice == Choice.LINE ? "= 84" : "<tool_response>")),
                    masked.text());
            var known = assertInstanceOf(AssistantMask.Known.class, masked.assistant());
            int[] said =
                    IntStream.range(0, masked.ids().length)
                            .filter(i -> known.tokens()[i])
                            .map(i -> masked.ids()[i])
                            .toArray();
            String call =
                    choice == Choice.LINE
                            ? "call calc 12*7"
                            : "<tool_call>\n{\"name\": \"calc\", \"arguments\":"
                                    + " {\"expression\": \"12*7\"}}\n</tool_call>";
            assertEquals(
                    "Well.\n" + call + "<|end|>It is 84.<|end|>",
                    assets.tokenizer().decode(said, false));
        }
    }
}
