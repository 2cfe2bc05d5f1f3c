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

/// The keys of a run: a file's, then the `key=value` arguments, which win.
final class Settings {
    private Settings() {}

    static Map<String, Setting> read(Path file, List<String> overrides, Problems problems) {
        String name = String.valueOf(file.getFileName());
        Map<String, Setting> settings = new LinkedHashMap<>();
        switch (YamlText.parse(name, text(file), problems)) {
            case YamlNode.Fields fields -> {
                for (YamlNode.Field field : fields.fields()) {
                    settings.put(
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
        for (String override : overrides) {
            Setting setting = override(override, problems);
            if (setting != null) {
                settings.put(setting.key(), setting);
            }
        }
        return settings;
    }

    private static Setting override(String argument, Problems problems) {
        String where = "argument " + argument;
        int equals = argument.indexOf('=');
        if (equals <= 0) {
            problems.add(where, "accepted: key=value, such as learning_rate=1e-4");
            return null;
        }
        // As on the command line of TRL, --key=value is the same.
        String key = argument.substring(0, equals).replaceFirst("^--", "").strip();
        return new Setting(
                key, YamlText.parse(where, argument.substring(equals + 1), problems), where);
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
