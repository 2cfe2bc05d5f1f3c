package org.attune.trainers.opening;

import org.attune.error.ConfigException;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// Which weights are trained by `unfrozen_parameters`: those whose name begins with what one of
/// some regular expressions matches, as in Axolotl; all if there are none.
final class Unfrozen implements Predicate<String> {
    private final List<Pattern> patterns;
    private final Set<String> unused = new LinkedHashSet<>();

    Unfrozen(List<String> patterns) {
        this.patterns = patterns.stream().map(Pattern::compile).toList();
        unused.addAll(patterns);
    }

    @Override
    public boolean test(String name) {
        boolean trains = patterns.isEmpty();
        for (Pattern pattern : patterns) {
            if (pattern.matcher(name).lookingAt()) {
                unused.remove(pattern.pattern());
                trains = true;
            }
        }
        return trains;
    }

    /// Refuses expressions that chose nothing, when all names were asked for.
    ///
    /// @param example a name that was trained
    void requireUsed(String example) {
        if (!unused.isEmpty()) {
            throw ConfigException.about(
                    "unfrozen_parameters",
                    "%s matches no weight of the model; accepted: the beginning of a name such as %s"
                            .formatted(String.join(", ", unused), example));
        }
    }
}
