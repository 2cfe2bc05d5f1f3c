package org.attune.text.parse.template;

import org.attune.text.parse.turn.PythonPattern;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.PatternSyntaxException;

/// Reads keys and values between tags: each match of a pattern with the groups `key` and `value`.
///
/// @param tag what is looked for
/// @param values reads the values
/// @param mergesRepeated whether values of a key that comes several times are a list
record TagReader(PythonPattern tag, ContentReader values, boolean mergesRepeated)
        implements ContentReader {
    static TagReader of(Map<String, Object> args) {
        if (!(args.get("tag_pattern") instanceof String expression)) {
            throw new IllegalArgumentException("xml-inline needs a tag_pattern");
        }
        PythonPattern tag;
        try {
            tag = PythonPattern.compile(expression);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("tag_pattern: " + e.getMessage(), e);
        }
        if (!tag.groups().containsKey("key")) {
            throw new IllegalArgumentException("tag_pattern has no group \"key\"");
        }
        return new TagReader(
                tag,
                ContentReader.ofValues(args),
                PythonRules.isTrue(args.get("merge_duplicates")));
    }

    @Override
    public Object read(String text) {
        return tag.on(text, this::read);
    }

    private Map<String, Object> read(Matcher matcher) {
        var result = new LinkedHashMap<String, Object>();
        var merged = new HashSet<String>();
        while (matcher.find()) {
            Map<String, String> groups = tag.named(matcher);
            String key = groups.get("key");
            if (key == null) {
                throw new UnreadableException("an argument has no name");
            }
            Object value = values.read(groups.getOrDefault("value", ""));
            if (!mergesRepeated || !result.containsKey(key)) {
                result.put(key, value);
            } else {
                merge(result, key, value, merged.add(key));
            }
        }
        return result;
    }

    @SuppressWarnings("unchecked") // a list that was put there by this method
    private static void merge(
            Map<String, Object> result, String key, Object value, boolean isFirst) {
        if (isFirst) {
            var list = new ArrayList<>();
            list.add(result.get(key));
            result.put(key, list);
        }
        ((List<Object>) result.get(key)).add(value);
    }
}
