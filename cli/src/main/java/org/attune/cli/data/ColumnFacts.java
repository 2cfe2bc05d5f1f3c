package org.attune.cli.data;

import org.attune.json.Json;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// What the values of a column are.
final class ColumnFacts {
    private static final int MOST_SHOWN = 60;

    private final Set<String> kinds = new TreeSet<>();
    private final Set<RowText.Key> different = new HashSet<>();
    private String first = "";
    private int filled;
    private long characters;
    private int least = Integer.MAX_VALUE;
    private int most;

    void see(Object value) {
        if (value == null) {
            return;
        }
        kinds.add(kind(value));
        String text = value instanceof String string ? string : Json.write(value);
        if (filled++ == 0) {
            first = text;
        }
        int length = text.codePointCount(0, text.length());
        characters += length;
        least = Math.min(least, length);
        most = Math.max(most, length);
        different.add(RowText.Key.of(text));
    }

    private static String kind(Object value) {
        return switch (value) {
            case String _ -> "text";
            case Boolean _ -> "true or false";
            case Number _ -> "number";
            case List<?> list
                    when !list.isEmpty() && list.stream().allMatch(Map.class::isInstance) ->
                    "list of objects";
            case List<?> _ -> "list";
            case Map<?, ?> _ -> "object";
            default -> "bytes";
        };
    }

    /// One line for a person.
    ///
    /// @param rows of all files
    String words(int rows) {
        if (filled == 0) {
            return "empty in all rows";
        }
        String start =
                first.length() > MOST_SHOWN
                        ? first.substring(0, first.offsetByCodePoints(0, MOST_SHOWN / 2)) + "…"
                        : first;
        return "%s%s, %d different, %d to %d characters (mean %d); the first: %s"
                .formatted(
                        String.join(" or ", kinds),
                        filled == rows ? "" : " in %d of %d rows".formatted(filled, rows),
                        different.size(),
                        least,
                        most,
                        Math.round((double) characters / filled),
                        Json.write(start));
    }
}
