package org.attune.cli.config;

import org.attune.reward.builtin.BuiltinRewards;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Which programs the keys of a run start: rewards, tools, environments and agents that somebody
/// brings along. Who lets others start runs asks here.
public final class RunPrograms {
    private static final String REWARDS = "reward_funcs";
    private static final String TOOLS = "tools";

    /// Keys whose values may be programs.
    private static final List<String> KEYS = List.of("agent", "environments", TOOLS, REWARDS);

    /// Fields of their entries that are programs, or addresses of some.
    private static final Set<String> PROGRAM_FIELDS =
            Set.of("file", "class", "command", "url", "mcp", "openenv", "nemo_gym", "isolation");

    /// Fields of built-in rewards.
    private static final Set<String> BUILT_IN_FIELDS = Set.of("name", "parameters", "weight");

    /// Tools that come with Attune and run nothing that a model writes.
    private static final Set<String> HARMLESS = Set.of("calculator", "table");

    /// A function of Python, as `my_rewards.accuracy` or `rewards.py:accuracy`.
    private static final Pattern PYTHON =
            Pattern.compile("(?s).+\\.py(::?.*)?|\\w+(\\.\\w+)+", Pattern.UNICODE_CHARACTER_CLASS);

    private RunPrograms() {}

    /// What in the value of a key is a program or names one, as somebody wrote it. Names that say
    /// nothing of a program, as those of models that judge, are none.
    public static Optional<String> named(String key, Object value) {
        if (!KEYS.contains(key)) {
            return Optional.empty();
        }
        return switch (value) {
            case List<?> list -> list.stream().flatMap(one -> named(key, one).stream()).findFirst();
            case Map<?, ?> map -> {
                Stream<?> names =
                        map.containsKey("name")
                                ? Stream.of(map.get("name"))
                                : map.keySet().stream();
                yield Stream.concat(map.keySet().stream().filter(PROGRAM_FIELDS::contains), names)
                        .map(String::valueOf)
                        .filter(text -> PROGRAM_FIELDS.contains(text) || isProgram(key, text))
                        .findFirst();
            }
            case null -> Optional.empty();
            default -> Optional.of(value.toString()).filter(text -> isProgram(key, text));
        };
    }

    private static boolean isProgram(String key, String text) {
        return switch (key) {
            case REWARDS ->
                    text.startsWith("class:")
                            || text.endsWith(".java")
                            || PYTHON.matcher(text).matches();
            case TOOLS -> !HARMLESS.contains(text) && !text.isBlank();
            default -> !text.isBlank();
        };
    }

    /// Keys with anything but built-in rewards in them: what is known to start nothing is left out,
    /// and nothing else.
    ///
    /// @param keys of a run, with their values
    public static List<String> beyondBuiltIn(Map<String, Object> keys) {
        return KEYS.stream()
                .filter(
                        key ->
                                named(key, keys.get(key)).isPresent()
                                        || !isBuiltIn(key, keys.get(key)))
                .toList();
    }

    private static boolean isBuiltIn(String key, Object value) {
        boolean isEmpty =
                value == null
                        || value instanceof Collection<?> list && list.isEmpty()
                        || value instanceof Map<?, ?> map && map.isEmpty();
        return isEmpty
                || key.equals(REWARDS)
                        && value instanceof List<?> rewards
                        && rewards.stream().allMatch(RunPrograms::isBuiltIn);
    }

    private static boolean isBuiltIn(Object reward) {
        return switch (reward) {
            case String name -> BuiltinRewards.names().contains(name);
            case Map<?, ?> fields ->
                    BUILT_IN_FIELDS.containsAll(fields.keySet())
                            && BuiltinRewards.names().contains(String.valueOf(fields.get("name")));
            case null, default -> false;
        };
    }
}
