package org.attune.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.core.util.Separators.Spacing;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.jinja.JinjaException;
import org.attune.jinja.JsonText;
import org.attune.jinja.PythonText;

import java.nio.charset.StandardCharsets;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// JSON, in two forms.
///
/// As plain Java values, for texts that people and models write ([#parse], [#parseAsPython],
/// [#write]): objects are `LinkedHashMap<String, Object>` in the text's order, arrays
/// `ArrayList<Object>`, integers `Long` or (beyond 64 bits) `BigInteger`, other numbers `Double`,
/// then `String`, `Boolean` and `null`. The reader is strict (RFC 8259): no comments, no `NaN`, no
/// repeated keys, no lone surrogates. It says what is wrong in which column.
///
/// As Jackson's trees and objects ([#MAPPER]), for files and messages of programs. Readers that
/// accept more or less are made of the one mapper: [#WHOLE], [#STRICT], [#STRICT_WITH_NAN],
/// [#WITH_NAN].
public final class Json {
    /// Jackson as it comes: what follows a value is not read, of repeated keys the last counts,
    /// `NaN` is no number. All parts share it, so nobody may change its settings.
    public static final JsonMapper MAPPER = new JsonMapper();

    /// Takes `NaN` and `Infinity` too, which Python writes unless told not to.
    public static final ObjectReader WITH_NAN =
            MAPPER.reader().with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS);

    /// Refuses a text with something behind its value.
    public static final ObjectReader WHOLE =
            MAPPER.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /// Refuses a text with something behind its value, and keys that occur twice, since two values
    /// for one key have no agreed meaning.
    public static final ObjectReader STRICT =
            WHOLE.with(StreamReadFeature.STRICT_DUPLICATE_DETECTION);

    /// [#STRICT] with `NaN` and `Infinity`: for files of models, which Python writes.
    public static final ObjectReader STRICT_WITH_NAN =
            STRICT.with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS);

    /// Two spaces of indentation, `"key" : value`, lists in one line.
    public static final ObjectWriter INDENTED = MAPPER.writerWithDefaultPrettyPrinter();

    private static final DefaultIndenter LINES = new DefaultIndenter("  ", "\n");

    private static final ObjectWriter PRETTY =
            MAPPER.writer(
                    new DefaultPrettyPrinter(
                                    Separators.createDefaultInstance()
                                            .withObjectFieldValueSpacing(Spacing.AFTER)
                                            .withObjectEmptySeparator("")
                                            .withArrayEmptySeparator(""))
                            .withObjectIndenter(LINES)
                            .withArrayIndenter(LINES));

    /// Objects and arrays may be nested this deep.
    public static final int MAX_DEPTH = 500;

    /// A text and what makes it a name; possessive, so that long ones need no stack.
    private static final Pattern TEXT =
            Pattern.compile("\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"(\\s*:)?");

    private static final Pattern HALF = Pattern.compile("\\p{Cs}");

    private Json() {}

    /// The value that `text` holds.
    ///
    /// @throws JsonException if `text` is not exactly one JSON value
    public static Object parse(String text) {
        return new JsonParser(text).document();
    }

    /// The value that `text` holds, as Python's `json.loads` reads it: `NaN` and `Infinity` are
    /// numbers, of repeated keys the last counts, halves of characters are kept. For what models
    /// write.
    ///
    /// @throws JsonException if Python refuses it too
    public static Object parseAsPython(String text) {
        return new JsonParser(text, true).document();
    }

    /// `value` as Python's `repr` writes it: `{'error': "can't"}`.
    public static String writeAsPython(Object value) {
        return PythonText.repr(value);
    }

    /// A value, and one past its last character.
    public record First(Object value, int end) {}

    /// The value that begins at a place of a text, read as [#parseAsPython] does; anything may
    /// follow it.
    ///
    /// @throws JsonException if no value begins there, or it is damaged
    public static First parseFirst(String text, int start) {
        return new JsonParser(text, true).first(start);
    }

    /// JSON that has bytes in UTF-8: halves of characters, which a model or a program may write as
    /// `\ud83d` and which have none, become such escapes again. In names, where readers refuse
    /// these, they become U+FFFD.
    public static String inUtf8(String json) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(json)) {
            return json;
        }
        return TEXT.matcher(json)
                .replaceAll(
                        text -> {
                            boolean isName = text.group(1) != null;
                            return Matcher.quoteReplacement(
                                    HALF.matcher(text.group())
                                            .replaceAll(half -> isName ? "\ufffd" : escape(half)));
                        });
    }

    private static String escape(MatchResult half) {
        return "\\\\u%04x".formatted((int) half.group().charAt(0));
    }

    /// `value` as Python's `json.dumps(value, ensure_ascii=False)` writes it, which is what chat
    /// templates' `tojson` gives: `{"a": 1, "b": [true, null]}`.
    ///
    /// @throws IllegalArgumentException if something in `value` has no JSON form
    public static String write(Object value) {
        try {
            return JsonText.dumps(value);
        } catch (JinjaException e) {
            throw new IllegalArgumentException("can't be written as JSON: " + e.problem(), e);
        }
    }

    /// An empty object to be filled.
    public static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /// An empty list to be filled.
    public static ArrayNode array() {
        return JsonNodeFactory.instance.arrayNode();
    }

    /// The tree of a text; empty text is a missing node.
    ///
    /// @throws JsonProcessingException if it doesn't begin with a JSON value
    public static JsonNode tree(String text) throws JsonProcessingException {
        return MAPPER.readTree(text);
    }

    /// A tree, or maps, lists and plain values, in one line without spaces: `{"a":1,"b":[true]}`.
    ///
    /// @throws IllegalStateException if something in `value` has no JSON form
    public static String compact(Object value) {
        return written(MAPPER.writer(), value);
    }

    /// A tree as the Python libraries write it into model folders: two spaces of indentation,
    /// `"key": value`, one list entry a line, a newline at the end.
    public static String pretty(JsonNode tree) {
        return written(PRETTY, tree) + "\n";
    }

    private static String written(ObjectWriter writer, Object value) {
        try {
            return writer.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a value that JSON can't hold", e);
        }
    }
}
