package org.attune.cli.config;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// Answers what a run's file has in the words of LLaMA-Factory, Axolotl and others, as
/// `foreign.tsv` lists them. Such names are errors that say what to write: a file whose defaults
/// are another program's would train something else if its names were simply taken over.
public final class ForeignKeys {
    private static final List<ForeignKey> ROWS = ForeignKey.load();
    private static final Map<String, List<ForeignKey>> NAMES =
            ROWS.stream()
                    .filter(row -> !row.isDefault())
                    .collect(Collectors.groupingBy(ForeignKey::name));

    private static final Set<String> DATASETS = Set.of("datasets", "eval_datasets");
    private static final String AXOLOTL = "Axolotl";

    /// Number of one program's names from which on the whole file is taken for one of that program.
    private static final int WHOLE_FILE = 4;

    private final Map<String, Setting> settings;
    private final Map<String, Key> known;
    private final UnaryOperator<String> otherwise;
    private final String program;
    private final boolean isWhole;
    private final Map<String, String> written = new LinkedHashMap<>();

    /// @param settings of the run; names of others are taken out, the keys that they mean put in
    /// @param known keys here
    /// @param otherwise what is said of a key that isn't known here
    ForeignKeys(
            Map<String, Setting> settings,
            Map<String, Key> known,
            UnaryOperator<String> otherwise) {
        this.settings = settings;
        this.known = known;
        this.otherwise = otherwise;
        List<String> programs = ROWS.stream().map(ForeignKey::program).distinct().toList();
        program = programs.stream().max(Comparator.comparingLong(this::names)).orElseThrow();
        isWhole = names(program) >= WHOLE_FILE;
    }

    private long names(String candidate) {
        return settings.values().stream()
                .filter(
                        setting ->
                                known.containsKey(setting.key())
                                        ? candidate.equals(AXOLOTL) && rows(setting).isPresent()
                                        : find(setting.key(), candidate).isPresent())
                .count();
    }

    private static Optional<AxolotlRows.Answer> rows(Setting setting) {
        return DATASETS.contains(setting.key())
                ? AxolotlRows.of(setting.value())
                : Optional.empty();
    }

    private static Optional<ForeignKey> find(String name, String program) {
        return NAMES.getOrDefault(name, List.of()).stream()
                .filter(row -> row.program().equals(program))
                .findFirst();
    }

    private static Optional<ForeignKey> find(String name) {
        return NAMES.getOrDefault(name, List.of()).stream().findFirst();
    }

    /// What a name of another program means here, in words; empty if none has it.
    public static Optional<String> answer(String name) {
        return find(name)
                .map(
                        row ->
                                row.key()
                                        .map(key -> row.program() + "'s name of " + key)
                                        .orElse("a key of " + row.program() + "; " + row.note()));
    }

    /// Takes a setting that is another program's: by its name, or of a key that is known here too,
    /// by its value.
    ///
    /// @param notes takes what has no effect
    /// @return whether it is one
    boolean take(Setting setting, List<String> notes, Problems problems) {
        String name = setting.key();
        Optional<AxolotlRows.Answer> rows = rows(setting);
        if (rows.isPresent() && known.containsKey(name)) {
            settings.put(name, answer(setting, rows.get(), problems));
            return true;
        }
        Optional<ForeignKey> row = find(name, program).or(() -> find(name));
        if (row.isEmpty() || known.containsKey(name) && !row.get().lists(setting.value())) {
            return false;
        }
        settings.remove(name);
        if (!asksNothing(row.get(), setting.value())) {
            answer(row.get(), setting, notes, problems);
        }
        return true;
    }

    private static boolean asksNothing(ForeignKey row, YamlNode value) {
        if (row.key().isPresent()) {
            return value.isNull()
                    || value.toString().isBlank()
                    || row.translated(value).filter(String::isEmpty).isPresent();
        }
        var refused = new Key(row.name(), List.of(), "", "null", Key.Outcome.REFUSED, row.note());
        return row.lists(value) || AskedNothing.by(refused, value);
    }

