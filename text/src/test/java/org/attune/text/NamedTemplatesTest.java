package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.testing.CaseReport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Templates that are chosen by name.
class NamedTemplatesTest {
    private static final SpecialTokens SPECIALS =
            new SpecialTokens(Map.of("bos_token", "<s>", "eos_token", "</s>"));

    private static final Set<String> ROLES = Set.of("system", "user", "assistant");

    @ParameterizedTest
    @CsvSource(
            delimiter = '§',
            textBlock =
                    """
                    chatml  § <|im_start|>user|Q<|im_end|>|<|im_start|>assistant|A<|im_end|>|
                    llama3  § <s><|start_header_id|>user<|end_header_id|>||Q<|eot_id|><|start_header_id|>assistant<|end_header_id|>||A<|eot_id|>
                    llama2  § <s>[INST] Q [/INST] A </s>
                    mistral § '<s> [INST] Q [/INST] A</s>'
                    gemma   § <s><start_of_turn>user|Q<end_of_turn>|<start_of_turn>model|A<end_of_turn>|
                    phi3    § <|user|>|Q<|end|>|<|assistant|>|A<|end|>|</s>
                    zephyr  § <|user|>|Q</s>|<|assistant|>|A</s>|
                    vicuna  § USER: Q ASSISTANT: A</s>
                    alpaca  § ### Instruction:|Q||### Response:|A</s>||
                    """)
    void markTheAnswer(String name, String expected) {
        var template = JinjaChatTemplate.named(name, SPECIALS);
        var conversation = conversation("user", "Q", "assistant", "A");
        ChatTemplate.Rendering rendering = template.render(conversation, ChatTemplate.Tail.NOTHING);
        assertEquals(lines(expected), rendering.text());
        assertEquals(1, rendering.start().length);
        String said = rendering.text().substring(rendering.start()[0], rendering.end()[0]);
        assertEquals("A", said.strip().substring(0, 1));
        String prompt =
                template.render(conversation("user", "Q"), ChatTemplate.Tail.GENERATION_PROMPT)
                        .text();
        assertEquals(rendering.text().substring(0, rendering.start()[0]), prompt);
    }

    @Test
    void systemMessagesAreShownOrRefused() {
        for (String name : JinjaChatTemplate.NAMES) {
            var template = JinjaChatTemplate.named(name, SPECIALS);
            var conversation = conversation("system", "Be brief", "user", "Q");
            if (name.equals("gemma")) {
                assertThrows(
                        DatasetException.class,
                        () -> template.render(conversation, ChatTemplate.Tail.NOTHING));
            } else {
                String text = template.render(conversation, ChatTemplate.Tail.NOTHING).text();
                assertTrue(text.indexOf("Be brief") < text.indexOf("Q"), text);
                assertTrue(text.contains("Be brief"), text);
            }
        }
    }

    /// What the families' own templates make of recorded conversations. The recorded one of Llama 2
    /// writes its own indents, and some leave out messages of roles that they don't know.
    @Test
    @Tag("fixtures-text")
    void renderAsTheirFamiliesDo() {
        List<Map<String, Object>> rows = TextFixtures.rows("text/templates/cases.jsonl");
        Map<String, String> recorded =
                Map.of(
                        "chatml", "chatml",
                        "llama3", "llama3",
                        "mistral_v1", "mistral",
                        "gemma", "gemma",
                        "phi3", "phi3");
        int compared = 0;
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : rows) {
                String name = recorded.get((String) row.get("template"));
                if (name != null
                        && !row.containsKey("error")
                        && TextFixtures.conversation(row).messages().stream()
                                .allMatch(m -> ROLES.contains(m.role()))
                        && row.get("continue_final_message") == null) {
                    compared++;
                    report.run((String) row.get("id"), () -> check(name, row));
                }
            }
        }
        assertTrue(compared > 100, compared + " cases");
    }

    private static void check(String name, Map<String, Object> row) {
        Map<String, Object> variables = TextFixtures.map(row.get("variables"));
        var template = JinjaChatTemplate.named(name, new SpecialTokens(Map.of()));
        assertEquals(
                row.get("expected"),
                template.render(TextFixtures.conversation(row), TextFixtures.tail(row)).text(),
                () -> name + " " + variables);
    }

    private static String lines(String text) {
        // Bars that aren't part of a token such as <|end|>.
        return text.replaceAll("(?<!<)\\|(?!>)", "\n");
    }

    private static Conversation conversation(String... rolesAndContents) {
        var messages = new ArrayList<Message>();
        for (int i = 0; i + 1 < rolesAndContents.length; i += 2) {
            messages.add(Message.of(rolesAndContents[i], rolesAndContents[i + 1]));
        }
        return new Conversation(messages, List.of(), Map.of());
    }
}
