package org.attune.text.vocab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.text.HfTokenizer;
import org.attune.text.TextAssets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;

/// Folders without `tokenizer.json`, with vocabularies small enough to follow by hand.
class VocabularyFilesTest {
    private static final int BPE = 2;

    @TempDir Path folder;

    @Test
    void mergesByScoreAndPutsASpaceFirst() throws IOException {
        pieces(BPE, true, "");
        try (HfTokenizer tokenizer = tokenizer("{\"legacy\": true}")) {
            // ▁ab is joined as a + b, then ▁ + ab; "c" is known by its byte only
            assertArrayEquals(new int[] {8, 5}, tokenizer.encode("abab", false));
            assertArrayEquals(new int[] {1, 7, 9, 8}, tokenizer.encode("<s> c ab", false));
            assertEquals("ab ab", tokenizer.decode(new int[] {8, 8}, false));
            assertEquals(1, tokenizer.bosId().orElseThrow());
            assertEquals(2, tokenizer.eosId().orElseThrow());
        }
    }

    @Test
    void llamaDoesNotPutASpaceBehindASpecialToken() throws IOException {
        pieces(BPE, true, "");
        String llama = "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_bos_token\": true}";
        try (HfTokenizer tokenizer = tokenizer(llama)) {
            assertArrayEquals(new int[] {1, 8, 2, 5}, tokenizer.encode("ab</s>ab", true));
        }
    }

    @Test
    void unigramTakesTheLikeliestPieces() throws IOException {
        pieces(1, false, "");
        try (HfTokenizer tokenizer = tokenizer("{}")) {
            // spaces at the ends go and several become one: the file says so by saying nothing
            assertArrayEquals(new int[] {8, 8}, tokenizer.encode("  ab   ab ", false));
            assertArrayEquals(new int[] {7, 0}, tokenizer.encode("z", false));
        }
    }

    @Test
    void addedTokensOfTheConfigurationRenamePieces() throws IOException {
        pieces(BPE, true, "");
        String config =
                """
                {"added_tokens_decoder": {"6": {"content": "<|end|>", "special": true},
                                          "10": {"content": "<call>", "special": false}}}
                """;
        try (HfTokenizer tokenizer = tokenizer(config)) {
            assertArrayEquals(new int[] {8, 6, 10}, tokenizer.encode("ab<|end|><call>", false));
            assertEquals("ab<call>", tokenizer.decode(new int[] {8, 6, 10}, true));
        }
    }

    @Test
    void tekkenJoinsTheLowestRankFirst() throws IOException {
        // a, b, c, ab, bc, abc behind four special tokens
        String entries =
                String.join(
                        ",",
                        List.of("YQ==", "Yg==", "Yw==", "YmM=", "YWI=", "IGFi").stream()
                                .map("{\"token_bytes\": \"%s\"}"::formatted)
                                .toList());
        Files.writeString(
                folder.resolve("tekken.json"),
                """
                {"config": {"pattern": " ?\\\\p{L}+", "default_vocab_size": 100,
                            "default_num_special_tokens": 4},
                 "special_tokens": [{"rank": 1, "token_str": "<s>"}, {"rank": 0, "token_str": "<unk>"},
                                    {"rank": 2, "token_str": "</s>"}],
                 "vocab": [%s]}
                """
                        .formatted(entries));
        try (HfTokenizer tokenizer = tokenizer("{}")) {
            assertArrayEquals(new int[] {4, 7, 1, 8}, tokenizer.encode("abc<s>ab", false));
            assertArrayEquals(new int[] {9}, tokenizer.encode(" ab", false));
            assertEquals("<SPECIAL_3>", tokenizer.token(3));
            assertEquals(2, tokenizer.eosId().orElseThrow());
        }
    }

    @Test
    void whatIsNotReadIsNamed() throws IOException {
        pieces(3, false, "");
        assertProblem("tokenizer.model has the model type 3");
        pieces(BPE, false, "ab");
        assertProblem("tokenizer.model has the piece \"ab\" twice");
        Files.writeString(folder.resolve("tokenizer.model"), "IQ== 0\n");
        assertProblem("tokenizer.model is no SentencePiece model");
        Files.write(folder.resolve("tokenizer.model"), new byte[] {10, 100, 1});
        assertProblem("the end is missing");
        Files.delete(folder.resolve("tokenizer.model"));
        assertProblem("accepted: tokenizer.json, tokenizer.model, tekken.json");
        Files.writeString(folder.resolve("tekken.json"), "{\"config\": {}, \"vocab\": []}");
        assertProblem("is it really a tekken.json?");
    }

    private void assertProblem(String part) {
        var e = assertThrows(ModelException.class, () -> TextAssets.load(folder));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private HfTokenizer tokenizer(String config) throws IOException {
        Files.writeString(folder.resolve("tokenizer_config.json"), config);
        return TextAssets.load(folder).tokenizer();
    }

    /// Writes a SentencePiece model: three special pieces, `a b ab`, an unused name, `▁ ▁ab` and
    /// the byte of `c`.
    private void pieces(int modelType, boolean bytes, String another) throws IOException {
        var file = new ByteArrayOutputStream();
        List<String> texts = List.of("<unk>", "<s>", "</s>", "a", "b", "ab", "xyz", "▁", "▁ab");
        int[] kinds = {2, 3, 3, 1, 1, 1, 1, 1, 1};
        float[] scores = {0, 0, 0, -9, -9, -1, -8, -3, -2};
        for (int id = 0; id < kinds.length; id++) {
            message(file, 1, piece(texts.get(id), scores[id], kinds[id]));
        }
        message(file, 1, piece("<0x63>", 0, 6));
        if (!another.isEmpty()) {
            message(file, 1, piece(another, 0, 1));
        }
        message(
                file,
                2,
                part -> {
                    number(part, 3, modelType);
                    number(part, 35, bytes ? 1 : 0);
                    return part;
                });
        Files.write(folder.resolve("tokenizer.model"), file.toByteArray());
    }

    private static UnaryOperator<ByteArrayOutputStream> piece(String text, float score, int kind) {
        return part -> {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            part.write(1 << 3 | 2);
            part.write(bytes.length);
            part.writeBytes(bytes);
            part.write(2 << 3 | 5);
            ByteBuffer four = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
            part.writeBytes(four.putFloat(score).array());
            number(part, 3, kind);
            return part;
        };
    }

    private static void number(ByteArrayOutputStream out, int field, int value) {
        int key = field << 3;
        if (key > 127) {
            out.write(key & 127 | 128);
            key >>= 7;
        }
        out.write(key);
        out.write(value);
    }

    private static void message(
            ByteArrayOutputStream out, int field, UnaryOperator<ByteArrayOutputStream> content) {
        byte[] bytes = content.apply(new ByteArrayOutputStream()).toByteArray();
        out.write(field << 3 | 2);
        out.write(bytes.length);
        out.writeBytes(bytes);
    }
}
