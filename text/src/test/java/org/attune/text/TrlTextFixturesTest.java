package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.json.Json;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Map;

/// The text side of TRL's recorded runs: its tokenizer, chat template and assistant masks.
@Tag("fixtures-trl")
class TrlTextFixturesTest {
    @Test
    void encodesAsTrl() {
        try (TextAssets assets = TextAssets.load(Fixtures.fixture("trl/model"));
                var report = new CaseReport("fixtures-trl", getClass())) {
            ChatTokenizer chat = assets.chat();
            ChatTokenizer unmarked = withoutMarkers(assets).chat();
            int i = 0;
            for (Object row : TextFixtures.list(read("trl/data/chat-template.json"))) {
                report.run("chat " + i, () -> checkChat(chat, TextFixtures.map(row)));
                report.run(
                        "chat without markers " + i++,
                        () -> checkMask(unmarked, TextFixtures.map(row)));
            }
            i = 0;
            for (Object row : TextFixtures.list(read("trl/data/tokenizer.json"))) {
                report.run(
                        "text " + i++, () -> checkText(assets.tokenizer(), TextFixtures.map(row)));
            }
        }
    }

    private static Object read(String relative) {
        return Json.parse(TextFixtures.text(relative));
    }

    /// The same template with the tags taken out: prefixes must give the same masks as markers.
    private static TextAssets withoutMarkers(TextAssets assets) {
        String source =
                assets.template()
                        .orElseThrow()
                        .source()
                        .replaceAll("\\{%-? *(end)?generation *-?%}", "");
        return assets.withTemplate(
                JinjaChatTemplate.compile("without markers", source, assets.specials()));
    }

    private static void checkChat(ChatTokenizer chat, Map<String, Object> row) {
        ChatTokenizer.Encoded encoded =
                chat.encode(TextFixtures.conversation(row), TextFixtures.tail(row));
        assertEquals(row.get("text"), encoded.text());
        assertArrayEquals(TextFixtures.ints(row.get("input_ids")), encoded.ids());
        checkMask(chat, row);
    }

    private static void checkMask(ChatTokenizer chat, Map<String, Object> row) {
        ChatTokenizer.MaskedEncoding masked =
                chat.encodeWithMask(TextFixtures.conversation(row), TextFixtures.tail(row));
        assertArrayEquals(TextFixtures.ints(row.get("input_ids")), masked.ids());
        if (row.get("assistant_masks") != null) {
            var expected = new StringBuilder();
            TextFixtures.list(row.get("assistant_masks")).forEach(expected::append);
            assertEquals(expected.toString(), ChatTokensFixturesTest.bits(masked.assistant()));
        }
    }

    private static void checkText(Tokenizer tokenizer, Map<String, Object> row) {
        int[] ids = TextFixtures.ints(row.get("ids"));
        assertArrayEquals(ids, tokenizer.encode((String) row.get("text"), true));
        assertEquals(row.get("decoded"), tokenizer.decode(ids, false));
        assertEquals(row.get("decoded_without_special"), tokenizer.decode(ids, true));
    }
}
