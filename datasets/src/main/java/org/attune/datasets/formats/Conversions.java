package org.attune.datasets.formats;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// TRL's conversions between dataset types (`trl/data_utils.py`), on the columns of a row.
final class Conversions {
    private static final List<String> MESSAGE_COLUMNS =
            List.of(
                    "prompt",
                    "completion",
                    "chosen",
                    "rejected",
                    "reference",
                    "messages",
                    "conversations");

    private Conversions() {}

    /// Whether the row holds messages (`role`, `content`) rather than strings.
    public static boolean isConversational(Map<String, Object> columns) {
        return List.of("prompt", "chosen", "rejected", "completion", "messages").stream()
                .filter(columns::containsKey)
                .findFirst()
                .map(column -> hasKey(columns.get(column), "role"))
                .orElse(false);
    }

    /// Whether a value is a list whose first element is an object with this key.
    static boolean hasKey(Object value, String key) {
        return value instanceof List<?> list
                && !list.isEmpty()
                && list.getFirst() instanceof Map<?, ?> first
                && first.containsKey(key);
    }

    /// Gives a preference row without a prompt its prompt (TRL's `extract_prompt`): the messages,
    /// or
    /// characters, that `chosen` and `rejected` begin with in common. Of strings, a space at the
    /// end
    /// goes to the answers; equal sides keep their last message or character as the completion.
    ///
    /// Unlike TRL's, half a surrogate pair is never cut off.
    public static Map<String, Object> extractPrompt(Map<String, Object> columns) {
        Object chosen = columns.get("chosen");
        Object rejected = columns.get("rejected");
        var result = new LinkedHashMap<String, Object>();
        if (chosen instanceof String a && rejected instanceof String b) {
            int cut = commonPrefix(a, b);
            result.put("prompt", a.substring(0, cut));
            result.putAll(columns);
            result.put("chosen", a.substring(cut));
            result.put("rejected", b.substring(cut));
        } else if (chosen instanceof List<?> a && rejected instanceof List<?> b) {
            int cut = 0;
            while (cut < Math.min(a.size(), b.size()) - 1 && a.get(cut).equals(b.get(cut))) {
                cut++;
            }
            result.put("prompt", a.subList(0, cut));
            result.putAll(columns);
            result.put("chosen", a.subList(cut, a.size()));
            result.put("rejected", b.subList(cut, b.size()));
        } else {
            result.putAll(columns);
        }
        return result;
    }

    private static int commonPrefix(String a, String b) {
        int shortest = Math.min(a.length(), b.length());
        int cut = 0;
        while (cut < shortest && a.charAt(cut) == b.charAt(cut)) {
            cut++;
        }
        boolean differs = cut < shortest;
        if (!differs && cut > 0) {
            cut = a.offsetByCodePoints(cut, -1);
        }
        if (cut > 0 && cut < a.length() && splitsPair(a, cut)) {
            cut--;
        }
        return differs && cut > 0 && a.charAt(cut - 1) == ' ' ? cut - 1 : cut;
    }

    private static boolean splitsPair(String text, int at) {
        return Character.isHighSurrogate(text.charAt(at - 1))
                && Character.isLowSurrogate(text.charAt(at));
    }

    /// Makes two labelled rows of each pair (TRL's `unpair_preference_dataset`): first all chosen
    /// completions with `label` true, then all rejected ones. Other columns are repeated.
    public static List<Map<String, Object>> unpair(List<Map<String, Object>> pairs) {
        var rows = new ArrayList<Map<String, Object>>(2 * pairs.size());
        for (boolean label : new boolean[] {true, false}) {
            for (Map<String, Object> pair : pairs) {
                var row = new LinkedHashMap<>(pair);
                row.remove("chosen");
                row.remove("rejected");
                row.put("completion", pair.get(label ? "chosen" : "rejected"));
                row.put("label", label);
                rows.add(row);
            }
        }
        return rows;
    }

    /// Renames ShareGPT's keys (TRL's `maybe_convert_to_chatml`): `conversations` → `messages`,
    /// `from` → `role`, `value` → `content`. Roles keep their names.
    public static Map<String, Object> toChatml(Map<String, Object> columns) {
        var result = new LinkedHashMap<String, Object>();
        columns.forEach(
                (column, value) ->
                        result.put(
                                column.equals("conversations") ? "messages" : column,
                                MESSAGE_COLUMNS.contains(column) && value instanceof List<?> list
                                        ? renamed(list)
                                        : value));
        return result;
    }

    private static List<Object> renamed(List<?> messages) {
        var result = new ArrayList<Object>(messages.size());
        for (Object message : messages) {
            if (message instanceof Map<?, ?> map) {
                var fields = new LinkedHashMap<String, Object>();
                map.forEach(
                        (key, value) ->
                                fields.put(
                                        switch (String.valueOf(key)) {
                                            case "from" -> "role";
                                            case "value" -> "content";
                                            default -> String.valueOf(key);
                                        },
                                        value));
                result.add(fields);
            } else {
                result.add(message);
            }
        }
        return result;
    }
}
