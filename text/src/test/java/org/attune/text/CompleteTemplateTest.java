package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.List;
import java.util.Map;

class CompleteTemplateTest {
    private static final String PLAIN =
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    private static final String TOOLS =
            "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}"
                    + "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
                    + "{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}"
                    + "{% endfor %}";
    private static final Message QUESTION = Message.of("user", "What time is it?");
    private static final Map<String, Object> CALL =
            Map.of("function", Map.of("name", "clock", "arguments", Map.of("zone", "UTC")));
    private static final Message CALLING =
            new Message(
                    Map.of(
                            "role",
                            "assistant",
                            "content",
                            "",
                            "tool_calls",
                            List.<Object>of(CALL)));

    private static ChatTemplate template(String source) {
        return CompleteTemplate.of(
                JinjaChatTemplate.compile("test", source, Map.of(), Clock.systemUTC()));
    }

    private static String render(String source, Message... messages) {
        return template(source).render(Conversation.of(List.of(messages)), Tail.NOTHING).text();
    }

    private static void refuses(String part, String source, Message... messages) {
        var e = assertThrows(DatasetException.class, () -> render(source, messages));
        assertTrue(
                e.getMessage().startsWith(part + " is not in what the chat template test renders"),
                e.getMessage());
        assertTrue(e.getMessage().contains("chat_template_path"), e.getMessage());
    }

    @Test
    void callsThatATemplateDoesNotShowAreRefused() {
        refuses("tool call 1 of message 2", PLAIN, QUESTION, CALLING);
        String shown = render(TOOLS, QUESTION, CALLING);
        assertTrue(
                shown.endsWith("{\"name\": \"clock\", \"arguments\": {\"zone\": \"UTC\"}}")
                        || shown.endsWith(
                                "{\"arguments\": {\"zone\": \"UTC\"}, \"name\": \"clock\"}"),
                shown);
        refuses(
                "the arguments of tool call 1 of message 2",
                TOOLS.replace("c.function | tojson", "c.function.name"),
                QUESTION,
                CALLING);
    }

    @Test
    void definitionsOfToolsThatATemplateDoesNotShowAreRefused() {
        List<Object> tools = List.of(Map.of("function", Map.of("name", "clock")));
        var conversation = new Conversation(List.of(QUESTION), tools, Map.of());
        var plain = template(PLAIN);
        var e =
                assertThrows(
                        DatasetException.class,
                        () -> plain.render(conversation, Tail.GENERATION_PROMPT));
        assertTrue(e.getMessage().startsWith("tool 1 of the column tools"), e.getMessage());
        assertTrue(
                template(TOOLS).render(conversation, Tail.NOTHING).text().contains("clock"),
                "shown by a template that knows tools");
    }

    @Test
    void contentsOfAnyRoleMustBeShown() {
        String fewRoles = PLAIN.replace("messages %}[", "messages if m.role != 'developer' %}[");
        refuses(
                "the content of message 1",
                fewRoles,
                Message.of("developer", "Be brief."),
                QUESTION);
        String noTextBesideCalls =
                TOOLS.replace("{{ m.content }}", "{{ m.content if not m.tool_calls }}");
        var both =
                new Message(
                        Map.of(
                                "role",
                                "assistant",
                                "content",
                                "I look.",
                                "tool_calls",
                                List.<Object>of(CALL)));
        refuses("the content of message 2", noTextBesideCalls, QUESTION, both);
    }

    @Test
    void reasoningMayBeMissingFromEarlierTurnsOnlyWhereTheTemplateKnowsIt() {
        var reasoned =
                new Message(
                        Map.of(
                                "role", "assistant",
                                "content", "Noon.",
                                "reasoning_content", "The sun stands high."));
        refuses("the field reasoning_content of message 2", PLAIN, QUESTION, reasoned);
        String lastOnly =
                PLAIN.replace(
                        "{{ m.content }}", "{{ m.reasoning_content if loop.last }}{{ m.content }}");
        assertTrue(render(lastOnly, QUESTION, reasoned).contains("The sun stands high."));
        assertEquals(
                "[user]What time is it?[assistant]Noon.[user]What time is it?",
                render(lastOnly, QUESTION, reasoned, QUESTION));
        refuses("the field reasoning_content of message 2", PLAIN, QUESTION, reasoned, QUESTION);
    }

    /// gpt-oss leaves out what was thought for calls once their answer stands.
    @Test
    void reasoningOfCallsMayBeMissingBeforeTheAnswer() {
        String untilAnswer =
                """
                {% for m in messages %}[{{ m.role }}]{% if m.reasoning_content and loop.index0 + 2 >= \
                messages | length %}{{ m.reasoning_content }}{% endif %}{{ m.content }}\
                {% for c in m.tool_calls %}{{ c.function | tojson }}{% endfor %}{% endfor %}\
                """;
        var call =
                new Message(
                        Map.of(
                                "role",
                                "assistant",
                                "content",
                                "",
                                "reasoning_content",
                                "A clock.",
                                "tool_calls",
                                List.<Object>of(CALL)));
        Message result = Message.of("tool", "12:00");
        assertTrue(render(untilAnswer, QUESTION, call, result).contains("A clock."));
        assertFalse(
                render(untilAnswer, QUESTION, call, result, Message.of("assistant", "Noon."))
                        .contains("A clock."));
        refuses(
                "the field reasoning_content of message 2",
                untilAnswer,
                QUESTION,
                call,
                result,
                call);
    }

    @Test
    void partsThatAreNoTextAreRefused() {
        var picture =
                new Message(
                        Map.of(
                                "role",
                                "user",
                                "content",
                                List.<Object>of(
                                        Map.of("type", "text", "text", "What is it?"),
                                        Map.of("type", "image", "url", "a.png"))));
        String parts =
                "{% for m in messages %}{% for p in m.content %}{{ p.text or '<image>' }}"
                        + "{% endfor %}{% endfor %}";
        refuses("part 2 of message 1 (image)", parts, picture);
    }

    /// A conversation that is shown says nothing of one whose parts are of another type.
    @Test
    void partsOfEachTypeAreLookedFor() {
        String texts =
                "{% for m in messages %}{% for p in m.content %}"
                        + "{{ p.text if p.type == 'text' }}{% endfor %}{% endfor %}";
        ChatTemplate checked = template(texts);
        assertEquals("Noon?", checked.render(asking("text"), Tail.NOTHING).text());
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> checked.render(asking("input_text"), Tail.NOTHING))
                        .getMessage();
        assertTrue(message.contains("part 1 of message 1 is not in"), message);
    }

    private static Conversation asking(String type) {
        return Conversation.of(
                List.of(
                        new Message(
                                Map.of(
                                        "role",
                                        "user",
                                        "content",
                                        List.<Object>of(Map.of("type", type, "text", "Noon?"))))));
    }

    @Test
    void templatesThatWantArgumentsAsTextGetThem() {
        String joins =
                "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}{{"
                    + " c.function.name + ' ' + c.function.arguments }}{% endfor %}{% endfor %}";
        assertEquals("What time is it?clock {\"zone\": \"UTC\"}", render(joins, QUESTION, CALLING));
    }
}
