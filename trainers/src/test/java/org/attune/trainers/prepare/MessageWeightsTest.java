package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Messages that count more or less than others, through the template `U:q.A:a.`
class MessageWeightsTest {
    private static final String MARKED =
            "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}.{% else %}A:"
                    + "{% generation %}{{ m.content }}{% endgeneration %}.{% endif %}{% endfor %}"
                    + "{% if add_generation_prompt %}A:{% endif %}";

    private final Tokenizer bytes = new ByteTokenizer(true);

    private static Message message(String role, String text, Object... fields) {
        var all = new LinkedHashMap<String, Object>();
        all.put("role", role);
        all.put("content", text);
        for (int i = 0; i < fields.length; i += 2) {
            all.put((String) fields[i], fields[i + 1]);
        }
        return new Message(all);
    }

    private static Sample conversation(Message... messages) {
        return new Sample.LanguageModeling(
                new Content.Turns(List.of(messages)), TemplateOptions.NONE, row());
    }

    private static Row row() {
        return new Row(Map.of(), new RowOrigin("chat.jsonl", 1, 0));
    }

    private SampleTokenizer tokenizer(String template) {
        return new SampleTokenizer(
                bytes,
                Optional.of(JinjaChatTemplate.compile("test", template, SpecialTokens.none())));
    }

    private PackedRow prepare(
            String template,
            boolean assistantOnly,
            Optional<PackingStrategy> packing,
            Sample... samples) {
        var options =
                new SftOptions(
                        OptionalInt.of(100),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        assistantOnly,
                        packing);
        return new SftPreparation(tokenizer(template), options, BadRowPolicy.ERROR)
                .prepare(List.of(samples), 1)
                .rows()
                .getFirst();
    }

    private String shown(PackedRow row) {
        return new Preview(bytes, Preview.Marks.PLAIN).row(row);
    }

    private String shown(boolean assistantOnly, Sample sample) {
        return shown(prepare(MARKED, assistantOnly, Optional.empty(), sample));
    }

    private String refusal(boolean assistantOnly, Sample sample) {
        return assertThrows(
                        DatasetException.class,
                        () -> prepare(MARKED, assistantOnly, Optional.empty(), sample))
                .getMessage();
    }

    private static final Sample WEIGHTED =
            conversation(
                    message("user", "q", "weight", 0L),
                    message("assistant", "r", "weight", 0L),
                    message("user", "s"),
                    message("assistant", "tu", "weight", 0.25),
                    message("user", "v"),
                    message("assistant", "w", "weight", 1L));

    @Test
    void anAssistantsMessageCountsAsItsWeightSays() {
        assertEquals(
                """
                ── chat.jsonl:1: 25 tokens, 3 trained with the weight 1.500
                U:q.A:r.U:s.A:⟦×0.25 tu⟧.U:v.A:⟦w⟧.
                """,
                shown(true, WEIGHTED).replace("<bos>", ""));
    }

    @Test
    void turnsAreFoundInTemplatesWithoutMarkersToo() {
        String plain = MARKED.replaceAll("\\{% (end)?generation %\\}", "");
        String shown = shown(prepare(plain, true, Optional.empty(), WEIGHTED));
        assertTrue(shown.contains("U:q.A:r.U:s.A:⟦×0.25 tu.⟧U:v.A:⟦w.⟧"), shown);
    }

    @Test
    void switchesOfOtherFormatsLeaveMessagesOut() {
        for (String field : List.of("train", "loss")) {
            Sample sample =
                    conversation(
                            message("user", "q", field, false),
                            message("assistant", "r", field, false),
                            message("user", "s", field, false),
                            message("assistant", "t", field, true));
            assertTrue(shown(true, sample).contains("U:q.A:r.U:s.A:⟦t⟧."));
        }
    }

