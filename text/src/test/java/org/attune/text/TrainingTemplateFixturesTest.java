package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The assistant's tokens under templates without markers, against those of TRL's templates for
/// training, which are the same with markers: wherever both render a conversation alike, the tokens
/// must be those, except white space around a turn, which TRL's trains for some models.
@Tag("fixtures-text")
class TrainingTemplateFixturesTest {
    private static final String SUFFIX = "_training";

    /// Share of the conversations whose turns may stay unknown.
    private static final double UNKNOWN = 0.05;

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

    /// Templates whose generation prompt writes the first tag; TRL's markers stand before it.
    private static final Set<String> SUPPLYING = Set.of("qwen3_6");

    private final Clock clock = TextFixtures.clock();
    private final Map<String, TextAssets> assets = new HashMap<>();
    private final Map<String, Integer> compared = new TreeMap<>();
    private final Map<String, Integer> differences = new TreeMap<>();
    private int marked;
    private int unknown;

    @Test
    void turnsAreThoseOfTheMarkedTemplates() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/chat-tokens.jsonl")) {
                run(report, row, row.get("assistant_mask"), () -> check(row));
            }
        } finally {
            assets.values().forEach(TextAssets::close);
        }
        requireMostCompared();
    }

    /// The same for templates of models whose tokenizers aren't here, by their texts.
    @Test
    void textsAreThoseOfTheMarkedTemplates() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/templates/cases.jsonl")) {
                run(report, row, row.get("assistant_spans"), () -> checkTexts(row));
            }
        }
        requireMostCompared();
    }

    private void run(CaseReport report, Map<String, Object> row, Object turns, Executable check) {
        if (turns != null && row.get("template") instanceof String name && name.endsWith(SUFFIX)) {
            marked++;
            report.run((String) row.get("id"), check);
        } else {
            report.elsewhere();
        }
    }

    /// Renderings that differ can't be compared, and some turns aren't found: few, else the
    /// comparison would say nothing.
    private void requireMostCompared() {
        int all = compared.values().stream().mapToInt(n -> n).sum();
        System.out.printf(
                "compared %d of %d: %s, by differences of renderings %s, %d without a mask%n",
                all, marked, compared, differences, unknown);
        assertTrue(2 * all > marked, all + " of " + marked + " compared");
        assertTrue(unknown <= UNKNOWN * marked, unknown + " of " + marked + " without a mask");
    }

    private void checkTexts(Map<String, Object> row) {
        String own = ((String) row.get("template")).replace(SUFFIX, "");
        Map<String, Object> variables = new HashMap<>(TextFixtures.map(row.get("variables")));
        ChatTemplate template =
                JinjaChatTemplate.compile(
                        own,
                        TextFixtures.text("text/templates/" + own + ".jinja"),
                        variables,
                        clock);
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
        if (SUPPLYING.contains(own)) {
            assertFalse(actual.toString().startsWith("<think>"), "the prompt's tag is trained");
        }
        assertEquals(said(own, expected.toString()), said(own, actual.toString()));
    }

    /// Without white space, without the headers that TRL's templates for DeepSeek and GPT-OSS have
    /// inside, without the token with which Phi 3 ends each rendering, and without the header of a
    /// system message that follows a turn of GLM: the model doesn't stop at that one.
    private static String said(String own, String text) {
        String tags = SUPPLYING.contains(own) ? "<think>" : "";
        return text.replace(tags, "")
                .replaceAll(
                        "<｜Assistant｜>|<\\|start\\|>assistant|<\\|endoftext\\|>|<\\|system\\|>|\\s+",
                        "");
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
            differences.merge(own, 1, Integer::sum);
        }
        if (!masked.text().equals(row.get("text"))) {
            return;
        }
        compared.merge(own, 1, Integer::sum);
        String expected = (String) row.get("assistant_mask");
        String actual = ChatTokensFixturesTest.bits(masked.assistant());
        for (int i = 0; i < masked.ids().length; i++) {
            String token = chat.tokenizer().decode(new int[] {masked.ids()[i]}, false);
            if (SUPPLYING.contains(own) && token.equals("<think>")) {
                assertEquals('0', actual.charAt(i), "the prompt's tag is trained");
            } else if (!token.isBlank()) {
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
                                clock))
                .chat();
    }
}
