package org.attune.cli.config;

import org.attune.error.ConfigException;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The keys of a run: a file's, then those of the command line, which win.
///
/// @param file the run's, an empty path if all keys come from the command line
/// @param keys what is given, in the order of the file and the command line
record Settings(Path file, Map<String, Setting> keys) {
    /// @param file the run's; an empty path if the words may name one
    static Settings read(Path file, List<String> words, KeyForms forms, Problems problems) {
        Map<String, Setting> given = new LinkedHashMap<>();
        Path named = CommandWords.read(file, words, forms, given, problems);
        Map<String, Setting> keys = new LinkedHashMap<>();
        if (!named.toString().isEmpty()) {
            readFile(named, keys, problems);
        }
        keys.putAll(given);
        return new Settings(named, keys);
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
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            throw new ConfigException(
                    file + " does not exist; give the path of a run's YAML file", e);
        } catch (IOException e) {
            throw new ConfigException(file + " cannot be read as UTF-8 text: " + e, e);
        }
    }
}
