package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class PlainPromptsTest {
    private static final Row ROW = new Row(Map.of(), new RowOrigin("rows.jsonl", 1, 0));
    private static final Sample TEXT =
            new Sample.LanguageModeling(new Content.Text("t"), TemplateOptions.NONE, ROW);

    @Test
    void promptsBecomeTheUsersAndCompletionsTheAssistants() {
        var pair =
                new Sample.Preference(
                        new Content.Text("q"),
                        new Content.Text("a"),
                        new Content.Text("b"),
                        TemplateOptions.NONE,
                        ROW);
        var asked = assertInstanceOf(Sample.Preference.class, PlainPrompts.asMessages(pair));
        assertEquals(turn("user", "q"), asked.prompt());
        assertEquals(turn("assistant", "a"), asked.chosen());
        assertEquals(turn("assistant", "b"), asked.rejected());
        assertEquals(1, PlainPrompts.count(List.of(pair, asked, TEXT)));
    }

    @Test
    void conversationsAndTextsWithoutPromptStayAsTheyAre() {
        var conversation = new Sample.PromptOnly(turn("user", "q"), TemplateOptions.NONE, ROW);
        assertEquals(conversation, PlainPrompts.asMessages(conversation));
        assertSame(TEXT, PlainPrompts.asMessages(TEXT));
    }

    private static Content turn(String role, String text) {
        return new Content.Turns(List.of(Message.of(role, text)));
    }
}
