package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.TemplateOptions;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.Message;
import org.attune.text.SpecialTokens;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Pairs of transcripts: completions in which a tool answers between the assistant's turns.
class TranscriptPairsTest {
    private static final String TEMPLATE =
            "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};"
                    + "{% endfor %}{% if add_generation_prompt %}a:{% endif %}";

    private final Tokenizer bytes = new ByteTokenizer(true);
    private final SampleTokenizer tokenizer =
            new SampleTokenizer(
                    bytes,
                    Optional.of(JinjaChatTemplate.compile("test", TEMPLATE, SpecialTokens.none())));

    private static Sample.Preference pair(List<Message> chosen, List<Message> rejected) {
        return new Sample.Preference(
                new Content.Turns(List.of(Message.of("user", "q"))),
                new Content.Turns(chosen),
                new Content.Turns(rejected),
                TemplateOptions.NONE,
                new Row(Map.of(), new RowOrigin("pairs.jsonl", 1, 0)));
    }

    private static final List<Message> CALLS =
            List.of(
                    Message.of("assistant", "call"),
                    Message.of("tool", "84"),
                    Message.of("assistant", "It is 84"));

    private static final List<Message> GUESSES = List.of(Message.of("assistant", "80"));

    private PreferenceExample prepared(boolean assistantOnly, Sample.Preference pair) {
        var options =
                new PreferenceOptions(
                        OptionalInt.empty(), TruncationMode.KEEP_START, assistantOnly);
        return new PreferencePreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(List.of(pair), 1)
                .rows()
                .getFirst();
    }

    private String marked(CompletionTokens side) {
        var text = new StringBuilder();
        boolean inside = false;
        for (int i = 0; i <= side.length(); i++) {
            boolean trained = i < side.length() && side.isTrained(i);
            if (trained != inside) {
                text.append(trained ? '⟦' : '⟧');
                inside = trained;
            }
            if (i < side.length()) {
                text.append(bytes.decode(new int[] {side.ids()[i]}, false));
            }
        }
        return text.toString();
    }

    @Test
    void allCountAsInTrlUnlessAskedFor() {
        PreferenceExample pair = prepared(false, pair(CALLS, GUESSES));
        assertEquals("u:q;a:⟦call;t:84;a:It is 84;⟧", marked(pair.chosen()));
    }

    @Test
    void answersOfToolsDoNotCountWithAssistantOnlyLoss() {
        PreferenceExample pair = prepared(true, pair(CALLS, GUESSES));
        assertEquals("u:q;a:⟦call;⟧t:84;a:⟦It is 84;⟧", marked(pair.chosen()));
        assertEquals("u:q;a:⟦80;⟧", marked(pair.rejected()));
        String shown = new Preview(bytes, Preview.Marks.PLAIN).pair(pair);
        assertTrue(shown.contains("84"), shown);
    }

    @Test
    void turnsAreChosenByTheirWeight() {
        var untrained = new Message(Map.of("role", "assistant", "content", "call", "train", false));
        PreferenceExample pair =
                prepared(true, pair(List.of(untrained, CALLS.get(1), CALLS.get(2)), GUESSES));
        assertEquals("u:q;a:call;t:84;a:⟦It is 84;⟧", marked(pair.chosen()));
        var half = new Message(Map.of("role", "assistant", "content", "call", "weight", 0.5));
        assertTrue(
                assertThrows(
                                DatasetException.class,
                                () -> prepared(true, pair(List.of(half), GUESSES)))
                        .getMessage()
                        .contains("accepted in pairs: 0 and 1"));
    }
}
