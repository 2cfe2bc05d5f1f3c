package org.attune.cli.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A piece of a YAML file that knows its line (from 1). Scalars keep their text: what it means
/// depends on the key, as `1e-4` is a number and `no` a strategy.
sealed interface YamlNode {
    /// Texts that are the same without quotes, in lists and maps too.
    Pattern PLAIN = Pattern.compile("-?[\\w./~$](?:[\\w./~$+:@=-]*[\\w./~$+@=-])?");

    int line();

    /// The node on one line, as a file may have it.
    default String yaml() {
        return switch (this) {
            case Scalar(String text, boolean isNull, int _) ->
                    isNull
                            ? "null"
                            : PLAIN.matcher(text).matches() && !text.equals("null")
                                    ? text
                                    : "'" + text.replace("'", "''") + "'";
            case Items(var items, int _) -> items.stream().map(YamlNode::yaml).toList().toString();
            case Fields(var fields, int _) ->
                    fields.stream()
                            .map(f -> f.key() + ": " + f.value().yaml())
                            .collect(Collectors.joining(", ", "{", "}"));
        };
    }

    /// @param text as written, without quotes
    /// @param isNull an empty value, `~` or `null` without quotes
    record Scalar(String text, boolean isNull, int line) implements YamlNode {
        @Override
        public String toString() {
            return isNull ? "null" : text;
        }
    }

    record Items(List<YamlNode> items, int line) implements YamlNode {
        @Override
        public String toString() {
            return items.stream()
                    .map(YamlNode::toString)
                    .collect(Collectors.joining(", ", "[", "]"));
        }
    }

    record Fields(List<Field> fields, int line) implements YamlNode {
        @Override
        public String toString() {
            return fields.stream()
                    .map(f -> f.key() + ": " + f.value())
                    .collect(Collectors.joining(", ", "{", "}"));
        }
    }

    record Field(String key, YamlNode value, int line) {}

    /// The node as maps, lists and texts.
    default Object plain() {
        return switch (this) {
            case Scalar scalar -> scalar.text();
            case Items(var items, int _) -> items.stream().map(YamlNode::plain).toList();
            case Fields(var fields, int _) -> {
                Map<String, Object> map = new LinkedHashMap<>();
                fields.forEach(f -> map.put(f.key(), f.value().plain()));
                yield map;
            }
        };
    }

    default boolean isNull() {
        return this instanceof Scalar scalar && scalar.isNull();
    }
}
