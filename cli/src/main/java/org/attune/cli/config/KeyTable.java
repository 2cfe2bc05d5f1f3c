package org.attune.cli.config;

import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// All known keys: those of TRL 1.16's configuration classes and ours. The resource `keys.tsv`
/// is their only list; `docs/keys.md` is made from it.
public final class KeyTable {
    private final List<Key> keys;

    private KeyTable(List<Key> keys) {
        this.keys = List.copyOf(keys);
    }

    public static KeyTable load() {
        InputStream resource = KeyTable.class.getResourceAsStream("keys.tsv");
        if (resource == null) {
            throw new IllegalStateException("resource keys.tsv is missing from the jar");
        }
        try (var lines =
                new BufferedReader(new InputStreamReader(resource, StandardCharsets.UTF_8))) {
            return new KeyTable(
                    lines.lines().filter(l -> !l.startsWith("#")).map(KeyTable::key).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Key key(String line) {
        String[] cells = line.split("\t", -1);
        return new Key(
                cells[0],
                methods(List.of(cells[1].split(","))),
                cells[2],
                cells[3],
                Key.Outcome.valueOf(cells[4].toUpperCase(Locale.ROOT)),
                cells[5]);
    }

    /// The methods of a row, or `all`, in the order in which messages name them.
    private static List<TrainingMethod<?, ?>> methods(List<String> names) {
        if (names.equals(List.of("all"))) {
            return Methods.all();
        }
        List<TrainingMethod<?, ?>> known =
                Methods.all().stream().filter(m -> names.contains(m.name())).toList();
        if (known.size() != names.size()) {
            throw new IllegalStateException("keys.tsv names an unknown method: " + names);
        }
        return known;
    }

    public List<Key> all() {
        return keys;
    }

    public List<Key> of(TrainingMethod<?, ?> method) {
        return keys.stream().filter(k -> k.methods().contains(method)).toList();
    }

    public Optional<Key> find(TrainingMethod<?, ?> method, String name) {
        return of(method).stream().filter(k -> k.name().equals(name)).findFirst();
    }

    /// The methods that know a key, empty if none does.
    public List<TrainingMethod<?, ?>> methodsOf(String name) {
        return Methods.all().stream().filter(m -> find(m, name).isPresent()).toList();
    }
}
