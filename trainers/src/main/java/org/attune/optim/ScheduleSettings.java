package org.attune.optim;

import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Reads `lr_scheduler_kwargs`.
final class ScheduleSettings {
    private static final String KEY = "lr_scheduler_kwargs";

    private ScheduleSettings() {}

    static double number(Map<String, Object> settings, String key, double fallback) {
        Object value = settings.get(key);
        return switch (value) {
            case null -> fallback;
            case Number n -> n.doubleValue();
            default -> throw refused(key, "a number", value);
        };
    }

    static int integer(Map<String, Object> settings, String key, int fallback) {
        Object value = settings.get(key);
        return switch (value) {
            case null -> fallback;
            case Number n when n.doubleValue() == n.intValue() -> n.intValue();
            default -> throw refused(key, "an integer", value);
        };
    }

    static boolean truth(Map<String, Object> settings, String key) {
        Object value = settings.getOrDefault(key, false);
        if (value instanceof Boolean truth) {
            return truth;
        }
        throw refused(key, "true or false", value);
    }

    static String word(Map<String, Object> settings, String key, List<String> accepted) {
        String value = settings.getOrDefault(key, accepted.getFirst()).toString();
        if (accepted.contains(value)) {
            return value;
        }
        throw refused(key, String.join(" or ", accepted), value);
    }

    private static ConfigException refused(String key, String wanted, Object value) {
        return new ConfigException("%s.%s must be %s, got %s".formatted(KEY, key, wanted, value));
    }

    static void requireKnown(Map<String, Object> settings, String type, String... keys) {
        if (keys.length == 0 && !settings.isEmpty()) {
            throw ConfigException.about(
                    KEY,
                    "%s; accepted for %s: none, leave the key out"
                            .formatted(new TreeMap<>(settings), type));
        }
        for (String name : settings.keySet().stream().sorted().toList()) {
            if (!Arrays.asList(keys).contains(name)) {
                String nearest =
                        Spelling.nearest(name, Arrays.asList(keys))
                                .map(key -> " (did you mean " + key + "?)")
                                .orElse("");
                throw new ConfigException(
                        "%s has the unknown key %s%s for %s; accepted: %s"
                                .formatted(KEY, name, nearest, type, Arrays.toString(keys)));
            }
        }
    }
}
