package org.attune.cli.config;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What happens with a setting of another program's file.
///
/// @param program `deepspeed`, `accelerate` or `fsdp`
/// @param path of the setting, as `zero_optimization.stage`; with `.*` at its end all below
/// @param outcome `no_effect`, `refused`, or the key of ours that it sets
/// @param neutral values that change nothing, in lower case
/// @param note what is accepted instead
record PastedRule(String program, String path, String outcome, List<String> neutral, String note) {
    private static final String BELOW = ".*";

    static List<PastedRule> load() {
        InputStream resource = PastedRule.class.getResourceAsStream("pasted.tsv");
        if (resource == null) {
            throw new IllegalStateException("resource pasted.tsv is missing from the jar");
        }
        try (var lines =
                new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
            return lines.lines().filter(l -> !l.startsWith("#")).map(PastedRule::of).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static PastedRule of(String line) {
        String[] cells = line.split("\t", -1);
        return new PastedRule(cells[0], cells[1], cells[2], List.of(cells[3].split(",")), cells[4]);
    }

    /// The rule of a path: its own, or that of the nearest above it.
    static Optional<PastedRule> of(List<PastedRule> rules, String program, String path) {
        for (String above = path; ; above = above.substring(0, above.lastIndexOf('.'))) {
            String tried = above.equals(path) ? path : above + BELOW;
            Optional<PastedRule> found =
                    rules.stream()
                            .filter(r -> r.program.equals(program))
                            .filter(r -> r.path.equals(tried))
                            .findFirst();
            if (found.isPresent() || above.indexOf('.') < 0) {
                return found;
            }
        }
    }

    boolean isNoEffect() {
        return outcome.equals("no_effect");
    }

    boolean isRefused() {
        return outcome.equals("refused");
    }

    /// Whether a value changes nothing.
    boolean isNeutral(String value) {
        return neutral.contains(value.strip().toLowerCase(Locale.ROOT)) || isNeutralNumber(value);
    }

    private boolean isNeutralNumber(String value) {
        return neutral.stream().anyMatch(n -> PastedValue.sameNumber(n, value));
    }
}
