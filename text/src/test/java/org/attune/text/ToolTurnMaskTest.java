package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.attune.json.Json;
import org.attune.text.ChatTemplate.Tail;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/// What the assistant says in conversations with tools, under templates that tell little of it:
/// without headers, without end tokens, or with texts that others follow.
class ToolTurnMaskTest {
    private static final int START = 1; // the token <|start|>

    private final TextAssets assets = TextAssets.load(TinyModel.folder());

    @AfterEach
    void close() {
        assets.close();
    }

    private static Message call(String text, String name) {
        return new Message(
                TextFixtures.map(
                        Json.parse(
                                """
                                {"role": "assistant", "content": "%s", "tool_calls": [{"id": "9",
                                 "function": {"name": "%s", "arguments": {"x": 1}}}]}
                                """
                                        .formatted(text, name))));
    }

    private static final List<Object> TOOLS =
            List.of(Json.parse("{\"function\": {\"name\": \"calc\"}}"));

    private static Conversation talk(Message... more) {
        var messages =
                new ArrayList<>(
                        List.of(
                                Message.of("user", "hello"),
                                call("", "calc"),
                                Message.of("tool", "84"),
                                call("", "add"),
                                Message.of("tool", "85"),
                                Message.of("assistant", "it is")));
        messages.addAll(List.of(more));
        return new Conversation(messages, TOOLS, Map.of());
    }

    /// The assistant's tokens, as a text, with `|` between turns.
    private String said(String template, Conversation conversation, Set<Integer> ends) {
        ChatTokenizer chat =
                assets.withTemplate(JinjaChatTemplate.compile("test", template, assets.specials()))
                        .chat()
                        .stoppingAt(ends);
        ChatTokenizer.MaskedEncoding masked = chat.encodeWithMask(conversation, Tail.NOTHING);
        var known = assertInstanceOf(AssistantMask.Known.class, masked.assistant());
        assertEquals(masked.ids().length, known.tokens().length);
        assertEquals(masked.text(), assets.tokenizer().decode(masked.ids(), false));
        var text = new StringBuilder();
        for (int turn = 0; turn < known.spans(); turn++) {
            int number = turn;
            int[] ids =
                    IntStream.range(0, masked.ids().length)
                            .filter(i -> known.turns()[i] == number)
                            .map(i -> masked.ids()[i])
                            .toArray();
            text.append(turn > 0 ? "|" : "").append(assets.tokenizer().decode(ids, false));
        }
        return text.toString();
    }

    /// As Mistral's: no headers, and tools before the last message of a user.
    @Test
    void turnsWithoutAHeaderStartBehindTheMessageBefore() {
        String template =
                """
                {%- set users = messages | selectattr("role", "equalto", "user") | list %}
                {%- for m in messages %}
                {%- if m.role == "user" %}
                {%- if m == users[-1] %}{{ tools | tojson }}{% endif %}[u]{{ m.content }}[/u]
                {%- elif m.role == "tool" %}[r]{"content": {{ m.content }}, "id": "9"}[/r]
                {%- elif m.tool_calls %}[c]
                {%- for c in m.tool_calls -%}
                {{ c.function.name }}{{ c.function.arguments | tojson }}, "id": "9"
                {%- endfor %}<|end|>
                {%- else %} {{ m.content }}<|end|>
                {%- endif %}
                {%- endfor %}\
                """;
        assertEquals(
                "[c]calc{\"x\": 1}, \"id\": \"9\"<|end|>|[c]add{\"x\": 1}, \"id\": \"9\"<|end|>"
                        + "| it is<|end|>",
                said(template, talk(Message.of("user", "so")), Set.of()));
    }

    /// As Apertus': a turn goes on behind results of tools, without a header.
    private static final String GOES_ON =
            """
            {{ tools | tojson }}
            {%- for m in messages %}
            {%- if m.role == "user" %}
            {%- if not loop.first %}<|end|>{% endif %}<|start|>user{{ m.content }}<|start|>assistant
            {%- elif m.role == "tool" %}[{{ m.content }}]
            {%- else %}{{ m.content }}
            {%- for c in m.tool_calls -%}
            (call {{ c.function.name }}{{ c.function.arguments | tojson }})
            {%- endfor %}
            {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt and messages[-1].role == "tool" %}<|start|>assistant
            {%- endif %}\
            """;

