package org.attune.datasets.rows;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;

import org.attune.error.DatasetException;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Strict JSON values in plain Java types. Key order, the difference of `1` and `1.0` and
/// integers of any size are kept; a key that occurs twice, `NaN` and half a surrogate pair are
/// faults.
public final class JsonValues {
    /// Deeper values are refused: no data set needs them and templates would recurse over them.
    static final int MAX_DEPTH = 500;

    private static final int MAX_DIGITS = 1000;
    private static final int MAX_KEY = 50_000;

    static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    // many keys of one hash are read without the table of keys, not refused
                    .disable(JsonFactory.Feature.FAIL_ON_SYMBOL_HASH_OVERFLOW)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(MAX_DEPTH)
                                    .maxStringLength(Integer.MAX_VALUE)
                                    .maxNumberLength(MAX_DIGITS)
                                    .maxNameLength(MAX_KEY)
                                    .build())
                    .build();

    private static final Pattern UNEXPECTED =
            Pattern.compile("Unexpected character \\('(.)' \\(code (\\d+)", Pattern.DOTALL);
    private static final Pattern CONTROL = Pattern.compile("CTRL-CHAR, code (\\d+)");
    private static final Pattern ESCAPE =
            Pattern.compile("Unrecognized character escape '(.)'", Pattern.DOTALL);
    private static final Pattern QUOTED = Pattern.compile("'([^']*)'");

    private final JsonParser parser;
    private int count;

    private JsonValues(JsonParser parser) {
        this.parser = parser;
    }

    /// Reads one JSON text.
    ///
    /// @param what how the message calls the text, e.g. `arguments of tool call 1`
    /// @throws DatasetException if it is no JSON
    public static Object parse(String text, String what) {
        try (JsonParser parser = FACTORY.createParser(text)) {
            parser.nextToken();
            Object value = read(parser);
            if (parser.nextToken() != null) {
                throw new DatasetException(what + ": more than one JSON value");
            }
            return value;
        } catch (JsonProcessingException e) {
            throw new DatasetException(what + ": " + explain(e), e);
        } catch (IOException e) {
            throw new DatasetException(what + ": " + e.getMessage(), e);
        }
    }

    /// Reads the value whose first token is the current one; afterwards its last token is.
    ///
    /// @throws JsonProcessingException if it is no JSON, or holds more than
    ///     [RowLimits#VALUES] values
    static Object read(JsonParser parser) throws IOException {
        return new JsonValues(parser).value();
    }

    private Object value() throws IOException {
        if (++count > RowLimits.VALUES) {
            throw new OwnWordsException(
                    parser, "more than %d values in one row".formatted(RowLimits.VALUES));
        }
        JsonToken token = parser.currentToken();
        if (token == null) {
            throw new JsonEOFException(parser, null, "Unexpected end-of-input");
        }
        return switch (token) {
            case START_OBJECT -> object();
            case START_ARRAY -> list();
            case VALUE_STRING -> wellFormed(parser.getText());
            case VALUE_NUMBER_INT ->
                    parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                            ? parser.getBigIntegerValue()
                            : (Object) parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> throw new IOException("unexpected JSON token " + token);
        };
    }

    private Map<String, Object> object() throws IOException {
        var object = new LinkedHashMap<String, Object>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = wellFormed(parser.currentName());
            parser.nextToken();
            object.put(key, value());
        }
        return object;
    }

    private List<Object> list() throws IOException {
        var list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            list.add(value());
        }
        list.trimToSize();
        return list;
    }

    private String wellFormed(String text) throws IOException {
        // codePointAt gives a half that stands alone as itself, which is no character.
        int i = 0;
        while (i < text.length()) {
            int c = text.codePointAt(i);
            if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
                throw new OwnWordsException(
                        parser, "lone surrogate \\u%04x, half of a character".formatted(c));
            }
            i += Character.charCount(c);
        }
        return text;
    }

    /// What is wrong, in a few words, without Jackson's advice about its own settings.
    static String explain(JsonProcessingException e) {
        String message = e.getOriginalMessage();
        if (e instanceof OwnWordsException) {
            return message;
        }
        if (e instanceof JsonEOFException || message.startsWith("Unexpected end-of-input")) {
            return "the JSON ends in the middle of a value";
        }
        if (e instanceof StreamConstraintsException) {
            return constraint(message);
        }
        Matcher escape = ESCAPE.matcher(message);
        if (escape.find()) {
            return "unknown escape \\%s in a string; a backslash itself is written \\\\"
                    .formatted(escape.group(1));
        }
        if (message.startsWith("Broken surrogate pair")) {
            return "half of a character (lone surrogate) in a key";
        }
        Matcher control = CONTROL.matcher(message);
        if (control.find()) {
            int code = Integer.parseInt(control.group(1));
            return message.startsWith("Illegal unquoted")
                    ? "control character U+%04X in a string; write it as \\u%04x"
                            .formatted(code, code)
                    : "byte %d where a JSON value should be".formatted(code);
        }
        if (message.startsWith("Duplicate")) {
            return "key " + quoted(message) + " occurs twice";
        }
        if (message.startsWith("Non-standard token") || message.contains("token 'NaN'")) {
            return quoted(message) + " is not JSON; write null or leave the column out";
        }
        if (message.startsWith("Unrecognized token")) {
            return quoted(message) + " is not JSON; true, false, null, a number or \"text\" is";
        }
        Matcher unexpected = UNEXPECTED.matcher(message);
        return unexpected.find() ? unexpected(unexpected.group(1), message) : message;
    }

    private static String constraint(String message) {
        if (message.contains("nesting depth")) {
            return "nested too deeply; at most " + MAX_DEPTH + " levels are accepted";
        }
        if (message.startsWith("Number")) {
            return "a number of more than %d digits".formatted(MAX_DIGITS);
        }
        return message.startsWith("Name")
                ? "a key of more than %d characters".formatted(MAX_KEY)
                : message;
    }

    private static String unexpected(String character, String message) {
        if (message.contains("digit") && !message.contains("hex-digit")) {
            return "'%s' where a number should have a digit".formatted(character);
        }
        return switch (character) {
            case "'" -> "single quotes; JSON wants double quotes";
            case "+" -> "'+' before a number; JSON wants none";
            case "/" -> "'/' is not expected here; JSON has no comments";
            case "}", "]" -> "'" + character + "' after a comma (trailing comma?)";
            case "\uFEFF" -> "byte order mark inside the file";
            default -> {
                int expected = message.indexOf(": ");
                yield "'%s' is not expected here%s"
                        .formatted(
                                character,
                                expected < 0 ? "" : " (" + message.substring(expected + 2) + ")");
            }
        };
    }

    private static String quoted(String message) {
        Matcher matcher = QUOTED.matcher(message);
        return matcher.find() ? matcher.group(1) : "a key";
    }

    /// Kind of a JSON value with its article, for messages: `a string`, `null`.
    public static String kind(Object value) {
        return switch (value) {
            case null -> "null";
            case String _ -> "a string";
            case Boolean _ -> "a boolean";
            case Number _ -> "a number";
            case List<?> _ -> "a list";
            case Map<?, ?> _ -> "an object";
            case byte[] _ -> "binary";
            default -> value.getClass().getSimpleName();
        };
    }

    private static final class OwnWordsException extends JsonProcessingException {
        private static final long serialVersionUID = 1L;

        OwnWordsException(JsonParser parser, String message) {
            super(message, parser.currentTokenLocation());
        }
    }
}
