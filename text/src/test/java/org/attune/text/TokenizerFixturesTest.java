package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Published tokenizers on many texts: ids, spans, decoding and incremental decoding as Python's.
@Tag("fixtures-text")
class TokenizerFixturesTest {
    @Test
    void encodesAndDecodesAsPython() throws IOException {
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (Path folder : folders()) {
                try (HfTokenizer tokenizer = HfTokenizer.load(folder)) {
                    String name = folder.getFileName().toString();
                    int i = 0;
                    for (Map<String, Object> row : rows(folder, "cases")) {
                        report.run(name + " text " + i++, () -> check(tokenizer, row));
                    }
                    i = 0;
                    for (Map<String, Object> row : rows(folder, "stream")) {
                        report.run(name + " stream " + i++, () -> checkStream(tokenizer, row));
                    }
                }
            }
        }
    }

    private static List<Path> folders() throws IOException {
        try (Stream<Path> files = Files.list(Fixtures.fixture("text/tokenizers"))) {
            return files.filter(Files::isDirectory).sorted().toList();
        }
    }

    private static List<Map<String, Object>> rows(Path folder, String kind) {
        return TextFixtures.rows(
                folder.resolveSibling(folder.getFileName() + "." + kind + ".jsonl"));
    }

    private static void check(HfTokenizer tokenizer, Map<String, Object> row) {
        String text = (String) row.get("text");
        boolean special = Boolean.TRUE.equals(row.get("add_special_tokens"));
        int[] expected = TextFixtures.ints(row.get("ids"));
        assertArrayEquals(expected, tokenizer.encode(text, special));
        if (Boolean.TRUE.equals(row.get("same_with_special_tokens"))) {
            assertArrayEquals(expected, tokenizer.encode(text, !special));
        }
        Tokenizer.Encoding encoding = tokenizer.encodeWithOffsets(text, special);
        assertArrayEquals(expected, encoding.ids());
        if (row.get("offsets_utf16") != null) {
            assertEquals(row.get("offsets_utf16"), spans(encoding));
        }
        List<Object> tokens = TextFixtures.list(row.get("tokens"));
        for (int i = 0; i < tokens.size(); i++) {
            assertEquals(tokens.get(i), tokenizer.token(expected[i]));
            assertEquals(expected[i], tokenizer.id((String) tokens.get(i)).orElseThrow());
        }
        assertEquals(row.get("decoded"), tokenizer.decode(expected, false));
        assertEquals(row.get("decoded_skip_special"), tokenizer.decode(expected, true));
    }

    private static List<Object> spans(Tokenizer.Encoding encoding) {
        var spans = new ArrayList<>();
        for (int i = 0; i < encoding.ids().length; i++) {
            spans.add(List.of((long) encoding.start()[i], (long) encoding.end()[i]));
        }
        return spans;
    }

    private static void checkStream(HfTokenizer tokenizer, Map<String, Object> row) {
        boolean skip = Boolean.TRUE.equals(row.get("skip_special_tokens"));
        Tokenizer.StreamDecoder decoder = tokenizer.streamDecoder(skip);
        var increments = new ArrayList<>();
        for (int id : TextFixtures.ints(row.get("ids"))) {
            String increment = decoder.push(id);
            boolean half =
                    !increment.isEmpty()
                            && (Character.isHighSurrogate(increment.charAt(increment.length() - 1))
                                    || Character.isLowSurrogate(increment.charAt(0)));
            assertFalse(half, "half a character: " + increment);
            increments.add(increment);
        }
        String rest = decoder.flush();
        var joined = new StringBuilder();
        increments.forEach(joined::append);
        assertEquals(row.get("decoded"), joined + rest);
        if (Boolean.TRUE.equals(row.get("exact"))) {
            assertEquals(row.get("increments"), increments);
            assertEquals(row.get("rest"), rest);
        }
    }
}
