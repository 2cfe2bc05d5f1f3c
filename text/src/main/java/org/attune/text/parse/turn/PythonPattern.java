package org.attune.text.parse.turn;

import org.attune.text.BoundedMatch;

import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/// A regular expression in Python's syntax, where `.` also matches line breaks and classes know
/// Unicode.
///
/// @param pattern in Java's syntax
/// @param groups names of groups, and what they are called in `pattern`
public record PythonPattern(Pattern pattern, Map<String, String> groups) {
    private static final long STEPS = 1_000_000;
    private static final long STEPS_PER_CHARACTER = 200;

    /// An expression that looks whether a text comes at all.
    private static final Pattern AHEAD =
            Pattern.compile("\\(\\?=(?:\\[\\\\s\\\\S\\]|\\.)\\*\\?([^\\\\.*+?()\\[\\]{}|^$]+)\\)");

    public PythonPattern {
        groups = Collections.unmodifiableMap(new LinkedHashMap<>(groups));
    }

    /// Compiles an expression.
    ///
    /// @throws PatternSyntaxException if it is malformed, uses what Java's expressions have no
    ///     equal for, or could take steps without end
    public static PythonPattern compile(String expression) {
        var translation = new Translation(expression);
        String translated = translation.run();
        return new PythonPattern(
                BoundedMatch.compile(
                        translated,
                        Pattern.DOTALL | Pattern.UNIX_LINES | Pattern.UNICODE_CHARACTER_CLASS),
                translation.groups);
    }

    /// A pattern for one of several texts, the longest that fits.
    public static PythonPattern ofLiterals(Collection<String> literals) {
        String expression =
                literals.stream()
                        .distinct()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .map(Pattern::quote)
                        .collect(Collectors.joining("|"));
        return new PythonPattern(Pattern.compile(expression), Map.of());
    }

    /// What `use` gives for a matcher of a text.
    ///
    /// @throws BoundedMatch.TooManyStepsException if the expression takes too many steps
    public <T> T on(CharSequence text, Function<Matcher, T> use) {
        return BoundedMatch.apply(pattern, text, STEPS + STEPS_PER_CHARACTER * text.length(), use);
    }

    /// The text before which every place matches, if the expression is of that kind.
    public Optional<String> ahead() {
        Matcher matcher = AHEAD.matcher(pattern.pattern());
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }

    /// The groups of a match that took part in it, by their names in Python.
    public Map<String, String> named(MatchResult match) {
        var result = new LinkedHashMap<String, String>();
        groups.forEach(
                (python, java) -> {
                    String group = match.group(java);
                    if (group != null) {
                        result.put(python, group);
                    }
                });
        return result;
    }

    private static final class Translation {
        private final String source;
        private final StringBuilder result = new StringBuilder();
        private final Map<String, String> groups = new LinkedHashMap<>();
        private int at;

        Translation(String source) {
            this.source = source;
        }

        String run() {
            while (at < source.length()) {
                char c = source.charAt(at);
                switch (c) {
                    case '\\' -> escape();
                    case '[' -> characterClass();
                    case '(' -> group();
                    case '{' -> brace();
                    default -> {
                        result.append(c);
                        at++;
                    }
                }
            }
            return result.toString();
        }

        private void escape() {
            if (at + 1 == source.length()) {
                throw refused("ends with a backslash");
            }
            char c = source.charAt(at + 1);
            at += 2;
            switch (c) {
                case 'Z' -> result.append("\\z");
                case 'U' -> wide();
                default -> result.append('\\').append(c);
            }
        }

        /// `\U0001f30d`.
        private void wide() {
            if (at + 8 > source.length()) {
                throw refused("\\U needs eight hexadecimal digits");
            }
            result.append("\\x{").append(source, at, at + 8).append('}');
            at += 8;
        }

        /// Java's classes may hold classes and `&&`, Python's hold characters.
        private void characterClass() {
            result.append('[');
            at++;
            if (starts("^")) {
                result.append('^');
                at++;
            }
            boolean first = true;
            while (at < source.length() && (first || source.charAt(at) != ']')) {
                char c = source.charAt(at);
                if (c == '\\') {
                    escape();
                } else {
                    if (c == '[' || c == ']' || c == '&') {
                        result.append('\\');
                    }
                    result.append(c);
                    at++;
                }
                first = false;
            }
            if (at == source.length()) {
                throw refused("a [ has no ]");
            }
            result.append(']');
            at++;
        }

        private void group() {
            if (starts("(?P<") || starts("(?<") && !starts("(?<=") && !starts("(?<!")) {
                int start = source.indexOf('<', at) + 1;
                String name = name(start, '>');
                result.append("(?<").append(renamed(name)).append('>');
                at = start + name.length() + 1;
            } else if (starts("(?P=")) {
                String name = name(at + 4, ')');
                result.append("\\k<").append(renamed(name)).append('>');
                at += 4 + name.length() + 1;
            } else if (starts("(?P") || starts("(?(") || starts("(?R") || starts("(?&")) {
                throw refused("recursion and conditions are not supported");
            } else {
                result.append('(');
                at++;
            }
        }

        private String name(int start, char end) {
            int stop = source.indexOf(end, start);
            if (stop < 0) {
                throw refused("the name of a group doesn't end");
            }
            return source.substring(start, stop);
        }

        /// Java's names have no underscore.
        private String renamed(String name) {
            return groups.computeIfAbsent(name, key -> "g" + groups.size());
        }

        /// A brace that gives no number of repetitions is a plain character.
        private void brace() {
            int end = source.indexOf('}', at);
            boolean counts =
                    end > at + 1
                            && at > 0
                            && source.substring(at + 1, end).matches("[0-9]+,?[0-9]*|,[0-9]+");
            if (!counts) {
                result.append("\\{");
            } else {
                result.append(source.charAt(at + 1) == ',' ? "{0" : "{");
            }
            at++;
        }

        private boolean starts(String text) {
            return source.startsWith(text, at);
        }

        private PatternSyntaxException refused(String reason) {
            return new PatternSyntaxException(reason, source, at);
        }
    }
}
