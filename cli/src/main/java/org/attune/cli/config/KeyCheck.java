package org.attune.cli.config;

import org.attune.error.Spelling;
import org.attune.trainers.opening.TrainingMethod;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Sorts the given keys: obeyed ones stay, those without effect become notes, refused and unknown
/// ones become problems.
final class KeyCheck {
    private final KeyTable table;
    private final String command;
    private final Map<String, Key> known = new HashMap<>();

    KeyCheck(KeyTable table, TrainingMethod<?, ?> method) {
        this(table, method.name(), table.of(method));
    }

    /// @param command what messages call it
    /// @param keys that it knows
    KeyCheck(KeyTable table, String command, Collection<Key> keys) {
        this.table = table;
        this.command = command;
        keys.forEach(key -> known.put(key.name(), key));
    }

    /// Removes from the settings what no record holds.
    ///
    /// @return a note for each given key without effect
    List<String> sort(Map<String, Setting> settings, Problems problems) {
        List<String> notes = new ArrayList<>();
        var foreign = new ForeignKeys(settings, known, this::whose);
        for (Setting setting : List.copyOf(settings.values())) {
            if (foreign.take(setting, notes, problems)) {
                continue;
            }
            Key key = known.get(setting.key());
            if (key == null) {
                problems.add(
                        setting.where(), problems.areShown() ? unknown(setting) : "unknown key");
                settings.remove(setting.key());
                continue;
            }
            switch (key.outcome()) {
                case OBEYED -> {}
                case NO_EFFECT -> {
                    settings.remove(setting.key());
                    if (!AskedNothing.by(key, setting.value())) {
                        notes.add(
                                setting.where()
                                        + ": "
                                        + setting.key()
                                        + " has no effect here: "
                                        + key.note());
                    }
                }
                case REFUSED -> {
                    settings.remove(setting.key());
                    if (!AskedNothing.by(key, setting.value())) {
                        problems.add(
                                setting.where(),
                                setting.key()
                                        + ": "
                                        + setting.value()
                                        + "; refused: "
                                        + key.note());
                    }
                }
            }
        }
        foreign.tell(problems);
        return notes;
    }

    private String unknown(Setting setting) {
        String given = setting.key() + ": " + setting.value() + "; ";
        if (!table.methodsOf(setting.key()).isEmpty()) {
            return given + whose(setting.key());
        }
        if (setting.key().equals("sweep")) {
            return given + "a block of attune sweep, which tries several values of keys";
        }
        return given + "unknown key" + nearest(setting.key());
    }

    /// Which methods have a key that isn't known here.
    private String whose(String key) {
        return "a key of "
                + table.methodsOf(key).stream()
                        .map(TrainingMethod::name)
                        .collect(Collectors.joining(" and "))
                + ", not of "
                + command;
    }

    private String nearest(String wrong) {
        Collection<String> useful =
                known.values().stream()
                        .filter(k -> k.outcome() == Key.Outcome.OBEYED)
                        .map(Key::name)
                        .toList();
        return Spelling.nearest(wrong, useful)
                .or(() -> Spelling.nearest(wrong, known.keySet()))
                .map(key -> "; did you mean " + key + "?")
                .orElse("; attune keys lists all keys");
    }
}
