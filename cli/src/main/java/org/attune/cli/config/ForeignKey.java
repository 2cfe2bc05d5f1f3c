package org.attune.cli.config;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// A line of `foreign.tsv`: a name that files of another program have.
///
/// @param name there; of a default the key here
/// @param program whose it is
/// @param outcome the key of ours that means the same, or `no_effect`, `refused`, `default`
/// @param values what values are called here, as `true=all-linear`; `*` is any value and, on the
///     right, that value; `*,` is a list between commas. Empty: values are the same. Of a refused
///     name: values that change nothing. Of a default: its value here, `twice KEY`, or a comment
/// @param note what is to be done, or why there is no effect
record ForeignKey(String name, String program, String outcome, List<String> values, String note) {
    private static final String ANY = "*";

    /// The file's lines, in its order.
    static List<ForeignKey> load() {
        InputStream resource = ForeignKey.class.getResourceAsStream("foreign.tsv");
        if (resource == null) {
            throw new IllegalStateException("resource foreign.tsv is missing from the jar");
        }
        try (var lines =
                new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
            return lines.lines().filter(l -> !l.startsWith("#")).map(ForeignKey::of).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ForeignKey of(String line) {
        String[] cells = line.split("\t", -1);
        List<String> values =
                cells[3].isEmpty() ? List.of() : Arrays.asList(cells[3].split("\\|", -1));
        return new ForeignKey(cells[0], cells[1], cells[2], values, cells[4]);
    }

    boolean isDefault() {
        return outcome.equals("default");
    }

    boolean isNoEffect() {
        return outcome.equals("no_effect");
    }

    boolean isRefused() {
        return outcome.equals("refused");
    }

    /// The key of ours that means the same.
    Optional<String> key() {
        return isDefault() || isNoEffect() || isRefused() ? Optional.empty() : Optional.of(outcome);
    }

    /// Whether this value is listed, not only any.
    boolean lists(YamlNode value) {
        return values.stream().anyMatch(v -> left(v).equals(lower(value)));
    }

    /// The value here in YAML: empty if none means the same, blank where the key is left out.
    Optional<String> translated(YamlNode value) {
        if (values.isEmpty()) {
            return Optional.of(value.yaml());
        }
        Optional<String> named =
                values.stream()
                        .filter(v -> left(v).equals(lower(value)))
                        .map(ForeignKey::right)
                        .findFirst();
        return named.or(
                () ->
                        values.stream()
                                .filter(v -> left(v).startsWith(ANY))
                                .map(v -> filled(v, value))
                                .findFirst());
    }

    private static String filled(String rule, YamlNode value) {
        if (left(rule).equals(ANY)) {
            return right(rule).replace(ANY, value.yaml());
        }
        Stream<YamlNode> parts =
                value instanceof YamlNode.Items(var items, int _)
                        ? items.stream()
                        : Arrays.stream(value.toString().split(",", -1))
                                .map(part -> new YamlNode.Scalar(part.strip(), false, 0));
        return parts.map(part -> right(rule).replace(ANY, part.yaml())).toList().toString();
    }

    private static String lower(YamlNode value) {
        return value.toString().strip().toLowerCase(Locale.ROOT);
    }

    private static String left(String rule) {
        return rule.contains("=") ? rule.substring(0, rule.indexOf('=')) : rule;
    }

    private static String right(String rule) {
        return rule.substring(rule.indexOf('=') + 1);
    }
}