    @Test
    void aTurnThatGoesOnBehindResultsHasNoHeader() {
        assertEquals(
                "(call calc{\"x\": 1})|(call add{\"x\": 1})|it is<|end|>",
                said(GOES_ON, talk(Message.of("user", "so")), Set.of()));
    }

    /// As GPT-OSS': the name of a tool stands beside its answer too.
    @Test
    void aNameBesideTheAnswerBelongsToNoTurn() {
        String template =
                """
                {{ tools | tojson }}
                {%- for m in messages %}
                {%- if m.role == "tool" %}<|start|>{{ messages[loop.index0 - 1].tool_calls[0].function.name }} says {{ m.content }}<|end|>
                {%- elif m.tool_calls %}<|start|>assistant to {{ m.tool_calls[0].function.name }} {{ m.tool_calls[0].function.arguments | tojson }}<|end|>
                {%- else %}<|start|>{{ m.role }} {{ m.content }}<|end|>
                {%- endif %}
                {%- endfor %}
                {%- if add_generation_prompt %}<|start|>assistant{% endif %}\
                """;
        assertEquals(
                " to calc {\"x\": 1}<|end|>| to add {\"x\": 1}<|end|>| it is<|end|>| bye<|end|>",
                said(
                        template,
                        talk(Message.of("user", "so"), Message.of("assistant", "bye")),
                        Set.of()));
    }

    /// As GLM's: the token that begins what follows ends a turn, and stands behind none that is
    /// the last.
    private static final String ENDED_BY_NEXT =
            """
            {{ tools | tojson }}
            {%- for m in messages %}
            {%- if m.role == "assistant" %}
            {%- if messages[loop.index0 - 1].role != "assistant" %}[a]{% endif %}{{ m.content }}
            {%- for c in m.tool_calls -%}
            (call {{ c.function.name }}{{ c.function.arguments | tojson }})
            {%- endfor %}
            {%- else %}<|start|>{{ m.role }}{{ m.content }}
            {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}[a]{% endif %}\
            """;

    @Test
    void theTokenThatFollowsEndsATurnIfTheModelStopsThere() {
        Conversation talk = talk(Message.of("user", "so"));
        assertEquals(
                "(call calc{\"x\": 1})<|start|>|(call add{\"x\": 1})<|start|>|it is<|start|>",
                said(ENDED_BY_NEXT, talk, Set.of(START)));
        assertEquals(
                "(call calc{\"x\": 1})|(call add{\"x\": 1})|it is",
                said(ENDED_BY_NEXT, talk, Set.of()));
    }

    @Test
    void theLastTurnGetsTheEndTokenThatWouldFollow() {
        assertEquals(
                "(call calc{\"x\": 1})<|start|>|(call add{\"x\": 1})<|start|>|it is<|start|>",
                said(ENDED_BY_NEXT, talk(), Set.of(START)));
        assertEquals(
                "(call calc{\"x\": 1})|(call add{\"x\": 1})|it is<|end|>",
                said(GOES_ON, talk(), Set.of()));
    }

    /// As Command R+'s: a reminder stands behind every conversation, and turns with calls end by
    /// no token.
    @Test
    void aReminderBehindTheConversationBelongsToNoTurn() {
        String template =
                """
                {%- for m in messages %}<|start|>{{ m.role }}
                {{ m.content }}
                {%- if m.tool_calls %}
                {%- for c in m.tool_calls -%}
                (call {{ c.function.name }}{{ c.function.arguments | tojson }})
                {%- endfor %}
                {%- else %}<|end|>
                {%- endif %}
                {%- endfor %}<|start|>system {{ tools | tojson }}<|end|>
                {%- if add_generation_prompt %}<|start|>assistant
                {% endif %}\
                """;
        assertEquals(
                "(call calc{\"x\": 1})|(call add{\"x\": 1})|it is<|end|>",
                said(template, talk(), Set.of()));
    }
}