    @Test
    void otherNamesOfAWeightAreRead() {
        Sample sample =
                conversation(
                        message("user", "q", "loss_weight", 0.0),
                        message("assistant", "r", "loss_weight", 0.5));
        assertTrue(shown(true, sample).contains("U:q.A:⟦×0.5 r⟧."));
        Sample both =
                conversation(
                        message("user", "q"),
                        message("assistant", "r", "weight", 1L, "loss_weight", 0.5));
        assertTrue(refusal(true, both).contains("which differ"));
    }

    @Test
    void theRestOfAConversationCountsInFullUnlessItIsLeftOut() {
        Sample sample =
                conversation(
                        message("user", "q", "weight", 1L),
                        message("assistant", "r", "weight", 0.5));
        assertTrue(shown(false, sample).contains(":q.A:⟧⟦×0.5 r⟧⟦.⟧"), shown(false, sample));
    }

    @Test
    void inCompletionsThePromptsMessagesMayHaveAnyWeight() {
        var sample =
                new Sample.PromptCompletion(
                        new Content.Turns(List.of(message("user", "q", "train", false))),
                        new Content.Turns(List.of(message("assistant", "r", "weight", 2L))),
                        TemplateOptions.NONE,
                        row());
        assertTrue(shown(false, sample).contains("U:q.A:⟦×2.0 r⟧⟦.⟧"), shown(false, sample));
    }

    @Test
    void weightsThatCannotBeObeyedAreRefused() {
        Message answer = message("assistant", "r");
        Sample user = conversation(message("user", "q", "weight", 0L), answer);
        assertEquals(
                "chat.jsonl:1: message 1 has the role user and the weight 0.0 in the loss; only"
                        + " messages of the assistant can have another than 1: set"
                        + " assistant_only_loss: true to train on them alone",
                refusal(false, user));
        Sample asked = conversation(message("user", "q", "train", true), answer);
        assertTrue(refusal(true, asked).contains("assistant_only_loss: true leaves it out"));
        for (Object wrong : List.of(-1L, Double.NaN, "0", true)) {
            Sample sample =
                    conversation(message("user", "q"), message("assistant", "r", "weight", wrong));
            String shown = wrong instanceof String text ? '"' + text + '"' : wrong.toString();
            String message = refusal(true, sample);
            assertTrue(message.contains("message 2 has the weight " + shown + ";"), message);
        }
        Sample contradiction =
                conversation(
                        message("user", "q"),
                        message("assistant", "r", "weight", 1L, "train", false));
        assertTrue(refusal(true, contradiction).contains("says the opposite"));
        Sample detail =
                conversation(
                        message("user", "q"),
                        message("assistant", "r", "train_detail", List.of("x")));
        assertTrue(refusal(true, detail).contains("train_detail"));
    }

    @Test
    void pairsHaveNoWeights() {
        var pair =
                new Sample.Preference(
                        new Content.Turns(List.of(message("user", "q"))),
                        new Content.Turns(List.of(message("assistant", "r", "weight", 0L))),
                        new Content.Turns(List.of(message("assistant", "s"))),
                        TemplateOptions.NONE,
                        row());
        String message =
                assertThrows(DatasetException.class, () -> tokenizer(MARKED).tokenize(pair))
                        .getMessage();
        assertTrue(message.contains("only sft obeys"), message);
    }

    @Test
    void packingKeepsWeightsWithTheirTokens() {
        Sample plain = conversation(message("user", "q"), message("assistant", "r"));
        for (PackingStrategy strategy : PackingStrategy.values()) {
            PackedRow row = prepare(MARKED, true, Optional.of(strategy), plain, WEIGHTED);
            assertEquals(2.5, row.trainedWeight(), strategy.toString());
            float[] weights = row.targetWeights();
            float[] sorted = weights.clone();
            java.util.Arrays.sort(sorted);
            assertArrayEquals(new float[] {0.25f, 0.25f, 1, 1}, sorted, strategy.toString());
        }
        SftExample even = prepare(MARKED, true, Optional.empty(), plain).documents().getFirst();
        assertFalse(even.isWeighted());
    }
}
