package org.attune.text.parse.template;

import org.attune.text.parse.turn.CallList;
import org.attune.text.parse.turn.JsonDialect;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Reads the text of a field: the parsers that `content` names.
@FunctionalInterface
interface ContentReader {
    /// Names of the parsers.
    Set<String> NAMES =
            new TreeSet<>(
                    List.of(
                            "text",
                            "int",
                            "float",
                            "bool",
                            "json",
                            "xml-inline",
                            "kv-lines",
                            "python-call-list"));

    /// @throws UnreadableException if the text isn't of the kind
    Object read(String text);

    /// The parser of a name.
    ///
    /// @param args its `content_args`
    /// @throws IllegalArgumentException if there is none of the name, or it can't have the settings
    static ContentReader of(String name, Map<String, Object> args) {
        return switch (name) {
            case "text" -> text -> stripped(text, args);
            case "int" ->
                    text ->
                            PythonRules.integer(text)
                                    .orElseThrow(() -> new UnreadableException("no integer"));
            case "float" ->
                    text ->
                            PythonRules.real(text)
                                    .orElseThrow(() -> new UnreadableException("no number"));
            case "bool" ->
                    text -> {
                        String word = stripped(text, args).toLowerCase(Locale.ROOT);
                        return word.equals("true") || word.equals("1");
                    };
            case "json" -> JsonDialect.of(args)::read;
            case "xml-inline" -> TagReader.of(args);
            case "kv-lines" -> KeyLineReader.of(args);
            case "python-call-list" -> text -> new CallList(text).calls();
            default ->
                    throw new IllegalArgumentException(
                            "unknown content parser %s; there are %s".formatted(name, NAMES));
        };
    }

    /// The parser of values inside another one; text as it stands if none is named.
    static ContentReader ofValues(Map<String, Object> args) {
        Object parser = args.get("value_parser");
        if (parser == null) {
            return text -> text;
        }
        if (!(parser instanceof Map<?, ?> map)) {
            throw new IllegalArgumentException("value_parser must be an object");
        }
        Object name = map.containsKey("name") ? map.get("name") : "text";
        Object inner = map.containsKey("args") ? map.get("args") : Map.of();
        if (!(name instanceof String text) || !(inner instanceof Map<?, ?> settings)) {
            throw new IllegalArgumentException("value_parser needs a name and args");
        }
        return of(text, checked(settings));
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Map<String, Object> checked(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    /// The text as `strip` (true if not given) says.
    static String stripped(String text, Map<String, Object> args) {
        return PythonRules.isTrue(args.getOrDefault("strip", true))
                ? PythonRules.strip(text)
                : text;
    }
}
