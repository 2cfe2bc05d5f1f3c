package org.attune.adapter;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.error.Excerpt;
import org.attune.text.BoundedMatch;

import java.util.List;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Which modules of a model are meant, as PEFT's `target_modules` and `exclude_modules` say it.
@Api(EXPERIMENTAL)
public sealed interface ModuleSelection {
    /// Common expressions take some thousand for a path.
    long STEPS_A_PATH = 200_000;

    /// Whether the module with this path, e.g. `model.layers.0.self_attn.q_proj`, is meant.
    boolean contains(String path);

    /// Modules whose path is one of `names`, or ends with a dot and one of them.
    record Names(List<String> names) implements ModuleSelection {
        public Names {
            names = List.copyOf(names);
        }

        @Override
        public boolean contains(String path) {
            return names.stream().anyMatch(n -> path.equals(n) || path.endsWith("." + n));
        }
    }

    /// Modules whose whole path matches a regular expression.
    record Regex(String expression) implements ModuleSelection {
        /// @throws ConfigException if the expression is malformed
        public Regex {
            compile(expression);
        }

        @Override
        public boolean contains(String path) {
            return match(compile(expression), path, Matcher::matches);
        }
    }

    /// `all-linear`: every linear module but the output layer, and but experts and their routers,
    /// which are no linear modules in transformers 5.
    record AllLinear() implements ModuleSelection {
        private static final List<String> OUTPUT_LAYERS = List.of("lm_head", "score", "embed_out");
        private static final List<String> ROUTERS = List.of(".gate", ".router", ".router.layer");

        @Override
        public boolean contains(String path) {
            return !OUTPUT_LAYERS.contains(path)
                    && !path.contains(".experts.")
                    && ROUTERS.stream().noneMatch(path::endsWith);
        }
    }

    /// A selection from one string, as PEFT reads it: `all-linear` or a regular expression.
    static ModuleSelection of(String text) {
        return text.equalsIgnoreCase("all-linear") ? new AllLinear() : new Regex(text);
    }

    /// Compiles an expression in Python's syntax; the two differ only in how groups are named.
    ///
    /// @throws ConfigException if the expression is malformed
    static Pattern compile(String expression) {
        try {
            return BoundedMatch.compile(expression.replace("(?P<", "(?<"), 0);
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "\"%s\" is no regular expression of module paths: %s"
                            .formatted(Excerpt.of(expression), e.getDescription()),
                    e);
        }
    }

    /// What `use` gives for a matcher of a module's path.
    ///
    /// @throws BoundedMatch.TooManyStepsException if the expression goes back and forth without end
    static <T> T match(Pattern expression, String path, Function<Matcher, T> use) {
        return BoundedMatch.apply(expression, path, STEPS_A_PATH, use);
    }
}
