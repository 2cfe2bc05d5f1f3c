package org.attune.text.parse.template;

import org.attune.text.parse.turn.UnreadableException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Puts what was read of a field into the form that the message has.
final class Transform {
    private static final Pattern PLACEHOLDER =
            Pattern.compile("\\{(\\w+(?:\\.\\w+)*)\\}", Pattern.UNICODE_CHARACTER_CLASS);

    private Transform() {}

    /// What is wrong with a form, or null.
    static String problem(Object form) {
        return switch (form) {
            case Map<?, ?> map -> first(map.values());
            case List<?> list -> first(list);
            case String text
                    when PLACEHOLDER.matcher(text).find() && !PLACEHOLDER.matcher(text).matches() ->
                    "transform \"%s\" mixes a placeholder with other text".formatted(text);
            case null, default -> null;
        };
    }

    private static String first(Iterable<?> forms) {
        for (Object form : forms) {
            String problem = problem(form);
            if (problem != null) {
                return problem;
            }
        }
        return null;
    }

    static Object apply(
            ResponseField field, Object form, Object value, Map<String, String> captures) {
        if (!field.transformsEach()) {
            var scope = new LinkedHashMap<String, Object>(captures);
            scope.put("content", value);
            return apply(form, scope);
        }
        if (!(value instanceof List<?> items)) {
            throw new UnreadableException(field.name() + " must be a list");
        }
        var results = new ArrayList<>();
        for (Object item : items) {
            if (!(item instanceof Map<?, ?> map)) {
                throw new UnreadableException(
                        "each item of " + field.name() + " must be an object");
            }
            var scope = new LinkedHashMap<String, Object>(captures);
            map.forEach((key, part) -> scope.put((String) key, part));
            results.add(apply(form, scope));
        }
        return results;
    }

    private static Object apply(Object form, Map<String, Object> scope) {
        return switch (form) {
            case Map<?, ?> map -> {
                var result = new LinkedHashMap<String, Object>();
                map.forEach((key, part) -> result.put((String) key, apply(part, scope)));
                yield result;
            }
            case List<?> list -> {
                var result = new ArrayList<>();
                list.forEach(part -> result.add(apply(part, scope)));
                yield result;
            }
            case String text -> replaced(text, scope);
            case null, default -> form;
        };
    }

    private static Object replaced(String text, Map<String, Object> scope) {
        Matcher placeholder = PLACEHOLDER.matcher(text);
        if (!placeholder.matches()) {
            return text;
        }
        String[] path = placeholder.group(1).split("\\.");
        Object value = scope;
        for (String key : path) {
            if (!(value instanceof Map<?, ?> map) || !map.containsKey(key)) {
                throw new UnreadableException("\"%s\" is missing".formatted(placeholder.group(1)));
            }
            value = map.get(key);
        }
        return value;
    }
}
