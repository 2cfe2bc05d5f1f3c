package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The assistant's tokens under templates without markers, against those of TRL's templates for
/// training, which are the same with markers: wherever both render a conversation alike, the tokens
/// must be those, except white space around a turn, which TRL's trains for some models.
@Tag("fixtures-text")
class TrainingTemplateFixturesTest {
    private static final String SUFFIX = "_training";

    private static final List<String> ENDINGS =
            List.of(
                    "<|end|>",
                    "<|endoftext|>",
                    "<|return|>",
                    "<|call|>",
                    "<end_of_turn>",
                    "<|im_end|>",
                    "<|eot_id|>",
                    "<｜end▁of▁sentence｜>",
                    "<|END_OF_TURN_TOKEN|>");

    private final Map<String, TextAssets> assets = new HashMap<>();
    private final Map<String, Integer> compared = new TreeMap<>();
    private final Map<String, Integer> found = new TreeMap<>();
    private int unknown;

    @Test
    void turnsAreThoseOfTheMarkedTemplates() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/chat-tokens.jsonl")) {
                boolean marked =
                        row.get("template") instanceof String name && name.endsWith(SUFFIX);
                if (marked && row.get("assistant_mask") != null) {
                    report.run((String) row.get("id"), () -> check(row));
                }
            }
        } finally {
            assets.values().forEach(TextAssets::close);
        }
        assertTrue(compared.values().stream().mapToInt(n -> n).sum() > 150, compared.toString());
        assertTrue(found.getOrDefault("qwen3", 0) > 20, found.toString());
        assertTrue(unknown <= 3, unknown + " conversations without a mask");
    }

    /// The same for templates of models whose tokenizers aren't here, by their texts.
    @Test
    void textsAreThoseOfTheMarkedTemplates() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/templates/cases.jsonl")) {
                if (((String) row.get("template")).endsWith(SUFFIX)
                        && row.get("assistant_spans") != null) {
                    report.run((String) row.get("id"), () -> checkTexts(row));
                }
            }
        }
        assertTrue(compared.values().stream().mapToInt(n -> n).sum() > 150, compared.toString());
        assertTrue(unknown <= 20, unknown + " conversations without a mask");
        System.out.printf("compared %s, %d without a mask%n", compared, unknown);
    }

    private void checkTexts(Map<String, Object> row) {
        String own = ((String) row.get("template")).replace(SUFFIX, "");
        Map<String, Object> variables = new HashMap<>(TextFixtures.map(row.get("variables")));
        ChatTemplate template =
                JinjaChatTemplate.compile(
                        own,
                        TextFixtures.text("text/templates/" + own + ".jinja"),
                        variables,
                        TextFixtures.CLOCK);
        Conversation conversation = TextFixtures.conversation(row);
        ChatTemplate.Tail tail = TextFixtures.tail(row);
        ChatTemplate.Rendering whole;
        try {
            whole = template.render(conversation, tail);
        } catch (DatasetException e) {
            return;
        }
        // GLM stops at what begins the next message.
        var ends =
                new TurnEnds(
                        own.startsWith("glm") ? List.of("<|user|>", "<|observation|>") : List.of());
        AssistantSpans spans =
                AssistantSpans.find(template, conversation, tail, whole, ENDINGS, ends);
        String rendered =
                whole.text()
                        + (spans instanceof AssistantSpans.Found all
                                ? all.missing().orElse("")
                                : "");
        if (!rendered.equals(row.get("expected"))) {
            return;
        }
        if (!(spans instanceof AssistantSpans.Found known)) {
            unknown++;
            return;
        }
        compared.merge(own, 1, Integer::sum);
        boolean utf16 = row.get("assistant_spans_utf16") != null;
        Object recorded = row.get(utf16 ? "assistant_spans_utf16" : "assistant_spans");
        var expected = new StringBuilder();
        for (Object span : TextFixtures.list(recorded)) {
            int[] bounds = TextFixtures.ints(span);
            expected.append(rendered, bounds[0], bounds[1]);
        }
        var actual = new StringBuilder();
        for (int i = 0; i < known.start().length; i++) {
            actual.append(rendered, known.start()[i], known.end()[i]);
        }
        assertEquals(said(expected.toString()), said(actual.toString()));
    }

    /// Without white space, without the headers that TRL's templates for DeepSeek and GPT-OSS have
    /// inside, without the token with which Phi 3 ends each rendering, and without the header of a
    /// system message that follows a turn of GLM: the model doesn't stop at that one.
    private static String said(String text) {
        return text.replaceAll(
                "<｜Assistant｜>|<\\|start\\|>assistant|<\\|endoftext\\|>|<\\|system\\|>|\\s+", "");
    }

    private void check(Map<String, Object> row) {
        ChatTokenizer chat = chat(row);
        Conversation conversation = TextFixtures.conversation(row);
        ChatTemplate.Tail tail = TextFixtures.tail(row);
        ChatTokenizer.MaskedEncoding masked;
        try {
            masked = chat.encodeWithMask(conversation, tail);
        } catch (DatasetException e) {
            return; // the unmarked template refuses what TRL's takes
        }
        String name = (String) row.get("template");
        String own = name.substring(0, name.length() - SUFFIX.length());
        if (masked.assistant() instanceof AssistantMask.Unknown) {
            unknown++;
            return;
        }
        if (assertInstanceOf(AssistantMask.Known.class, masked.assistant()).source()
                == AssistantMask.Source.DIFFERENCES) {
            found.merge(own, 1, Integer::sum);
        }
        if (!masked.text().equals(row.get("text"))) {
            return;
        }
        compared.merge(own, 1, Integer::sum);
        String expected = (String) row.get("assistant_mask");
        String actual = ChatTokensFixturesTest.bits(masked.assistant());
        for (int i = 0; i < masked.ids().length; i++) {
            String token = chat.tokenizer().decode(new int[] {masked.ids()[i]}, false);
            if (!token.isBlank()) {
                assertEquals(expected.charAt(i), actual.charAt(i), "token " + i + ": " + token);
            }
        }
    }

    private ChatTokenizer chat(Map<String, Object> row) {
        TextAssets loaded =
                assets.computeIfAbsent(
                        (String) row.get("tokenizer"),
                        name -> TextAssets.load(Fixtures.fixture("text/tokenizers/" + name)));
        String name = ((String) row.get("template")).replace(SUFFIX, "");
        return loaded.withTemplate(
                        JinjaChatTemplate.compile(
                                name,
                                TextFixtures.text("text/templates/" + name + ".jinja"),
                                loaded.specials().byRole(),
                                TextFixtures.CLOCK))
                .chat();
    }
}
