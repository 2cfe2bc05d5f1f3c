package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.MessageChecks;
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
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// Conversations, through a small template: `U:q.A:a.` with `A:` as the generation prompt.
class ChatPreparationTest {
    private static final String TEMPLATE =
            "{% for m in messages %}{% if m.role == 'user' %}U:{{ m.content }}.{% else %}A:"
                    + "{% generation %}{{ m.content }}{% endgeneration %}.{% endif %}{% endfor %}"
                    + "{% if add_generation_prompt %}A:{% endif %}{{ mood }}";

    private final Tokenizer bytes = new ByteTokenizer(true);
    private final SampleTokenizer tokenizer =
            new SampleTokenizer(
                    bytes,
                    Optional.of(JinjaChatTemplate.compile("test", TEMPLATE, SpecialTokens.none())));

    @Test
    void conversationsAreTrainedAsTheTemplateWritesThem() {
        SftExample example = prepare(false, conversation("q", "r"));
        assertEquals("⟦:q.A:r.⟧", marked(example).substring(1));
    }

    @Test
    void onlyTheAssistantsTokensCountIfAskedFor() {
        SftExample example = prepare(true, conversation("q", "r", "s", "t"));
        assertEquals("U:q.A:⟦r⟧.U:s.A:⟦t⟧.", marked(example));
    }

    @Test
    void thePromptEndsWithTheGenerationPrompt() {
        SftExample example = prepare(false, answer("q", "r"));
        assertEquals("U:q.A:⟦r.⟧", marked(example));
    }

    @Test
    void bothMasksApplyTogether() {
        assertEquals("U:q.A:⟦r⟧.", marked(prepare(true, answer("q", "r"))));
    }

    @Test
    void rowsBringTemplateVariables() {
        var options = new TemplateOptions(List.of(), Map.of("mood", "!"));
        var sample =
                new Sample.LanguageModeling(new Content.Turns(turns("q", "r")), options, row());
        assertTrue(marked(prepare(false, sample)).endsWith("!⟧"));
    }

    @Test
    void assistantOnlyLossRefusesTexts() {
        var text = new Sample.LanguageModeling(new Content.Text("x"), TemplateOptions.NONE, row());
        var error = assertThrows(DatasetException.class, () -> prepare(true, text));
        assertTrue(error.getMessage().startsWith("chat.jsonl:1: assistant_only_loss"));
    }

    @Test
    void pairsShareTheirPrompt() {
        var pair =
                new Sample.Preference(
                        new Content.Turns(List.of(Message.of("user", "q"))),
                        new Content.Turns(List.of(Message.of("assistant", "yes"))),
                        new Content.Turns(List.of(Message.of("assistant", "no"))),
                        TemplateOptions.NONE,
                        row());
        PreferenceExample tokens = tokenizer.tokenize(pair);
        assertEquals("U:q.A:", bytes.decode(tokens.chosen().promptIds(), false));
        assertEquals("yes.", bytes.decode(tokens.chosen().completionIds(), false));
        assertEquals("no.", bytes.decode(tokens.rejected().completionIds(), false));
        assertArrayEquals(tokens.chosen().promptIds(), tokens.rejected().promptIds());
    }

    @Test
    void whatTheTemplateLeavesOutIsNamedByRowAndPart() {
        var call = Map.of("function", Map.of("name", "clock", "arguments", Map.of()));
        var calling =
                new Message(
                        Map.of(
                                "role",
                                "assistant",
                                "content",
                                "",
                                "tool_calls",
                                List.<Object>of(call)));
        var sample =
                new Sample.PromptCompletion(
                        new Content.Turns(List.of(Message.of("user", "q"))),
                        new Content.Turns(List.of(calling)),
                        TemplateOptions.NONE,
                        row());
        var error = assertThrows(DatasetException.class, () -> prepare(false, sample));
        assertTrue(
                error.getMessage().startsWith("chat.jsonl:1: tool call 1 of message 2"),
                error.getMessage());
    }

    @Test
    void argumentsAsJsonTextAreReadAsTheObjectThatTheyAre() {
        var checks = new MessageChecks("chat.jsonl:7", false);
        var function = new LinkedHashMap<String, Object>();
        function.put("name", "clock");
        function.put("arguments", "{\"zone\": \"UTC\"}");
        var message =
                Map.of("role", "assistant", "tool_calls", List.of(Map.of("function", function)));
        assertEquals(
                "[{function={name=clock, arguments={zone=UTC}}}]",
                checks.messages("messages", List.of(message))
                        .getFirst()
                        .fields()
                        .get("tool_calls")
                        .toString());
        for (String wrong : List.of("{zone}", "[1]", "7")) {
            function.put("arguments", wrong);
            var error =
                    assertThrows(
                            DatasetException.class,
                            () -> checks.messages("messages", List.of(message)));
            assertTrue(error.getMessage().startsWith("chat.jsonl:7: "), error.getMessage());
            assertTrue(error.getMessage().contains("tool call 1 of message 1"), error.getMessage());
        }
    }

    private SftExample prepare(boolean assistantOnly, Sample sample) {
        var options =
                new SftOptions(
                        OptionalInt.empty(),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        assistantOnly,
                        Optional.empty());
        return new SftPreparation(tokenizer, options, BadRowPolicy.ERROR)
                .prepare(List.of(sample), 1)
                .rows()
                .getFirst()
                .documents()
                .getFirst();
    }

    private String marked(SftExample example) {
        String shown = new Preview(bytes, Preview.Marks.PLAIN).row(new PackedRow(List.of(example)));
        return shown.lines().skip(1).findFirst().orElseThrow();
    }

    private static Sample conversation(String... texts) {
        return new Sample.LanguageModeling(
                new Content.Turns(turns(texts)), TemplateOptions.NONE, row());
    }

    private static Sample answer(String question, String answer) {
        return new Sample.PromptCompletion(
                new Content.Turns(List.of(Message.of("user", question))),
                new Content.Turns(List.of(Message.of("assistant", answer))),
                TemplateOptions.NONE,
                row());
    }

    /// User and assistant in turn.
    private static List<Message> turns(String... texts) {
        List<String> all = Arrays.asList(texts);
        return IntStream.range(0, all.size())
                .mapToObj(i -> Message.of(i % 2 == 0 ? "user" : "assistant", all.get(i)))
                .toList();
    }

    private static Row row() {
        return new Row(Map.of(), new RowOrigin("chat.jsonl", 1, 0));
    }
}