    private void answer(ForeignKey row, Setting setting, List<String> notes, Problems problems) {
        boolean secret = setting.key().endsWith("_token");
        String given = setting.key() + ": " + (secret ? "…" : setting.value()) + "; ";
        if (row.isNoEffect()) {
            notes.add(
                    "%s: %s has no effect here: %s"
                            .formatted(setting.where(), setting.key(), row.note()));
            return;
        }
        if (row.isRefused()) {
            String whose = "a key of " + row.program() + "; ";
            problems.add(setting.where(), given + whose + row.note());
            return;
        }
        String key = row.key().orElseThrow();
        Optional<String> value = row.translated(setting.value());
        Key ours = known.get(key);
        String named =
                given
                        + row.program()
                        + "'s "
                        + (key.equals(row.name()) ? "value" : "name of " + key);
        if (ours == null || ours.outcome() != Key.Outcome.OBEYED) {
            problems.add(setting.where(), named + ", " + otherwise.apply(key));
        } else if (value.isEmpty()) {
            problems.add(setting.where(), named + "; " + row.note());
        } else {
            YamlNode node = YamlText.parse(setting.where(), value.get(), problems);
            Setting renamed = setting.as(key, node);
            Optional<AxolotlRows.Answer> rows = rows(renamed);
            if (rows.isPresent()) {
                settings.putIfAbsent(key, answer(renamed, rows.get(), problems));
                return;
            }
            problems.add(setting.where(), named + "; write " + key + ": " + value.get());
            written.putIfAbsent(key, value.get());
            settings.putIfAbsent(key, renamed);
        }
    }

    /// Entries of rows in Axolotl's words.
    ///
    /// @return the setting in ours
    private Setting answer(Setting setting, AxolotlRows.Answer rows, Problems problems) {
        String value = rows.entries().yaml();
        written.putIfAbsent(setting.key(), value);
        problems.add(
                setting.where(),
                "%s: entries in Axolotl's words; write %s: %s%s"
                        .formatted(
                                setting.key(),
                                setting.key(),
                                value,
                                rows.notes().isEmpty()
                                        ? ""
                                        : "; not taken over: " + String.join("; ", rows.notes())));
        return setting.as(setting.key(), rows.entries());
    }

    /// Says all keys to write at once, if there are several.
    void tell(Problems problems) {
        if (written.size() < 2) {
            return;
        }
        List<String> lines = new ArrayList<>();
        lines.add("What " + program + "'s names mean, to be written in their place:");
        written.forEach((key, value) -> lines.add("  " + key + ": " + value));
        if (isWhole) {
            List<String> defaults =
                    ROWS.stream()
                            .filter(r -> r.isDefault() && r.program().equals(program))
                            .filter(r -> known.containsKey(r.name()))
                            .filter(r -> !settings.containsKey(r.name()))
                            .map(this::line)
                            .toList();
            if (!defaults.isEmpty()) {
                lines.add("  # " + program + "'s defaults, where those here are others:");
                lines.addAll(defaults);
            }
        }
        problems.remedy(String.join("\n", lines));
    }

    private String line(ForeignKey row) {
        String value = String.join("|", row.values());
        if (value.startsWith("twice ")) {
            value = twice(value.substring("twice ".length()));
        }
        return value.startsWith("#") ? "  " + value : "  " + row.name() + ": " + value;
    }

    /// Twice what a key has in the file, or by the program's default.
    private String twice(String key) {
        String number =
                Optional.ofNullable(settings.get(key))
                        .map(setting -> setting.value().toString())
                        .orElseGet(
                                () ->
                                        ROWS.stream()
                                                .filter(row -> row.isDefault())
                                                .filter(row -> row.program().equals(program))
                                                .filter(row -> row.name().equals(key))
                                                .map(row -> row.values().getFirst())
                                                .findFirst()
                                                .orElseThrow());
        return number.matches("\\d{1,9}") ? String.valueOf(2 * Long.parseLong(number)) : number;
    }
}
