package org.attune.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

class JsonTest {
    @Test
    void keepsOrderAndKindsOfNumbers() {
        Map<?, ?> map =
                (Map<?, ?>)
                        Json.parse(
                                """
                                {"z": 1, "a": 1.0, "big": 10000000000000000000, "n": null,
                                 "l": [true, false, "x"], "e": -2E3, "max": 9223372036854775807}\
                                """);
        assertEquals(List.of("z", "a", "big", "n", "l", "e", "max"), new ArrayList<>(map.keySet()));
        assertEquals(1L, map.get("z"));
        assertEquals(1.0, map.get("a"));
        assertEquals(new BigInteger("10000000000000000000"), map.get("big"));
        assertEquals(List.of(true, false, "x"), map.get("l"));
        assertEquals(-2000.0, map.get("e"));
        assertEquals(Long.MAX_VALUE, map.get("max"));
    }

    @Test
    void readsEscapesAndCharactersBeyondTheBasicPlane() {
        assertEquals(
                "a\"\\/\b\f\n\r\t\u00e9\u0000\ud83d\udc4b👋",
                Json.parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000\\ud83d\\uDC4B👋\""));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            quoteCharacter = '`',
            textBlock =
                    """
                    {"a": 1,}                ~ 9  ~ trailing comma
                    [1, 2,]                  ~ 7  ~ trailing comma
                    {'a': 1}                 ~ 2  ~ single quotes instead of double quotes
                    {"a": 1} {"b": 2}        ~ 10 ~ more than one value
                    {"a": 1, "a": 2}         ~ 10 ~ key "a" occurs twice
                    {"a": NaN}               ~ 7  ~ NaN and Infinity are not JSON
                    {"é👋": 01}              ~ 9  ~ ',' or '}' was expected, got '1'
                    {"a": "x                 ~ 7  ~ unterminated string
                    {"a": "\\ud83d"}         ~ 7  ~ lone surrogate \\ud83d
                    {"a": tru}               ~ 7  ~ a value was expected
                    {"a": "\\x"}             ~ 8  ~ unknown escape \\x
                    {a: 1}                   ~ 2  ~ a key in double quotes was expected
                    [1 2]                    ~ 4  ~ ',' or ']' was expected
                    [1.]                     ~ 4  ~ a digit was expected after the decimal point
                    {"a"                     ~ 5  ~ the text ends inside a value
                    """)
    void saysWhatIsWrongWhere(String text, int column, String problem) {
        var e = assertThrows(JsonException.class, () -> Json.parse(text));
        assertTrue(e.problem().startsWith(problem), e.problem());
        assertEquals(column, e.column(), e.getMessage());
    }

    @Test
    void countsLinesAndNamesControlCharacters() {
        var e = assertThrows(JsonException.class, () -> Json.parse("{\n  \"a\": \"b\tc\"}"));
        assertEquals(2, e.line());
        assertEquals(10, e.column());
        assertTrue(e.problem().contains("tab"), e.problem());
    }

    @Test
    void refusesWhatIsNestedTooDeeply() {
        String deep = "[".repeat(Json.MAX_DEPTH + 1) + "]".repeat(Json.MAX_DEPTH + 1);
        assertThrows(JsonException.class, () -> Json.parse(deep));
        Json.parse(deep.substring(1, deep.length() - 1));
    }

    @Test
    void takesWhatPythonTakes() {
        Object value =
                Json.parseAsPython("{\"a\": 1, \"b\": [-Infinity, NaN, -1], \"a\": \"\\ud83c\"}");
        assertEquals(
                Map.of(
                        "a",
                        "\ud83c",
                        "b",
                        Arrays.asList(Double.NEGATIVE_INFINITY, Double.NaN, -1L)),
                value);
        assertThrows(JsonException.class, () -> Json.parseAsPython("-Infinit"));
        assertThrows(JsonException.class, () -> Json.parseAsPython("{'a': 1}"));
    }

    @Test
    void writesAsPython() {
        Object value = Json.parse("{\"a\": [1, 1.0, 1e16, 1e-7, null, true], \"ü\": \"<é\\n\"}");
        assertEquals(
                "{\"a\": [1, 1.0, 1e+16, 1e-07, null, true], \"ü\": \"<é\\n\"}", Json.write(value));
        assertThrows(
                IllegalArgumentException.class, () -> Json.write(Arrays.asList(1L, new Object())));
    }
}
