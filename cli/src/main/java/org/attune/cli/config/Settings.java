package org.attune.cli.config;

import org.attune.error.ConfigException;
import org.attune.error.Secrets;
import org.attune.files.GivenText;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The keys of a run: a file's, then those of the command line, which win.
///
/// @param file the run's, an empty path if all keys come from the command line
/// @param keys what is given, in the order of the file and the command line
record Settings(Path file, Map<String, Setting> keys) {
    private static final int MOST = 512 << 10; // characters of a run's file

    /// @param file the run's; an empty path if the words may name one
    static Settings read(Path file, List<String> words, KeyForms forms, Problems problems) {
        Map<String, Setting> given = new LinkedHashMap<>();
        Path named = CommandWords.read(file, words, forms, given, problems);
        Map<String, Setting> keys = new LinkedHashMap<>();
        if (!named.toString().isEmpty()) {
            readFile(named, keys, problems);
        }
        keys.putAll(given);
        keys.values().forEach(setting -> examine(setting, problems));
        return new Settings(named, keys);
    }

    /// Secrets are known before anything is said of a run.
    private static void examine(Setting setting, Problems problems) {
        var value = Map.of(setting.key(), setting.value().plain());
        Secrets.learnFrom(value);
        if (Secrets.isMasked(value)) {
            problems.add(
                    setting.where(),
                    setting.key()
                            + " has *** in the place of a secret, which Attune writes into no file;"
                            + " write it, or $NAME where a variable has it");
        }
    }

    /// What messages call the place where a key would stand that is missing.
    String name() {
        return file.toString().isEmpty() ? "command line" : String.valueOf(file.getFileName());
    }

    /// Where the file stands.
    Path directory() {
        Path parent = file.toString().isEmpty() ? null : file.toAbsolutePath().getParent();
        return parent == null ? Path.of("") : parent;
    }

    private static void readFile(Path file, Map<String, Setting> keys, Problems problems) {
        String name = String.valueOf(file.getFileName());
        switch (YamlText.parse(name, text(file), problems)) {
            case YamlNode.Fields fields -> {
                for (YamlNode.Field field : fields.fields()) {
                    keys.put(
                            field.key(),
                            new Setting(field.key(), field.value(), name + ":" + field.line()));
                }
            }
            case YamlNode node when node.isNull() -> {}
            case YamlNode node ->
                    problems.add(
                            name + ":" + node.line(),
                            node + "; accepted: keys with values, such as learning_rate: 1e-4");
        }
    }

    private static String text(Path file) {
        try {
            String text = GivenText.read(file);
            if (text.length() > MOST) {
                throw new IOException("it has more than %d KiB".formatted(MOST >> 10));
            }
            return text;
        } catch (IOException e) {
            throw new ConfigException(
                    "%s can't be read: %s; give the path of a run's YAML file"
                            .formatted(file, e.getMessage()),
                    e);
        }
    }
}
