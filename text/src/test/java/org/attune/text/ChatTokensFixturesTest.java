package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Conversations to token ids and assistant masks.
@Tag("fixtures-text")
class ChatTokensFixturesTest {
    private final Clock clock = TextFixtures.clock();
    private final Map<String, TextAssets> assets = new HashMap<>();

    @Test
    void encodesAsApplyChatTemplate() {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Map<String, Object> row : TextFixtures.rows("text/chat-tokens.jsonl")) {
                report.run((String) row.get("id"), () -> check(row));
                if (row.get("tokenizer").equals("smollm2") && row.get("template") == null) {
                    report.run(row.get("id") + " prefix mask", () -> checkPrefixMask(row));
                }
            }
        } finally {
            assets.values().forEach(TextAssets::close);
        }
    }

    private void check(Map<String, Object> row) {
        ChatTokenizer chat = chat(row);
        Conversation conversation = TextFixtures.conversation(row);
        ChatTemplate.Tail tail = TextFixtures.tail(row);
        int[] ids = TextFixtures.ints(row.get("ids"));
        if (Boolean.TRUE.equals(row.get("sanitize_control_tokens"))) {
            // The recorded text is the one without guarding, which may differ in white space.
            assertArrayEquals(ids, chat.sanitizingControlTokens().encode(conversation, tail).ids());
            return;
        }
        if (row.get("continue_final_message") instanceof String field) {
            var template = (JinjaChatTemplate) chat.template();
            String text = template.renderOpen(conversation, field).text();
            assertEquals(row.get("text"), text);
            assertArrayEquals(ids, chat.tokenizer().encode(text, false));
            return;
        }
        ChatTokenizer.Encoded encoded = chat.encode(conversation, tail);
        assertEquals(row.get("text"), encoded.text());
        assertArrayEquals(ids, encoded.ids());
        if (row.get("assistant_mask") != null) {
            ChatTokenizer.MaskedEncoding masked = chat.encodeWithMask(conversation, tail);
            assertArrayEquals(ids, masked.ids());
            assertEquals(row.get("assistant_mask"), bits(masked.assistant()));
        }
    }

    /// SmolLM2's template has no markers: what is found by prefixes must be what was said.
    private void checkPrefixMask(Map<String, Object> row) {
        Conversation conversation = TextFixtures.conversation(row);
        if (TextFixtures.tail(row) == ChatTemplate.Tail.CONTINUE) {
            return;
        }
        ChatTokenizer chat = chat(row);
        ChatTokenizer.MaskedEncoding masked =
                chat.encodeWithMask(conversation, TextFixtures.tail(row));
        List<String> said =
                conversation.messages().stream()
                        .filter(message -> message.role().equals("assistant"))
                        .map(message -> (message.content() + "<|im_end|>").stripLeading())
                        .toList();
        assertEquals(said, spoken(chat.tokenizer(), masked));
    }

    /// The text of each run of assistant tokens. White space at its start doesn't count: it may
    /// share a token with the line break before it.
    private static List<String> spoken(Tokenizer tokenizer, ChatTokenizer.MaskedEncoding masked) {
        String bits = bits(masked.assistant());
        var runs = new ArrayList<String>();
        for (int end, start = bits.indexOf('1'); start >= 0; start = bits.indexOf('1', end)) {
            end = bits.indexOf('0', start) < 0 ? bits.length() : bits.indexOf('0', start);
            int[] run = Arrays.copyOfRange(masked.ids(), start, end);
            runs.add(tokenizer.decode(run, false).stripLeading());
        }
        return runs;
    }

    static String bits(AssistantMask mask) {
        var known = assertInstanceOf(AssistantMask.Known.class, mask);
        var bits = new StringBuilder();
        for (boolean token : known.tokens()) {
            bits.append(token ? '1' : '0');
        }
        return bits.toString();
    }

    private ChatTokenizer chat(Map<String, Object> row) {
        TextAssets loaded =
                assets.computeIfAbsent(
                        (String) row.get("tokenizer"),
                        name -> TextAssets.load(Fixtures.fixture("text/tokenizers/" + name)));
        String name = (String) row.get("template");
        String source =
                name == null
                        ? loaded.template().orElseThrow().source()
                        : TextFixtures.text("text/templates/" + name + ".jinja");
        ChatTemplate template =
                JinjaChatTemplate.compile(name, source, loaded.specials().byRole(), clock);
        // Without CompleteTemplate: the recorded renderings leave some contents out.
        return new ChatTokenizer(loaded.tokenizer(), template);
    }
}
