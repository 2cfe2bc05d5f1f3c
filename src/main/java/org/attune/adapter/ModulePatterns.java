package org.attune.adapter;

import org.attune.error.ConfigException;
import org.attune.text.BoundedMatch;

import java.math.BigInteger;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Matches paths of modules with the expressions of an `adapter_config.json`, as PEFT puts them
/// together. Errors name the key that the expression stands in.
final class ModulePatterns {
    private ModulePatterns() {}

    /// Says which key an expression that can't be used stands in.
    static <T> T named(String key, Supplier<T> matching) {
        try {
            return matching.get();
        } catch (ConfigException | BoundedMatch.TooManyStepsException e) {
            throw new ConfigException(key + ": " + e.getMessage(), e);
        }
    }

    /// @throws ConfigException naming the key if an expression is malformed
    static void require(String key, Collection<String> expressions) {
        named(
                key,
                () -> {
                    expressions.forEach(ModuleSelection::compile);
                    return expressions;
                });
    }

    /// Whether `exclude_modules` means a module.
    static boolean isExcluded(Optional<ModuleSelection> excluded, String path) {
        return named("exclude_modules", () -> excluded.filter(e -> e.contains(path)).isPresent());
    }

    /// Modules that are trained in full, and what is inside them, get no adapter.
    static boolean areInside(List<String> modulesToSave, String path) {
        return named(
                "modules_to_save", () -> modulesToSave.stream().anyMatch(m -> isInside(m, path)));
    }

    private static boolean isInside(String module, String path) {
        Pattern inside = ModuleSelection.compile("(^|.*\\.)" + module + "($|\\..*)");
        return ModuleSelection.match(inside, path, Matcher::lookingAt);
    }

    /// Whether a module is in one of `layers`; no layers are all.
    ///
    /// @param layersPattern names of the list of layers; empty is any
    static boolean isInLayers(String path, List<Integer> layers, List<String> layersPattern) {
        if (layers.isEmpty()) {
            return true;
        }
        // Without a pattern, the first number between two dots is the layer.
        List<String> expressions =
                layersPattern.isEmpty()
                        ? List.of(".*?\\.[^.]*\\.(?<idx>\\d+)\\.")
                        : layersPattern.stream()
                                .map(p -> "(?:^|.*?\\.)" + p + "\\.(?<idx>\\d+)\\.")
                                .toList();
        for (String expression : expressions) {
            Optional<String> layer =
                    named(
                            "layers_pattern",
                            () ->
                                    ModuleSelection.match(
                                            ModuleSelection.compile(expression),
                                            path,
                                            m ->
                                                    m.lookingAt()
                                                            ? Optional.of(m.group("idx"))
                                                            : Optional.empty()));
            if (layer.isPresent()) {
                return layers.stream().anyMatch(number -> isNumber(layer.get(), number));
            }
        }
        return false;
    }

    /// Digits in a tensor's name may be more than an integer holds.
    private static boolean isNumber(String digits, int number) {
        return new BigInteger(digits).equals(BigInteger.valueOf(number));
    }

    /// The value of the first expression that a path ends like.
    static <T> Optional<T> find(String key, Map<String, T> pattern, String path) {
        return pattern.entrySet().stream()
                .filter(e -> named(key, () -> endsLike(path, e.getKey())))
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /// Whether a path is, or ends behind a dot with, what an expression matches.
    static boolean endsLike(String path, String expression) {
        return ModuleSelection.match(
                ModuleSelection.compile("(.*\\.)?(" + expression + ")$"), path, Matcher::lookingAt);
    }
}
