package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.error.AttuneException;
import org.attune.jinja.JinjaException;
import org.attune.testing.CaseReport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Published chat templates on many conversations: the text that `apply_chat_template` gives.
@Tag("fixtures-text")
class ChatTemplateFixturesTest {
    private final Clock clock = TextFixtures.clock();
    private final Map<String, JinjaChatTemplate> templates = new HashMap<>();

    @Test
    void rendersAsApplyChatTemplate() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/templates/cases.jsonl")) {
                report.run((String) row.get("id"), () -> check(row));
            }
        }
    }

    private void check(Map<String, Object> row) {
        if (!row.containsKey("error")) {
            ChatTemplate.Rendering rendering = render(row);
            assertEquals(row.get("expected"), rendering.text());
            if (row.get("assistant_spans_utf16") != null) {
                assertEquals(row.get("assistant_spans_utf16"), spans(rendering));
            }
            return;
        }
        Map<String, Object> error = TextFixtures.map(row.get("error"));
        AttuneException e = assertThrows(AttuneException.class, () -> render(row));
        if (Boolean.TRUE.equals(error.get("exact"))) {
            assertEquals(error.get("message"), ((JinjaException) e.getCause()).problem());
        }
    }

    private static List<Object> spans(ChatTemplate.Rendering rendering) {
        var spans = new ArrayList<>();
        for (int i = 0; i < rendering.start().length; i++) {
            spans.add(List.of((long) rendering.start()[i], (long) rendering.end()[i]));
        }
        return spans;
    }

    private ChatTemplate.Rendering render(Map<String, Object> row) {
        JinjaChatTemplate template =
                templates.computeIfAbsent((String) row.get("template"), this::compile);
        Conversation conversation = TextFixtures.conversation(row);
        return row.get("continue_final_message") instanceof String field
                ? template.renderOpen(conversation, field)
                : template.render(conversation, TextFixtures.tail(row));
    }

    private JinjaChatTemplate compile(String name) {
        String source = TextFixtures.text("text/templates/" + name + ".jinja");
        return JinjaChatTemplate.compile(name, source, Map.of(), clock);
    }
}
