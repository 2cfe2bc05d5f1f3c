package org.attune.cli.config;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/// Obeyed keys that serve one purpose, as `groups.tsv` lists them.
///
/// @param title what they are for
/// @param keys their names, the most needed ones first
public record KeyGroup(String title, List<String> keys) {
    public KeyGroup {
        keys = List.copyOf(keys);
    }

    /// All groups, in the order of `docs/keys.md`.
    public static List<KeyGroup> all() {
        InputStream resource = KeyGroup.class.getResourceAsStream("groups.tsv");
        if (resource == null) {
            throw new IllegalStateException("resource groups.tsv is missing from the jar");
        }
        try (var lines =
                new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
            return lines.lines().filter(l -> !l.startsWith("#")).map(KeyGroup::of).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static KeyGroup of(String line) {
        String[] cells = line.split("\t", -1);
        return new KeyGroup(cells[0], List.of(cells[1].split(" ")));
    }

    /// Whether a word of the title is this one.
    public boolean isAbout(String word) {
        return List.of(title.toLowerCase(Locale.ROOT).split("[^a-z0-9]+"))
                .contains(word.toLowerCase(Locale.ROOT));
    }
}
