package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;

/// What native code takes on trust, and must not see.
class TokenizerReaderTest {
    private static final String ADDED =
            "{\"id\":2,\"content\":\"<s>\",\"single_word\":false,\"lstrip\":false,"
                    + "\"rstrip\":false,\"normalized\":false,\"special\":true}";
    private static final String MODEL =
            "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[]}";
    private static final String FILE =
            "{\"added_tokens\":[" + ADDED + "],\"pre_tokenizer\":null,\"model\":" + MODEL + "}";

    private static HfTokenizer open(String json) {
        return HfTokenizer.of("t.json", json, SpecialTokens.none());
    }

    private static void refuses(String json, String message) {
        var e = assertThrows(ModelException.class, () -> open(json).close(), json);
        assertTrue(e.getMessage().startsWith("t.json"), e.getMessage());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    private static void refusesModel(String model, String message) {
        refuses(FILE.replace(MODEL, model), message);
    }

    private static void refusesPart(String section, String part, String message) {
        refuses("{\"" + section + "\":" + part + ",\"model\":" + MODEL + "}", message);
    }

    @Test
    void theFileItselfIsRead() {
        try (HfTokenizer tokenizer = open(FILE)) {
            assertEquals(3, tokenizer.vocabularySize());
            assertEquals(List.of("<s>"), tokenizer.addedTokens());
        }
    }

    @Test
    void idsAreCheckedBeforeATableIsMadeOfThem() {
        for (String id : List.of("-1", "2147483648", "1e9", "0.5", "\"0\"", "null", "[]")) {
            refusesModel(MODEL.replace("\"b\":1", "\"b\":" + id), "token \"b\" has the id");
        }
        for (String id : List.of("2147483647", "100000000", "70000")) {
            refusesModel(MODEL.replace("\"b\":1", "\"b\":" + id), "for 3 tokens, ids below");
        }
        refusesModel(MODEL.replace("\"b\":1", "\"b\":0"), "have the same id, 0");
        refusesModel(MODEL.replace("\"b\":1", "\"a\":1"), "the token \"a\" twice");
        refusesModel("{\"type\":\"Unigram\",\"vocab\":[[\"a\",0],7]}", "entry 1 of model.vocab");
    }

    @Test
    void gapsBetweenIdsAreNoMistake() {
        try (HfTokenizer tokenizer = open(FILE.replace("\"b\":1", "\"b\":60000"))) {
            assertEquals(60001, tokenizer.vocabularySize());
        }
    }

    @Test
    void idsOfAddedTokensAreThoseThatEncodingGives() {
        refuses(FILE.replace("\"id\":2", "\"id\":7"), "the id 7, but encoding gives it 2");
        refuses(FILE.replace("\"id\":2", "\"id\":1"), "the id 1, but encoding gives it 2");
        refuses(FILE.replace("\"content\":\"<s>\"", "\"content\":\"b\""), "gives it 1");
        for (String id : List.of("-1", "2147483648", "\"2\"", "null")) {
            refuses(FILE.replace("\"id\":2", "\"id\":" + id), "added_tokens has");
        }
        refuses(FILE.replace(ADDED, "7"), "added_tokens has 7");
    }

    @Test
    void whatStandsThereTwiceIsRefused() {
        refuses(FILE.replace("\"pre_tokenizer\":null", "\"model\":{}"), "\"model\" stands there");
        refusesModel(MODEL.replace("\"merges\":[]", "\"vocab\":{}"), "\"model.vocab\" stands");
        refusesPart("decoder", "{\"type\":\"Fuse\",\"type\":\"Fuse\"}", "Duplicate");
    }

    /// Each of these ended the process, or never ended.
    @Test
    void valuesThatNativeCodeTrustsAreChecked() {
        refusesPart("decoder", "[".repeat(500) + "]".repeat(500), "deeper than");
        refusesPart("decoder", "{\"type\":\"Fuse\",\"x\":1e999}", "no finite number");
        refusesPart("decoder", "{\"type\":\"BPEDecoder\",\"suffix\":\"\\ud800\"}", "surrogate");
        String strip = "{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":%s}";
        refusesPart("decoder", strip.formatted("1"), "decoder.stop is 1; accepted: 0");
        refusesPart("decoder", strip.formatted("9223372036854775807"), "accepted: 0");
        refusesPart("pre_tokenizer", "{\"type\":\"FixedLength\",\"length\":0}", "positive");
        for (String map : List.of("null", "\"\"", "\"!\"", "\"AAAAAA==\"", "\"/////w==\"")) {
            refusesPart(
                    "normalizer",
                    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":" + map + "}",
                    "precompiled_charsmap is");
        }
        refusesModel(
                "{\"type\":\"BPE\",\"continuing_subword_prefix\":\"##\","
                    + "\"vocab\":{\"a\":0,\"b\":1,\"<s>\":2,\"ab\":3},\"merges\":[[\"a\",\"b\"]]}",
                "joins \"b\", which doesn't begin with");
    }

    @Test
    void textsGrowWithinBounds() {
        String once =
                "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaa\"}";
        String parts = String.join(",", Collections.nCopies(3, once));
        refusesPart(
                "normalizer",
                "{\"type\":\"Sequence\",\"normalizers\":[" + parts + "]}",
                "more than 256 times as long");
        refusesPart("normalizer", once.replace("\"a\"", "\"\""), "is an empty text");
    }

    @Test
    void placesOfSpecialTokensAreChecked() {
        String template =
                "{\"type\":\"TemplateProcessing\",\"single\":[%s],\"pair\":[],"
                    + "\"special_tokens\":{\"a\":{\"id\":\"a\",\"ids\":[%s],\"tokens\":[\"a\"]}}}";
        String text = "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}";
        String token = "{\"SpecialToken\":{\"id\":\"%s\",\"type_id\":0}}";
        refusesPart(
                "post_processor", template.formatted(text, "9"), "has the id 9, which no token");
        refusesPart("post_processor", template.formatted(text, "0,1"), "as many ids as tokens");
        refusesPart(
                "post_processor",
                template.formatted(text + "," + token.formatted("b"), "0"),
                "names \"b\", which special_tokens lacks");
        refusesPart("post_processor", template.formatted("", "0"), "0 times, not once");
        refusesPart(
                "post_processor",
                template.formatted(text.replace("\"A\"", "\"B\""), "0"),
                "the sequence \"B\"");
        refusesPart(
                "post_processor",
                "{\"type\":\"BertProcessing\",\"sep\":[\"a\",0],\"cls\":[\"b\",77]}",
                "cls has the id 77");
    }

    @Test
    void whatATokenizerCannotEncodeIsAnError() {
        String words = "{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"<unk>\"}";
        try (HfTokenizer tokenizer = open("{\"model\":" + words + "}")) {
            var e = assertThrows(ModelException.class, () -> tokenizer.encode("b", false));
            assertTrue(e.getMessage().startsWith("t.json can't encode \"b\""), e.getMessage());
        }
    }
}
