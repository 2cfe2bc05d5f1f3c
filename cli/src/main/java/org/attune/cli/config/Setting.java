package org.attune.cli.config;

/// A key that was given.
///
/// @param where `file:line`, or the argument of the command line
record Setting(String key, YamlNode value, String where) {
    /// How the places of arguments begin.
    static final String ARGUMENT = "argument ";

    /// Whether the setting stands in the run's file, not on the command line.
    boolean fromFile() {
        return !where.startsWith(ARGUMENT);
    }

    Setting as(String otherKey, YamlNode otherValue) {
        return new Setting(otherKey, otherValue, where);
    }
}
