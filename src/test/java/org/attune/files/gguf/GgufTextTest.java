package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.text.vocab.PieceKind;
import org.attune.text.vocab.TokenizerJson;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A tokenizer is said by metadata, or refused.
class GgufTextTest {
    private static final List<String> TOKENS = List.of("a", "b", "ab", "<s>", "<end>", "<tool>");
    private static final List<PieceKind> KINDS =
            List.of(
                    PieceKind.NORMAL,
                    PieceKind.NORMAL,
                    PieceKind.NORMAL,
                    PieceKind.CONTROL,
                    PieceKind.CONTROL,
                    PieceKind.USER_DEFINED);

    private static TokenizerJson json() {
        return new TokenizerJson(TOKENS, KINDS, List.of()).addOwn();
    }

    private static String byteLevel(String... patterns) {
        TokenizerJson json = json();
        json.beginWith(3);
        json.byteLevel(List.of(patterns), List.of("a b"), "test");
        return json.text();
    }

    private static Map<String, Object> pairs(String json, int rows) {
        Map<String, String> specials = Map.of("eos_token", "<end>", "pad_token", "<tool>");
        return GgufText.of(
                "m", "llama", json, specials, List.of(4, 2), Optional.of("{{ x }}"), rows);
    }

    @Test
    void byteLevelTokenizersHaveTheNameOfTheirRule() {
        Map<String, Object> pairs = pairs(byteLevel("\\p{N}", GgufPreTokenizer.usualPattern()), 7);
        assertEquals("gpt2", pairs.get("tokenizer.ggml.model"));
        assertEquals("smollm", pairs.get("tokenizer.ggml.pre"));
        assertEquals(
                List.of("a", "b", "ab", "<s>", "<end>", "<tool>", "[PAD6]"),
                pairs.get("tokenizer.ggml.tokens"));
        assertEquals(List.of(1L, 1L, 1L, 3L, 3L, 4L, 5L), pairs.get("tokenizer.ggml.token_type"));
        assertEquals(List.of("a b"), pairs.get("tokenizer.ggml.merges"));
        assertEquals(3L, pairs.get("tokenizer.ggml.bos_token_id"));
        assertEquals(4L, pairs.get("tokenizer.ggml.eos_token_id"));
        assertEquals(2L, pairs.get("tokenizer.ggml.eot_token_id"));
        assertEquals(5L, pairs.get("tokenizer.ggml.padding_token_id"));
        assertEquals(true, pairs.get("tokenizer.ggml.add_bos_token"));
        assertEquals(false, pairs.get("tokenizer.ggml.add_eos_token"));
        assertEquals("{{ x }}", pairs.get("tokenizer.chat_template"));
    }

    @Test
    void sentencePieceHasScoresInTheOrderOfItsMerges() {
        List<String> tokens = List.of("<unk>", "<0x41>", "a", "b", "ab", "ba", "aba");
        List<PieceKind> kinds =
                List.of(
                        PieceKind.UNKNOWN,
                        PieceKind.BYTE,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL);
        List<Float> scores = List.of(0f, 0f, -9f, -9f, -2f, -1f, -3f);
        TokenizerJson json = new TokenizerJson(tokens, kinds, scores).addOwn();
        json.sentencePiece(true, Optional.of("<unk>"));
        Map<String, Object> pairs =
                GgufText.of("m", "llama", json.text(), Map.of(), List.of(), Optional.empty(), 7);
        assertEquals("llama", pairs.get("tokenizer.ggml.model"));
        assertEquals(true, pairs.get("tokenizer.ggml.add_space_prefix"));
        assertEquals(List.of(2L, 6L, 1L, 1L, 1L, 1L, 1L), pairs.get("tokenizer.ggml.token_type"));
        List<?> said = (List<?>) pairs.get("tokenizer.ggml.scores");
        assertTrue((Float) said.get(5) > (Float) said.get(4), "" + said);
        assertTrue((Float) said.get(4) > (Float) said.get(6), "" + said);
        assertTrue((Float) said.get(6) > (Float) said.get(2), "" + said);
    }

    @Test
    void gemma4HasMergesAndShowsWhatItsCallsStandBetween() {
        List<String> tokens = List.of("<unk>", "<0x41>", "a", "▁", "▁a", "<|tool_call>", "<bos>");
        List<PieceKind> kinds =
                List.of(
                        PieceKind.UNKNOWN,
                        PieceKind.BYTE,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL,
                        PieceKind.NORMAL,
                        PieceKind.CONTROL,
                        PieceKind.CONTROL);
        TokenizerJson json = new TokenizerJson(tokens, kinds, List.of()).addOwn();
        json.beginWith(6);
        json.sentencePiece(List.of("▁ a"), Optional.of("<unk>"), "test");
        Map<String, String> bos = Map.of("bos_token", "<bos>");
        Map<String, Object> pairs =
                GgufText.of("m", "gemma4", json.text(), bos, List.of(), Optional.empty(), 7);
        assertEquals("gemma4", pairs.get("tokenizer.ggml.model"));
        assertEquals(List.of("▁ a"), pairs.get("tokenizer.ggml.merges"));
        assertEquals(List.of(2L, 6L, 1L, 1L, 1L, 4L, 3L), pairs.get("tokenizer.ggml.token_type"));
        GgufTokenizer read = GgufTokenizer.of(new GgufMetadata("test.gguf", pairs));
        assertEquals(
                json.text().replaceFirst("(<.tool_call>.*?special.:)true", "$1false"),
                read.tokenizerJson());
    }

    @Test
    void whatFilesCantSayIsRefusedByName() {
        assertRefused("[xyz]+", byteLevel("[xyz]+"), 6);
        assertRefused("id 5", byteLevel(GgufPreTokenizer.usualPattern()), 5);
        assertRefused("Unigram", "{\"model\": {\"type\": \"Unigram\", \"vocab\": []}}", 6);
    }

    private static void assertRefused(String named, String json, int rows) {
        var e = assertThrows(ModelException.class, () -> pairs(json, rows));
        assertTrue(e.getMessage().contains(named), e.getMessage());
    }
}
