package org.attune.json;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// What the readers made of Jackson's mapper accept, and how trees are written.
class JsonReadersTest {
    private static boolean takes(ObjectReader reader, String text) {
        try {
            reader.readTree(text);
            return true;
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // text | as it comes, with NaN, whole, strict, strict with NaN
                "{\"a\": 1} | 11111",
                "{\"a\": NaN} | 01001",
                "[-Infinity] | 01001",
                "{\"a\": 1} {} | 11000",
                "{\"a\": 1} x | 11000",
                "{\"a\": 1, \"a\": 2} | 11100",
                "{\"b\": {\"a\": 1, \"a\": NaN}} | 01000",
                "{'a': 1} | 00000",
                "[01] | 00000",
                "[1,] | 00000",
                "/* no */ {} | 00000"
            })
    void readersDifferInWhatTheyRefuse(String text, String expected) {
        var readers =
                List.of(
                        Json.MAPPER.reader(),
                        Json.WITH_NAN,
                        Json.WHOLE,
                        Json.STRICT,
                        Json.STRICT_WITH_NAN);
        var taken = new StringBuilder();
        readers.forEach(reader -> taken.append(takes(reader, text) ? '1' : '0'));
        assertEquals(expected, taken.toString());
    }

    /// Headers of tensor files are read so.
    @Test
    void parsersHaveTheSettingsOfTheirReader() throws IOException {
        byte[] twice = "{\"a\": NaN, \"a\": 1}".getBytes(StandardCharsets.UTF_8);
        try (JsonParser parser = Json.STRICT_WITH_NAN.createParser(twice)) {
            parser.nextToken();
            parser.nextToken();
            parser.nextToken();
            assertTrue(Double.isNaN(parser.getDoubleValue()));
            assertThrows(JsonProcessingException.class, parser::nextToken);
        }
    }

    @Test
    void ofRepeatedKeysTheLastCounts() throws JsonProcessingException {
        assertEquals(2, Json.tree("{\"a\": 1, \"a\": 2} [").path("a").intValue());
        assertTrue(Json.tree("").isMissingNode());
    }

    @Test
    void writesInOneLineOrIndented() throws JsonProcessingException {
        ObjectNode tree = Json.object().put("a", 1);
        tree.putArray("b").add(true).addNull();
        tree.putObject("c");
        tree.set("d", Json.array().add("ü\n"));
        assertEquals("{\"a\":1,\"b\":[true,null],\"c\":{},\"d\":[\"ü\\n\"]}", Json.compact(tree));
        assertArrayEquals(
                new String[] {
                    "{",
                    "  \"a\": 1,",
                    "  \"b\": [",
                    "    true,",
                    "    null",
                    "  ],",
                    "  \"c\": {},",
                    "  \"d\": [",
                    "    \"ü\\n\"",
                    "  ]",
                    "}",
                    ""
                },
                Json.pretty(tree).split("\n", -1));
        assertEquals(
                List.of(
                        "{",
                        "  \"a\" : 1,",
                        "  \"b\" : [ true, null ],",
                        "  \"c\" : { },",
                        "  \"d\" : [ \"ü\\n\" ]",
                        "}"),
                Json.INDENTED.writeValueAsString(tree).lines().toList());
    }

    @Test
    void whatHasNoFormIsAFaultOfTheProgram() {
        var e =
                assertThrows(
                        IllegalStateException.class, () -> Json.compact(Map.of("a", new Odd())));
        assertTrue(e.getMessage().contains("JSON can't hold"), e.getMessage());
    }

    /// What can't be written.
    public static final class Odd {
        public String getText() {
            throw new IllegalArgumentException("no");
        }
    }
}
