package org.attune.cli.config;

/// A value that doesn't fit its key; becomes one line of [Problems].
final class BadValue extends Exception {
    private static final long serialVersionUID = 1L;

    private final String place;
    private final String shown;
    private final String accepted;

    /// @param place inside the key's value, e.g. `[0].path`; empty for the value itself
    BadValue(String place, String shown, String accepted) {
        super(place + ": " + shown + "; accepted: " + accepted);
        this.place = place;
        this.shown = shown;
        this.accepted = accepted;
    }

    BadValue(YamlNode value, String accepted) {
        this("", value.toString(), accepted);
    }

    BadValue inside(String outer) {
        return new BadValue(outer + place, shown, accepted);
    }

    String about(String key) {
        return key + place + ": " + shown + "; accepted: " + accepted;
    }
}
