package org.attune.cli.config;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/// A setting of another program's file.
///
/// @param label of the file or key that it stands in, for messages
/// @param path in there, as `zero_optimization.stage`
/// @param where `file:line`, or the argument of the command line
record PastedValue(String label, String path, YamlNode value, String where) {
    /// Whether the setting leaves the choice to the run's file.
    boolean isAuto() {
        return text().equals("auto");
    }

    String text() {
        return value.toString().strip();
    }

    String lower() {
        return text().toLowerCase(Locale.ROOT);
    }

    YamlNode.Scalar scalar(String text) {
        return new YamlNode.Scalar(text, false, value.line());
    }

    static boolean sameNumber(String one, String other) {
        try {
            return Double.parseDouble(one) == Double.parseDouble(other);
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /// Where such settings go.
    ///
    /// @param settings of the run; changed
    record Target(Map<String, Setting> settings, Problems problems) {
        /// Sets a key of the run that isn't set, or finds that it says the same.
        void set(String key, PastedValue pasted, YamlNode value) {
            Setting before = settings.get(key);
            if (before == null || before.value().isNull()) {
                settings.put(key, new Setting(key, value, pasted.where()));
                return;
            }
            String own = before.value().toString();
            if (!own.equalsIgnoreCase(value.toString()) && !sameNumber(own, value.toString())) {
                refuse(pasted, "auto, or %s, as %s says (%s)".formatted(own, key, before.where()));
            }
        }

        void set(String key, PastedValue pasted) {
            set(key, pasted, pasted.value());
        }

        void refuse(PastedValue pasted, String accepted) {
            problems.add(
                    pasted.where(),
                    "%s: %s: %s; accepted: %s"
                            .formatted(pasted.label(), pasted.path(), pasted.text(), accepted));
        }

        boolean says(String key, String... values) {
            Setting own = settings.get(key);
            return own != null && List.of(values).contains(own.value().toString());
        }
    }
}
