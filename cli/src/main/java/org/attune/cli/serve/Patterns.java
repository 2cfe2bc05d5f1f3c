package org.attune.cli.serve;

import org.attune.error.ConfigException;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Patterns of a file, one in each line, and what stands in place of what they find. Lines that are
/// empty or begin with `#` are passed over.
///
/// @param rules in the order in which they are applied
record Patterns(List<Rule> rules) implements UnaryOperator<String> {
    private static final String ARROW = " => ";
    private static final String REPLACEMENT = "[redacted]";

    /// @param replacement stands there as it is
    private record Rule(Pattern pattern, String replacement) {}

    /// Reads a file.
    ///
    /// @throws ConfigException naming the line that is no pattern
    static Patterns read(Path file) {
        List<String> lines;
        try {
            lines = GivenText.read(file).lines().toList();
        } catch (IOException e) {
            throw new ConfigException(
                    "--redact: %s cannot be read: %s".formatted(file, e.getMessage()), e);
        }
        List<Rule> rules = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (!line.isBlank() && !line.startsWith("#")) {
                rules.add(rule(line, file + ":" + (i + 1)));
            }
        }
        if (rules.isEmpty()) {
            throw new ConfigException(
                    "--redact: %s has no patterns; accepted: a regular expression in each line"
                            .formatted(file));
        }
        return new Patterns(List.copyOf(rules));
    }

    private static Rule rule(String line, String where) {
        int arrow = line.lastIndexOf(ARROW);
        String pattern = arrow < 0 ? line : line.substring(0, arrow);
        String replacement = arrow < 0 ? REPLACEMENT : line.substring(arrow + ARROW.length());
        try {
            return new Rule(Pattern.compile(pattern), Matcher.quoteReplacement(replacement));
        } catch (PatternSyntaxException e) {
            throw new ConfigException(
                    "--redact: %s: %s; accepted: a regular expression of Java, or PATTERN%sTEXT"
                            .formatted(where, e.getDescription(), ARROW),
                    e);
        }
    }

    @Override
    public String apply(String text) {
        String changed = text;
        for (Rule rule : rules) {
            changed = rule.pattern().matcher(changed).replaceAll(rule.replacement());
        }
        return changed;
    }
}
