package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.error.ModelException;
import org.attune.text.ChatTemplate.Tail;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

class JinjaChatTemplateTest {
    private static final Conversation HELLO =
            Conversation.of(List.of(Message.of("user", "hi"), Message.of("assistant", "yo  ")));

    private static JinjaChatTemplate template(String source) {
        return JinjaChatTemplate.compile(
                "test.jinja",
                source,
                new SpecialTokens(Map.of("bos_token", "<s>", "eos_token", "</s>")));
    }

    private static String render(String source, Conversation conversation) {
        return template(source).render(conversation, Tail.NOTHING).text();
    }

    @Test
    void nullFieldsAreGoneAndReasoningHasAliases() {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", "assistant");
        fields.put("content", null);
        fields.put("reasoning", "hm");
        String seen = render("{{ messages[0] }}", Conversation.of(List.of(new Message(fields))));
        assertEquals(
                "{'role': 'assistant', 'reasoning': 'hm', 'reasoning_content': 'hm',"
                        + " 'thinking': 'hm'}",
                seen);
    }

    @Test
    void toolsAndDocumentsAreAlwaysDefined() {
        String source =
                "{{ tools is none }} {{ documents is none }} {{ bos_token }}{{ pad_token }}";
        assertEquals("True True <s>", render(source, HELLO));
        var withTools =
                new Conversation(
                        HELLO.messages(), List.of(Map.of("name", "f")), Map.of("bos_token", "<b>"));
        assertEquals("[{'name': 'f'}] <b>", render("{{ tools }} {{ bos_token }}", withTools));
    }

    @Test
    void generationPromptIsAFlag() {
        var template = template("{{ add_generation_prompt }}");
        assertEquals("True", template.render(HELLO, Tail.GENERATION_PROMPT).text());
        assertEquals("False", template.render(HELLO, Tail.NOTHING).text());
    }

    @Test
    void anOpenMessageEndsWithItsText() {
        String keeping = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
        assertEquals("[hi][yo  ", template(keeping).render(HELLO, Tail.CONTINUE).text());
        String trimming = "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}";
        assertEquals("[hi][yo", template(trimming).render(HELLO, Tail.CONTINUE).text());
    }

    @Test
    void anOpenMessageThatIsNotShownIsRefused() {
        var e =
                assertThrows(
                        DatasetException.class,
                        () -> template("{{ messages[0].content }}").render(HELLO, Tail.CONTINUE));
        assertTrue(e.getMessage().contains("leaves its text out"), e.getMessage());
        assertThrows(
                DatasetException.class,
                () -> template("{{ messages }}").renderOpen(HELLO, "reasoning_content"));
        assertThrows(
                DatasetException.class,
                () -> template("{{ messages }}").render(Conversation.of(List.of()), Tail.CONTINUE));
    }

    @Test
    void refusalsNameTemplateLineAndRoles() {
        var template = template("a\n{{ raise_exception('no system role') }}");
        var e = assertThrows(DatasetException.class, () -> template.render(HELLO, Tail.NOTHING));
        assertEquals(
                "chat template test.jinja, line 2: no system role (roles of the messages: [user,"
                        + " assistant])",
                e.getMessage());
    }

    @Test
    void brokenTemplatesFailWhenCompiled() {
        var e = assertThrows(ModelException.class, () -> template("x\n{{ messages | from_json }}"));
        assertTrue(
                e.getMessage()
                        .startsWith(
                                "chat template test.jinja, line 2: No filter named 'from_json'."),
                e.getMessage());
    }

    @Test
    void marksWhatTheAssistantSays() {
        var template =
                template(
                        "{% for m in messages %}<{{ m.role }}>"
                                + "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}👋"
                                + "{% endgeneration %}{% else %}{{ m.content }}{% endif %}"
                                + "{% endfor %}!");
        assertTrue(template.marksAssistant());
        assertFalse(template("{# {% generation %} #}x").marksAssistant());
        ChatTemplate.Rendering rendering = template.render(HELLO, Tail.NOTHING);
        assertEquals("<user>hi<assistant>yo  👋!", rendering.text());
        assertArrayEquals(new int[] {19}, rendering.start());
        assertArrayEquals(new int[] {25}, rendering.end());
    }
}
