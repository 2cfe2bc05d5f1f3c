package org.attune.cli.config;

/// A key that was given.
///
/// @param where `file:line`, or the argument of the command line
record Setting(String key, YamlNode value, String where) {
    Setting as(String otherKey, YamlNode otherValue) {
        return new Setting(otherKey, otherValue, where);
    }
}
